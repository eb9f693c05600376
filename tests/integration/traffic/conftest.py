"""An engine beside either kind of API server, which serves the objects of meshes and gateways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kit.control_plane import open_control_plane
from kit.lab import Lab
from kit.meshes import install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kit.api_server import ApiServer
    from kit.rest import Rest


@pytest.fixture
async def lab(any_api: ApiServer, any_rest: Rest, any_namespace: str) -> AsyncIterator[Lab]:
    """A namespace of its own, and an engine that deploys to it."""
    await install(any_rest)
    async with open_control_plane(any_api) as plane:
        yield Lab(plane=plane, rest=any_rest, api=any_api, namespace=any_namespace)
