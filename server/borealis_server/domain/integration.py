"""Metric providers of a tenant: where each is, and which secrets open it. Holds names of secrets, never values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from borealis_server.domain.errors import InvalidArgument, Violation
from borealis_server.domain.names import AgentName, ResourceName

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

MAX_URL_CHARACTERS: Final = 2000
_REFERENCE: Final = re.compile(r"\{\{\s*secrets\.([A-Za-z0-9_.-]{1,128})\s*\}\}")
_URL: Final = "must be an http or https address without user, query and fragment"


class IntegrationName(ResourceName):
    """Name of an integration: `tenants/{tenant}/integrations/{integration}`. Deploy files name it by its last part."""

    __slots__ = ()
    collection = "integrations"
    id_pattern = r"[A-Za-z0-9_.-]{1,63}"


class ProviderKind(StrEnum):
    """Which metric provider; mirrors the settings in `borealis.integration.v1.Integration`."""

    PROMETHEUS = "PROMETHEUS"
    DATADOG = "DATADOG"
    NEW_RELIC = "NEW_RELIC"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusSettings:
    """How a Prometheus is asked: without credentials, by user and password, or by a bearer token."""

    username: str = ""
    password: str = ""
    """Reference to a secret."""
    token: str = ""
    """Reference to a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatadogSettings:
    """How Datadog is asked."""

    api_key: str
    """Reference to a secret."""
    application_key: str
    """Reference to a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRelicSettings:
    """How New Relic is asked."""

    user_key: str
    """Reference to a secret."""
    account_id: int


ProviderSettings = PrometheusSettings | DatadogSettings | NewRelicSettings
"""What only one kind of provider has."""

SETTINGS_OF: Final = {
    ProviderKind.PROMETHEUS: PrometheusSettings,
    ProviderKind.DATADOG: DatadogSettings,
    ProviderKind.NEW_RELIC: NewRelicSettings,
}
DEFAULT_URLS: Final = {
    ProviderKind.PROMETHEUS: "",
    ProviderKind.DATADOG: "https://api.datadoghq.com",
    ProviderKind.NEW_RELIC: "https://api.newrelic.com",
}
"""Where a provider is unless somebody says otherwise; empty where everybody has one of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """A metric provider that the queries of a tenant may ask."""

    name: IntegrationName
    url: str
    """What the paths of its API follow."""
    settings: ProviderSettings
    agent: str = ""
    """Agent that asks it from inside its network; empty for the server itself."""
    created_at: datetime
    updated_at: datetime
    updated_by: str
    """Display name of who set it."""
    revision: int = 1
    """Grows with every change; the etag."""

    @property
    def kind(self) -> ProviderKind:
        """Which provider."""
        return next(kind for kind, shape in SETTINGS_OF.items() if isinstance(self.settings, shape))

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the secrets that it needs."""
        return tuple(secret_name(text) for _, text in _references(self.settings) if text)


def secret_name(reference: str) -> str:
    """The secret that a reference such as `{{secrets.token}}` names. Errors: ValueError for anything else."""
    match = _REFERENCE.fullmatch(reference.strip())
    if match is None:
        raise ValueError("not a reference to a secret")
    return match[1]


def checked(integration: Integration) -> Integration:
    """The integration, if it can be kept. Errors: InvalidArgument with every fault; none of them shows a credential."""
    violations = tuple(Violation(field=field, description=text) for field, text in _faults(integration))
    if violations:
        raise InvalidArgument(violations)
    return integration


def _faults(one: Integration) -> Iterator[tuple[str, str]]:
    if not IntegrationName.is_id(one.name.id):
        yield "integration_id", "must have 1 to 63 characters of `A-Z`, `a-z`, `0-9`, `-`, `_`, `.`"
    if not _is_address(one.url):
        yield "integration.url", _URL
    if one.agent and not AgentName.is_id(one.agent):
        yield "integration.agent", "is no name of an agent"
    for field, text in _references(one.settings):
        if text and _REFERENCE.fullmatch(text.strip()) is None:
            yield (
                f"integration.{field}",
                "must name a secret, as in {{secrets.token}}: set one with borealis secret set",
            )
    yield from _faults_of(one.settings)


def _faults_of(settings: ProviderSettings) -> Iterator[tuple[str, str]]:
    match settings:
        case PrometheusSettings() if bool(settings.username) != bool(settings.password):
            yield "integration.prometheus", "username and password go together"
        case PrometheusSettings() if settings.token and settings.password:
            yield "integration.prometheus", "give a token, or username and password"
        case PrometheusSettings() if ":" in settings.username:
            yield "integration.prometheus.username", "must not have a colon"
        case DatadogSettings() if not (settings.api_key and settings.application_key):
            yield "integration.datadog", "both keys are required"
        case NewRelicSettings() if not settings.user_key or settings.account_id < 1:
            yield "integration.new_relic", "the user key and the number of the account are required"


def _references(settings: ProviderSettings) -> Iterator[tuple[str, str]]:
    """Every field that refers to a secret, by its path, and what it says."""
    match settings:
        case PrometheusSettings():
            yield "prometheus.password", settings.password
            yield "prometheus.token", settings.token
        case DatadogSettings():
            yield "datadog.api_key", settings.api_key
            yield "datadog.application_key", settings.application_key
        case NewRelicSettings():
            yield "new_relic.user_key", settings.user_key


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_port = parts.port != 0
    except ValueError:
        return False
    is_plain = not (parts.username or parts.password or "?" in text or "#" in text)
    is_short = len(text) <= MAX_URL_CHARACTERS and text.isascii() and text.isprintable() and " " not in text
    return parts.scheme in ("http", "https") and bool(parts.hostname) and has_port and is_plain and is_short
