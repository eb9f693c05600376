"""The target `kube`: the Kubernetes API of the cluster that the agent runs in, with the agent's own credentials."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import structlog
from kubernetes_asyncio import config as kube_config
from kubernetes_asyncio.client import Configuration

from borealis_agent.targets.http import AiohttpClient
from borealis_agent.targets.target import TargetFailure, TargetRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from borealis_agent.targets.target import HttpClient, TargetAnswer

log = structlog.get_logger(__name__)

_UNAUTHORIZED: Final = 401
_RELOAD_AFTER_S: Final = 10.0
_VERSION_TIMEOUT_S: Final = 5.0


class KubeUnconfigured(Exception):  # noqa: N818 - it names what is missing
    """No usable configuration of a Kubernetes API. The text says what to do."""


class KubeCredentials:
    """Where the API is and how we prove who we are, as kubernetes_asyncio reads it from the pod or a kubeconfig."""

    def __init__(self, kubeconfig: Path | None, context: str) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._configuration = Configuration()
        self._loaded_at = 0.0

    async def load(self) -> Configuration:
        """Read the configuration, again if it was read before.

        Errors: KubeUnconfigured.
        """
        configuration = Configuration()
        try:
            if self._is_in_cluster():
                kube_config.load_incluster_config(configuration)  # type: ignore[no-untyped-call]  # as the library is
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
        self._loaded_at = time.monotonic()
        return configuration

    async def authorization(self) -> tuple[tuple[str, str], ...]:
        """The header that proves who we are; none with a client certificate. A pod's token is read again in time."""
        key = await self._configuration.get_api_key_with_prefix("BearerToken")
        if key:
            return (("Authorization", str(key).strip()),)
        if self._configuration.username:
            return (("Authorization", self._configuration.get_basic_auth_token()),)
        return ()

    async def renew(self) -> None:
        """The API no longer knows us: read the configuration again, but not at every request."""
        if time.monotonic() - self._loaded_at < _RELOAD_AFTER_S:
            return
        try:
            await self.load()
        except KubeUnconfigured as error:
            log.warning("kube.reload_failed", cause=str(error))

    def _is_in_cluster(self) -> bool:
        return self._kubeconfig is None and not self._context and "KUBERNETES_SERVICE_HOST" in os.environ


class KubeTarget:
    """The Kubernetes API. Adds our credentials to every request; relays those whose path is allowed."""

    def __init__(self, client: HttpClient, credentials: KubeCredentials, path_prefixes: tuple[str, ...]) -> None:
        self._client = client
        self._credentials = credentials
        self._path_prefixes = path_prefixes

    def fault_of(self, method: str, path: str) -> str | None:  # noqa: ARG002 - RBAC judges methods better than we could
        """Why the allow-list refuses a request; None if it does not."""
        plain = path.partition("?")[0]
        if any(_is_below(plain, prefix) for prefix in self._path_prefixes):
            return None
        return "the path is not among BOREALIS_AGENT_KUBE_PATH_PREFIXES of the agent"

    @asynccontextmanager
    async def request(self, request: TargetRequest) -> AsyncIterator[TargetAnswer]:
        """Send a request with our credentials."""
        headers = (*request.headers, *await self._credentials.authorization())
        with_credentials = TargetRequest(method=request.method, path=request.path, headers=headers, body=request.body)
        async with self._client.request(with_credentials) as answer:
            if answer.status == _UNAUTHORIZED:
                await self._credentials.renew()
            yield answer

    async def version(self) -> str:
        """Version of the API server; empty, and logged, if it cannot be reached."""
        request = TargetRequest(method="GET", path="/version", headers=(), body=None)
        try:
            async with asyncio.timeout(_VERSION_TIMEOUT_S), self.request(request) as answer:
                return str(json.loads(await answer.read())["gitVersion"])
        except (TargetFailure, TimeoutError, ValueError, KeyError, TypeError) as error:
            log.warning("kube.unreachable", cause=str(error) or "no answer in time", advice="check the kubeconfig")
            return ""


@asynccontextmanager
async def open_kube_target(
    *,
    kubeconfig: Path | None,
    context: str,
    path_prefixes: tuple[str, ...],
) -> AsyncIterator[KubeTarget]:
    """The Kubernetes API that the configuration names.

    Errors: KubeUnconfigured.
    """
    credentials = KubeCredentials(kubeconfig, context)
    configuration = await credentials.load()
    host = str(configuration.host)  # the library types it loosely; loading has set it
    client = AiohttpClient(host, tls=_tls(host, configuration), proxy=configuration.proxy)
    try:
        yield KubeTarget(client, credentials, path_prefixes)
    finally:
        await client.close()


def _is_below(path: str, prefix: str) -> bool:
    """Whether `path` is `prefix` or lies below it: `/api` covers `/api/v1`, not `/apis`."""
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


def _tls(host: str, configuration: Configuration) -> ssl.SSLContext | None:
    if not host.startswith("https://"):
        return None
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context
