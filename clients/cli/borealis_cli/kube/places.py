"""What the `kube` commands do: entries of kubeconfigs, credentials for kubectl, and the life of a proxy."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import shutil
import signal
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from borealis_cli.exit_codes import ExitCode
from borealis_cli.failures import CommandFailedError
from borealis_cli.kube.kubeconfig import EXEC_API, Entry, token_plugin, write_new
from borealis_cli.kube.proxy import KubeProxy
from borealis_cli.options import Format
from borealis_cli.output import note, say, say_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from borealis_client import AccessToken, Borealis, ConnectionSettings

_MARGIN: Final = timedelta(seconds=30)
"""kubectl gets its next token this long before the old one ends."""


async def entry_of(borealis: Borealis, agent: str) -> Entry:
    """The kubeconfig entry of an agent's cluster, by way of the server's web door. Errors: AgentNotFoundError."""
    await borealis.agents.get(await agent_name(borealis, agent))
    return _web_entry(borealis.settings, agent, await borealis.kube.url(agent))


def exec_credential(token: AccessToken, environment: Mapping[str, str] | None = None) -> dict[str, Any]:  # Any: JSON
    """What kubectl expects of a credential plugin, in the version that it asks for."""
    asked = (os.environ if environment is None else environment).get("KUBERNETES_EXEC_INFO", "")
    try:
        version = json.loads(asked)["apiVersion"] if asked else EXEC_API
    except (ValueError, KeyError, TypeError):
        version = EXEC_API
    expires = (token.expires_at - _MARGIN).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": version,
        "kind": "ExecCredential",
        "status": {"token": token.text, "expirationTimestamp": expires},
    }


async def serve_proxy(borealis: Borealis, agent: str, *, address: str, port: int, output: Format) -> int:
    """Serve until SIGINT or SIGTERM; the kubeconfig goes with it. Returns the exit code."""
    name = await agent_name(borealis, agent)
    await borealis.agents.get(name)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    folder = Path(tempfile.mkdtemp(prefix="borealis-proxy-", dir=os.environ.get("XDG_RUNTIME_DIR") or None))
    proxy = KubeProxy(borealis, name)
    try:
        async with proxy.listening(address, port):
            kubeconfig = folder / "kubeconfig"
            write_new(kubeconfig, Entry(name=f"borealis-{agent}", server=proxy.address))
            _greet(agent, address, kubeconfig, output)
            await stop.wait()
    except OSError as error:
        raise CommandFailedError(
            f"cannot listen on {address}:{port}: {error.strerror or error}",
            code=ExitCode.USAGE,
            advice="choose another --port, or leave it out for a free one",
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    note("", "stopped")
    return ExitCode.OK


async def agent_name(borealis: Borealis, agent: str) -> str:
    """The resource name of an agent of the caller's tenant."""
    tenant = borealis.settings.tenant or (await borealis.identity.caller()).tenant
    return f"tenants/{tenant}/agents/{agent}"


def _web_entry(settings: ConnectionSettings, agent: str, url: str) -> Entry:
    ca_file = settings.ca_file.absolute() if settings.ca_file else None
    arguments = ["--server", str(settings.server), *(["--ca-file", str(ca_file)] if ca_file else [])]
    context_file = os.environ.get("BOREALIS_CONTEXT_FILE", "")
    environment = {"BOREALIS_CONTEXT_FILE": str(Path(context_file).absolute())} if context_file else {}
    user = token_plugin(arguments, environment)
    return Entry(name=f"borealis-{agent}", server=url, ca_file=ca_file, user=user)


def _greet(agent: str, address: str, kubeconfig: Path, output: Format) -> None:
    if not _is_loopback(address):
        note(
            f"warning: {address} can be reached from other machines, without encryption; "
            "whoever sees a request can use this proxy"
        )
    if output is not Format.TEXT:
        say_json({"agent": agent, "kubeconfig": str(kubeconfig)}, Format.JSONL)
    else:
        say([f"export KUBECONFIG={kubeconfig}"])
    note(f"serving the cluster behind {agent} until Ctrl-C; run the line above in another terminal, then kubectl")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
