"""Certificates are good for the hosts they name, and for nothing else."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import yaml

from borealis_sandbox.kubeconfig import render_kubeconfig
from borealis_sandbox.pki import Authority

if TYPE_CHECKING:
    from pathlib import Path


def _handshake(authority: Authority, folder: Path, *, trusted: Authority, host: str) -> None:
    """A TLS handshake in memory."""
    pair = authority.issue(["127.0.0.1", "localhost"])
    (folder / "crt").write_bytes(pair.certificate_pem)
    (folder / "key").write_bytes(pair.key_pem)
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(folder / "crt", folder / "key")
    calling = ssl.create_default_context(cadata=trusted.certificate_pem.decode())
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = calling.wrap_bio(down, up, server_hostname=host)
    server = serving.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.version() is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_named_host_is_trusted(tmp_path: Path, host: str) -> None:
    authority = Authority("test")

    _handshake(authority, tmp_path, trusted=authority, host=host)


def test_another_host_is_not_trusted(tmp_path: Path) -> None:
    authority = Authority("test")

    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(authority, tmp_path, trusted=authority, host="example.com")


def test_another_authority_is_not_trusted(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(Authority("test"), tmp_path, trusted=Authority("test"), host="localhost")


def test_a_kubeconfig_names_cluster_user_and_namespace() -> None:
    text = render_kubeconfig(name="c", url="https://127.0.0.1:1", token="t", ca_pem=b"pem", namespace="shop")
    found = yaml.safe_load(text)

    assert found["current-context"] == "c"
    assert found["contexts"][0]["context"] == {"cluster": "c", "user": "c", "namespace": "shop"}
    assert found["clusters"][0]["cluster"]["certificate-authority-data"] == "cGVt"
    assert found["users"][0]["user"] == {"token": "t"}
