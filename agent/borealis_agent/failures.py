"""Why the server could not be reached or would not have us: one line for each cause, with what to check."""

from __future__ import annotations

from enum import Enum, auto

import grpc


class Cause(Enum):
    """What kind of failure it is."""

    CREDENTIAL = auto()
    """The server refused who we say we are; only a person can change that."""
    UNREACHABLE = auto()
    """Nobody answered."""
    UNTRUSTED = auto()
    """Somebody answered whom we do not trust, or not with TLS."""
    SERVER = auto()
    """The server answered, but not as it should."""


class LinkFailure(Exception):  # noqa: N818 - it names what failed
    """The link could not be made or broke. The text is one line for people."""

    def __init__(self, cause: Cause, text: str) -> None:
        super().__init__(text)
        self.cause = cause


_CREDENTIAL_CODES = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})
_SILENT_CODES = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
_TLS_WORDS = ("handshake", "certificate", "ssl", "tls", "alpn", "verification check")


def explain(error: grpc.aio.AioRpcError, *, server: str, agent: str) -> LinkFailure:
    """The failure behind a gRPC status."""
    code = error.code()
    detail = " ".join((error.details() or code.name).split())
    if code in _CREDENTIAL_CODES:
        return LinkFailure(
            Cause.CREDENTIAL,
            f"the server refused the credential of agent {agent}: {detail}; check client id and secret, or create a "
            f"new credential with `borealis agent create {agent}`",
        )
    if code not in _SILENT_CODES:
        text = f"server {server} answered {code.name}: {detail}; check that the address is a Borealis server"
        return LinkFailure(Cause.SERVER, text)
    if any(word in detail.lower() for word in _TLS_WORDS):
        return LinkFailure(
            Cause.UNTRUSTED,
            f"no trusted connection to {server}: {detail}; check BOREALIS_AGENT_CA_FILE, and that no proxy opens TLS "
            "on the way",
        )
    return LinkFailure(
        Cause.UNREACHABLE,
        f"cannot reach {server}: {detail}; check the address, the name service, the firewall and HTTPS_PROXY",
    )
