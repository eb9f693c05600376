"""A real Kubernetes control plane for tests: etcd, API server, controllers, scheduler and hollow kubelets.

Owns the processes and their folder. Where the programs come from is `tests/kube/install.sh`'s business.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from borealis_sandbox.kubeconfig import render_kubeconfig
from borealis_sandbox.pki import Authority, private_key_pem
from kit.api_server import ApiServer
from kit.programs import Program, ProgramFailedError, free_ports

_INSTALL = Path(__file__).parent.parent / "kube" / "install.sh"
_START_LIMIT_S = 40.0
_START_TRIES = 3
_REQUEST_LIMIT_S = 10.0


class KubernetesMissingError(AssertionError):
    """This machine has no Kubernetes programs; the text says in one line how to get them."""


class KubeApiError(AssertionError):
    """The API server refused a request of the test itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ports:
    """One free port for each listener."""

    etcd: int
    etcd_peer: int
    api: int
    controllers: int
    scheduler: int
    kubelets: tuple[int, ...]
    """Two for each node: the kubelet's own and its read-only one."""


@dataclass(slots=True)
class KubeCluster:
    """A context manager: inside it the cluster is ready, after it nothing of it is left.

    The folder with data and logs is removed at the end, unless the start failed: then the error names it.
    """

    nodes: int = 1
    """How many hollow kubelets to run."""
    keep: bool = False
    """Leave data and logs on disk afterwards, for a look."""
    folder: Path = field(init=False)
    """Data, certificates, kubeconfig and `*.log`."""
    programs: Path = field(init=False)
    """Where the executables are; `programs / "kubectl"` among them."""
    api: ApiServer = field(init=False)
    """How to reach the API server."""
    _running: contextlib.ExitStack = field(init=False)
    _controllers: Program = field(init=False)

    def __enter__(self) -> Self:
        self.programs = find_programs()
        for attempt in range(1, _START_TRIES + 1):
            self.folder = Path(tempfile.mkdtemp(prefix="borealis-kube-"))
            self._running = contextlib.ExitStack()
            try:
                self._start()
            except ProgramFailedError as error:
                self._running.close()
                if "address already in use" in str(error) and attempt < _START_TRIES:
                    continue
                raise ProgramFailedError(f"{error}\n(all logs: {self.folder})") from None
            except BaseException:
                self._running.close()
                raise
            return self
        raise AssertionError("unreachable")

    def __exit__(self, *_: object) -> None:
        self._running.close()
        for folder in self._kubelet_folders():
            shutil.rmtree(folder, ignore_errors=True)
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def node_names(self) -> tuple[str, ...]:
        """Names of the nodes, `node-1` first."""
        return tuple(f"node-{number}" for number in range(1, self.nodes + 1))

    def request(self, method: str, path: str, body: object = None) -> Any:  # JSON of any kind of object
        """Send one request as administrator, and give back the decoded answer."""
        status, content = self._request(method, path, body)
        if status >= http.client.BAD_REQUEST:
            raise KubeApiError(f"{method} {path}: {status} {content[:500]!r}")
        return json.loads(content)

    def create_namespace(self) -> str:
        """The name of a new namespace in which pods can be created at once."""
        name = f"test-{secrets.token_hex(4)}"
        self.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        self._controllers.wait_until(
            lambda: self._is_ok(f"/api/v1/namespaces/{name}/serviceaccounts/default"),
            what=f"ServiceAccount default in {name}",
            limit_s=_START_LIMIT_S,
        )
        return name

    def delete_namespace(self, name: str) -> None:
        """Ask for `name` and all that is in it to go; does not wait for it."""
        self.request("DELETE", f"/api/v1/namespaces/{name}")

    def kubectl(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the cluster's own kubectl as administrator."""
        command = [str(self.programs / "kubectl"), "--kubeconfig", str(self.api.kubeconfig), *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=30, check=False)

    def _start(self) -> None:
        etcd, etcd_peer, api, controllers, scheduler, *kubelet_ports = free_ports(5 + 2 * self.nodes)
        ports = _Ports(
            etcd=etcd,
            etcd_peer=etcd_peer,
            api=api,
            controllers=controllers,
            scheduler=scheduler,
            kubelets=tuple(kubelet_ports),
        )
        self.api = self._write_credentials(ports)
        self._run("etcd", *_etcd_flags(ports, self.folder))
        server = self._run("kube-apiserver", *_api_server_flags(ports, self.folder))
        server.wait_until(lambda: self._is_ok("/readyz"), what="/readyz", limit_s=_START_LIMIT_S)
        insecure_off = _insecure_port_flags(self.programs)
        self._controllers = self._run("kube-controller-manager", *_controller_flags(ports, self.folder), *insecure_off)
        self._run("kube-scheduler", *_scheduler_flags(ports, self.folder), *insecure_off)
        kubelets = {name: self._start_kubelet(ports, index, name) for index, name in enumerate(self.node_names)}
        self._controllers.wait_until(
            lambda: self._is_ok("/api/v1/namespaces/default/serviceaccounts/default"),
            what="ServiceAccount default",
            limit_s=_START_LIMIT_S,
        )
        for name, kubelet in kubelets.items():
            self._await_node(name, kubelet)

    def _start_kubelet(self, ports: _Ports, index: int, name: str) -> Program:
        return self._run("kubemark", *_kubelet_flags(ports, self.folder, index, name), log=f"kubelet-{name}")

    def _await_node(self, name: str, kubelet: Program) -> None:
        path = f"/api/v1/nodes/{name}"
        kubelet.wait_until(lambda: self._is_ok(path), what=f"Node {name}", limit_s=_START_LIMIT_S)
        # A kubelet's first report says NotReady, and its second comes 10 s later: report for it, as it will itself.
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "reported by the test kit"}
        self.request("PATCH", f"{path}/status", {"status": {"conditions": [ready]}})
        kubelet.wait_until(lambda: self._is_schedulable(path), what=f"Ready {name}", limit_s=_START_LIMIT_S)

    def _run(self, program: str, *flags: str, log: str | None = None) -> Program:
        # The hollow kubelet asks a cloud's metadata address unless told not to.
        env = {**os.environ, "AWS_EC2_METADATA_DISABLED": "true"}
        log_file = self.folder / f"{log or program}.log"
        program_at = str(self.programs / program)
        return self._running.enter_context(Program([program_at, *flags], log=log_file, env=env, cwd=self.folder))

    def _kubelet_folders(self) -> list[str]:
        """Where the hollow kubelets kept their files: they make a folder of their own in /tmp, whatever TMPDIR says."""
        logs = [log.read_text(errors="replace") for log in self.folder.glob("kubelet-*.log")]
        return [folder for log in logs for folder in re.findall(r"Using (\S+/hollow-kubelet\.\d+) as root dir", log)]

    def _write_credentials(self, ports: _Ports) -> ApiServer:
        authority = Authority("borealis test cluster")
        server = authority.issue(["127.0.0.1", "localhost", "kubernetes", "kubernetes.default.svc"])
        accounts = ec.generate_private_key(ec.SECP256R1())
        accounts_public = accounts.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        token, url = secrets.token_hex(16), f"https://127.0.0.1:{ports.api}"
        files = {
            "ca.crt": authority.certificate_pem,
            "server.crt": server.certificate_pem,
            "server.key": server.key_pem,
            "accounts.key": private_key_pem(accounts),
            "accounts.pub": accounts_public,
            "tokens.csv": f"{token},admin,admin,system:masters\n".encode(),
            "kubeconfig": render_kubeconfig(
                name="borealis-test", url=url, token=token, ca_pem=authority.certificate_pem
            ).encode(),
        }
        for name, content in files.items():
            (self.folder / name).write_bytes(content)
        return ApiServer(
            kind="real",
            url=url,
            token=token,
            ca_pem=authority.certificate_pem,
            ca_file=self.folder / "ca.crt",
            kubeconfig=self.folder / "kubeconfig",
        )

    def _request(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        address = urllib.parse.urlsplit(self.api.url)
        connection = http.client.HTTPSConnection(
            str(address.hostname), address.port, context=self.api.ssl_context(), timeout=_REQUEST_LIMIT_S
        )
        with contextlib.closing(connection):
            kind = "application/strategic-merge-patch+json" if method == "PATCH" else "application/json"
            headers = {**self.api.headers, "Content-Type": kind}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def _is_ok(self, path: str) -> bool:
        try:
            return self._request("GET", path)[0] == http.client.OK
        except OSError:
            return False

    def _is_schedulable(self, node_path: str) -> bool:
        node = self.request("GET", node_path)
        is_ready = any((each["type"], each["status"]) == ("Ready", "True") for each in node["status"]["conditions"])
        return is_ready and not node["spec"].get("taints")


def find_programs() -> Path:
    """The folder with etcd, the control plane, the hollow kubelet and kubectl; builds nothing."""
    found = subprocess.run(["bash", _INSTALL, "--find"], capture_output=True, text=True, timeout=30, check=False)
    if found.returncode:
        reason = found.stderr.strip().splitlines()
        raise KubernetesMissingError(reason[-1] if reason else "tests/kube/install.sh --find failed")
    return Path(found.stdout.strip())


def _etcd_flags(ports: _Ports, folder: Path) -> list[str]:
    client, peer = f"http://127.0.0.1:{ports.etcd}", f"http://127.0.0.1:{ports.etcd_peer}"
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
    ]


def _api_server_flags(ports: _Ports, folder: Path) -> list[str]:
    return [
        f"--etcd-servers=http://127.0.0.1:{ports.etcd}",
        f"--secure-port={ports.api}",
        "--bind-address=127.0.0.1",
        # A loopback address may not be advertised, and a machine may have no other: this one is for documentation only.
        "--advertise-address=192.0.2.1",
        f"--cert-dir={folder}",
        f"--tls-cert-file={folder / 'server.crt'}",
        f"--tls-private-key-file={folder / 'server.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-signing-key-file={folder / 'accounts.key'}",
        f"--service-account-key-file={folder / 'accounts.pub'}",
        "--service-cluster-ip-range=10.0.0.0/24",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=Node,RBAC",
        "--allow-privileged=true",
    ]


def _controller_flags(ports: _Ports, folder: Path) -> list[str]:
    return [
        *_controller_common_flags(ports.controllers, folder),
        f"--service-account-private-key-file={folder / 'accounts.key'}",
        f"--root-ca-file={folder / 'ca.crt'}",
    ]


def _scheduler_flags(ports: _Ports, folder: Path) -> list[str]:
    return _controller_common_flags(ports.scheduler, folder)


def _controller_common_flags(port: int, folder: Path) -> list[str]:
    return [
        f"--kubeconfig={folder / 'kubeconfig'}",
        "--leader-elect=false",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={folder}",
    ]


def _kubelet_flags(ports: _Ports, folder: Path, index: int, name: str) -> list[str]:
    # The hollow kubelet cannot be told to listen on 127.0.0.1 only; it serves fake containers.
    return [
        "--morph=kubelet",
        f"--name={name}",
        f"--kubeconfig={folder / 'kubeconfig'}",
        f"--kubelet-port={ports.kubelets[2 * index]}",
        f"--kubelet-read-only-port={ports.kubelets[2 * index + 1]}",
    ]


def _insecure_port_flags(programs: Path) -> list[str]:
    """Releases before 1.23 also open a plain port unless told not to; later ones do not know the flag."""
    version = subprocess.run(
        [programs / "kube-controller-manager", "--version"], capture_output=True, text=True, timeout=30, check=True
    )
    found = re.search(r"v(\d+)\.(\d+)", version.stdout)
    is_old = found is not None and (int(found[1]), int(found[2])) < (1, 23)
    return ["--port=0"] if is_old else []
