"""The kubernetes_asyncio library on the Kubernetes API behind an agent: typed objects, watches, exec, all it has.

Needs the extra `borealis-cd[kubernetes]`. Nothing else in this package imports that library.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from kubernetes_asyncio.client import ApiClient, Configuration

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from borealis_client.client import Borealis


@asynccontextmanager
async def open_api_client(borealis: Borealis, agent: str) -> AsyncGenerator[ApiClient, None]:
    """An `ApiClient` for the cluster behind `agent` (its short name); hand it to any API class of the library.

    Its token is renewed by itself, so that it may be kept as long as `borealis` is open.
    """
    configuration = Configuration(host=await borealis.kube.url(agent))
    ca_file = borealis.settings.ca_file
    configuration.ssl_ca_cert = str(ca_file) if ca_file else None

    async def renew(target: Configuration) -> None:
        target.api_key["BearerToken"] = f"Bearer {(await borealis.kube.token()).text}"

    await renew(configuration)  # the library asks the hook only where there was a key before
    configuration.refresh_api_key_hook = renew
    async with ApiClient(configuration) as client:
        yield client
