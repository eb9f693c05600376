"""From a command's connection options to an open client."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import borealis_client
from borealis_cli.options import ACTING_TENANT
from borealis_cli.output import note

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from borealis_cli.options import Connection
    from borealis_client import Borealis, ConnectionSettings


def settings_of(connection: Connection) -> ConnectionSettings:
    """Where to connect and as whom; what a person should know about it goes to stderr."""
    settings = borealis_client.resolve(connection.server, ca_file=connection.ca_file, tenant=ACTING_TENANT.get())
    note(*(f"warning: {warning}" for warning in settings.warnings))
    return settings


@asynccontextmanager
async def connected(connection: Connection) -> AsyncGenerator[Borealis, None]:
    """A client for as long as the block runs."""
    async with borealis_client.connect(settings_of(connection)) as borealis:
        yield borealis
