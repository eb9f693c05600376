"""The client: one object to call a server with, open as long as its `async with` block."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from borealis_client.agents import Agents
from borealis_client.analyses import Analyses
from borealis_client.audit import Audit
from borealis_client.config import Configuration
from borealis_client.deployments import Deployments
from borealis_client.identity import Identity
from borealis_client.integrations import Integrations
from borealis_client.kube import Kube
from borealis_client.previews import Previews
from borealis_client.retry import RetryPolicy
from borealis_client.roles import Roles
from borealis_client.secrets import Secrets
from borealis_client.settings import ConnectionSettings, resolve
from borealis_client.tenants import Tenants
from borealis_client.transport import Transport
from borealis_client.users import Users

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

_TIMEOUT_S: Final = 15.0


class Borealis:
    """What a server offers, grouped by noun."""

    def __init__(self, transport: Transport) -> None:
        self.settings: Final = transport.settings
        """Where calls go, and as whom."""
        self.deployments: Final = Deployments(transport)
        self.agents: Final = Agents(transport)
        self.identity: Final = Identity(transport)
        self.kube: Final = Kube(transport)
        self.audit: Final = Audit(transport)
        self.integrations: Final = Integrations(transport)
        self.analyses: Final = Analyses(transport)
        self.secrets: Final = Secrets(transport)
        self.previews: Final = Previews(transport)
        self.config: Final = Configuration(transport)
        self.tenants: Final = Tenants(transport)
        self.users: Final = Users(transport)
        self.roles: Final = Roles(transport)


@asynccontextmanager
async def connect(  # every one is an independent choice of the caller
    server: str | ConnectionSettings | None = None,
    *,
    ca_file: Path | str | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
    token: str | None = None,
    tenant: str | None = None,
    timeout_s: float = _TIMEOUT_S,
    retry: RetryPolicy | None = None,
) -> AsyncGenerator[Borealis, None]:
    """A client for `server` (`host:port`); what is not given comes from BOREALIS_* variables or the context file.

    `tenant` is the one to act in, by id or name, for credentials that reach further than their own. The connection is
    always TLS 1.2 or newer, and made by the first call. `timeout_s` limits each call with its repeats.

    Errors: NotLoggedInError, SettingsError; each call raises its own.
    """
    settings = (
        server
        if isinstance(server, ConnectionSettings)
        else resolve(
            server, ca_file=ca_file, client_id=client_id, client_secret=client_secret, token=token, tenant=tenant
        )
    )
    transport = Transport(settings, retry=retry or RetryPolicy(), timeout_s=timeout_s)
    try:
        yield Borealis(transport)
    finally:
        await transport.close()
