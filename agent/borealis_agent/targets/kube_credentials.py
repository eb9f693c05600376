"""Where the Kubernetes API is and how the agent proves who it is, as kubernetes_asyncio reads it: pod or kubeconfig.

Tokens, certificates and authorities rotate; what is handed out here is what is valid now.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from kubernetes_asyncio import config as kube_config
from kubernetes_asyncio.client import Configuration

from borealis_agent.targets.tls import TlsFiles

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

_RELOAD_AFTER_S: Final = 10.0
"""Shortest time between two readings after the API refused us."""
_CHECK_AFTER_S: Final = 5.0
"""How long a token is used before it is asked for again; the library reads a pod's token file once a minute."""


class KubeUnconfigured(Exception):  # noqa: N818 - it names what is missing
    """No usable configuration of a Kubernetes API. The text says what to do."""


class KubeCredentials:
    """The configuration that `kubeconfig` and `context` name, or that of the pod we run in."""

    def __init__(
        self, kubeconfig: Path | None, context: str, *, in_cluster: Callable[[Configuration], None] | None = None
    ) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._in_cluster = in_cluster or kube_config.load_incluster_config
        self._configuration = Configuration()
        self._field = b""
        self._checked_at = float("-inf")
        self._loaded_at = float("-inf")
        self._lock = asyncio.Lock()

    async def load(self) -> Configuration:
        """Read the configuration, again if it was read before.

        Errors: KubeUnconfigured.
        """
        configuration = Configuration()
        try:
            if self._is_in_cluster():
                self._in_cluster(configuration)
            else:
                await kube_config.load_kube_config(
                    config_file=str(self._kubeconfig) if self._kubeconfig else None,
                    context=self._context or None,
                    client_configuration=configuration,
                )
        except (kube_config.ConfigException, OSError, ValueError) as error:
            raise KubeUnconfigured(
                f"no Kubernetes API to relay to: {error}; run inside a cluster, or set BOREALIS_AGENT_KUBECONFIG and "
                "BOREALIS_AGENT_CONTEXT",
            ) from error
        self._configuration = configuration
        self._loaded_at = asyncio.get_running_loop().time()
        self._checked_at = float("-inf")
        return configuration

    def tls_files(self) -> TlsFiles:
        """What to trust and what to show towards the API."""
        configuration = self._configuration
        return TlsFiles(
            ca_file=Path(configuration.ssl_ca_cert) if configuration.ssl_ca_cert else None,
            certificate_file=Path(configuration.cert_file) if configuration.cert_file else None,
            key_file=Path(configuration.key_file) if configuration.key_file else None,
            server_name=configuration.tls_server_name or "",
            is_verified=bool(configuration.verify_ssl),
        )

    async def field(self) -> bytes:
        """The header field that proves who we are, with its line end; empty with a client certificate."""
        now = asyncio.get_running_loop().time()
        if now - self._checked_at >= _CHECK_AFTER_S:
            self._field = await self._read_field()
            self._checked_at = now
        return self._field

    async def renew(self, refused: bytes) -> bool:
        """The API did not take the `refused` field: read the configuration again, if that was not just done.

        Says whether there is another field now.
        """
        async with self._lock:
            if await self.field() != refused:
                return True  # somebody else's request has renewed it meanwhile
            if asyncio.get_running_loop().time() - self._loaded_at < _RELOAD_AFTER_S:
                return False
            try:
                await self.load()
            except KubeUnconfigured as error:
                log.warning("kube.reload_failed", cause=str(error))
                return False
            return await self.field() != refused

    async def _read_field(self) -> bytes:
        key = await self._configuration.get_api_key_with_prefix("BearerToken")
        if key:
            return f"Authorization: {str(key).strip()}\r\n".encode()
        if self._configuration.username:
            return f"Authorization: {self._configuration.get_basic_auth_token()}\r\n".encode()
        return b""

    def _is_in_cluster(self) -> bool:
        return self._kubeconfig is None and not self._context and "KUBERNETES_SERVICE_HOST" in os.environ
