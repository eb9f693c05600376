"""Every setting of the server, and the only reader of its environment.

Variables start with `BOREALIS_SERVER_`; without any, the server starts for use on one machine.
"""

from __future__ import annotations

import os
import re
import socket
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "BOREALIS_SERVER_"

_MAX_PORT = 65535
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_OF_KUBERNETES = re.compile(r"SERVICE_(HOST|PORT(_.+)?)|PORT(_.+)?")
"""Variables that Kubernetes sets in every pod beside a Service named `borealis-server`."""


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[host]:port`. Errors: ValueError when it is neither."""
    host, colon, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdecimal() or int(port) > _MAX_PORT:
        raise ValueError("must be `host:port`, with a port from 0 to 65535")
    return host, int(port)


def _address(value: str) -> str:
    split_address(value)
    return value


def _preview_host(value: str) -> str:
    domain, colon, port = value.lower().partition(":")
    is_port = port.isascii() and port.isdecimal() and 0 < int(port) <= _MAX_PORT
    if not _DOMAIN.fullmatch(domain) or (colon and not is_port):
        raise ValueError("must be a domain of two or more labels, such as `preview.example.com` or with `:443`")
    return value.lower()


def _default_data_dir() -> Path:
    data_home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data_home) / "borealis" / "server"


def _default_host_names() -> tuple[str, ...]:
    return tuple(dict.fromkeys(("localhost", "127.0.0.1", socket.gethostname())))


Address = Annotated[str, AfterValidator(_address)]
PreviewHost = Annotated[str, AfterValidator(_preview_host)]


class ServerSettings(BaseSettings):
    """Settings of one server process."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", use_attribute_docstrings=True)

    data_dir: Path = Field(default_factory=_default_data_dir)
    """Folder for the store, keys and certificates (mode 0700). Default: `borealis/server` in the XDG data home."""
    grpc_address: Address = "127.0.0.1:7443"
    """Where the gRPC door listens, `host:port`; port 0 takes a free one."""
    web_address: Address = "127.0.0.1:8443"
    """Where the web door (tokens, health, metrics) listens, `host:port`; port 0 takes a free one."""
    preview_address: PreviewHost = "preview.localhost"
    """Domain below which previews have their host names, with the port that visitors use where that is not the web
    door's: `preview.example.com:443`. It needs wildcard DNS, and a domain of its own; the own certificate covers it."""
    host_names: Annotated[tuple[str, ...], NoDecode] = Field(default_factory=_default_host_names, min_length=1)
    """Names and addresses that clients reach this server by, separated by commas. The own certificate is made for them,
    and the first one stands in the issuer and in `client.json`."""
    issuer: str = ""
    """URL that tokens name as their issuer. Default: `https://` + first host name + port of the web door."""
    tls_cert_file: Path | None = None
    """PEM file with the server's certificate and its chain, with `tls_key_file`. Default: made by the server."""
    tls_key_file: Path | None = None
    """PEM file with the private key of `tls_cert_file`."""
    tls_ca_file: Path | None = None
    """PEM file of the authority behind `tls_cert_file`, for clients whose system does not trust it."""
    secret_keys_file: Path | None = None
    """File with the keys that encrypt secrets, which this server only reads: a line for each, its id and 32 bytes in
    base64, the one that encrypts first. Default: `keys/secrets.keys` in the data folder, which the server writes."""
    token_lifetime_s: int = Field(default=86400, ge=60, le=86400)
    """How long an access token of a machine is good for, in seconds; a revoked one ends within seconds all the same."""
    user_token_lifetime_s: int = Field(default=3600, ge=60, le=86400)
    """How long an access token of a person's program is good for, in seconds."""
    login_days: int = Field(default=30, ge=1, le=365)
    """How long a program stays logged in for a person while nobody uses it, in days."""
    federated_login_hours: int = Field(default=12, ge=1, le=720)
    """How long a program stays logged in for a person whom an identity provider vouched for, in hours."""
    signing_key_days: int = Field(default=90, ge=2, le=3650)
    """How long a key signs tokens before the next one does, in days."""
    may_sign_up: bool = False
    """Whether strangers may found organizations of their own; without it people come by invitation."""
    issuers_file: Path | None = None
    """TOML file with identity providers that people log in with, and issuers whose tokens machines bring."""
    issuers_ca_file: Path | None = None
    """PEM file of authorities behind those issuers, where the system does not trust them."""
    trusted_proxies: int = Field(default=0, ge=0, le=8)
    """How many proxies of your own stand before the web door and add to `X-Forwarded-For`."""
    shutdown_grace_s: float = Field(default=10.0, ge=0, le=600)
    """How long calls in progress may go on after a stop was asked for, in seconds."""
    tunnel_max_age_s: float = Field(default=43200.0, ge=60, le=7 * 86400)
    """How long a tunnel lives before its agent is asked to make a new one, in seconds; a tenth more or less."""
    tunnel_budget_bytes: int = Field(default=512 * 2**20, ge=16 * 2**20)
    """What all agents together may make this server hold of answers that nobody has read yet, in bytes."""
    relay_agent_calls: int = Field(default=1000, ge=1)
    """Calls through one agent that may be open at once."""
    relay_agent_calls_per_s: int = Field(default=20_000, ge=1)
    """Calls through one agent that may begin within a second."""
    relay_tenant_calls: int = Field(default=10_000, ge=1)
    """Calls through all agents of a tenant that may be open at once."""
    relay_tenant_calls_per_s: int = Field(default=50_000, ge=1)
    """Calls through all agents of a tenant that may begin within a second."""
    max_request_bytes: int = Field(default=16 * 2**20, ge=2**20, le=256 * 2**20)
    """Largest request, in bytes."""
    audit_retention_days: int = Field(default=30, ge=1, le=3650)
    """How long it is kept who asked what of which cluster, in days."""
    allow_private_addresses: bool = False
    """Whether this server may fetch manifests from loopback, link-local and other private machines, and call webhooks
    there, where a deploy file says so: whoever may start a deployment could read and write there. Agents reach private
    machines without it."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least important events that are logged."""
    log_format: Literal["text", "json"] = "text"
    """Form of the log on standard error: `text` for people, `json` for machines."""

    @field_validator("host_names", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _previews_are_apart(self) -> Self:
        domain = self.preview_address.partition(":")[0]
        if any(f".{name.lower()}".endswith(f".{domain}") for name in self.host_names):
            raise ValueError("preview_address: must not be, or lie above, one of host_names: previews are strangers")
        return self

    @model_validator(mode="after")
    def _certificate_is_whole(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_cert_file and tls_key_file: give both or none")
        if self.tls_ca_file is not None and self.tls_cert_file is None:
            raise ValueError("tls_ca_file goes with tls_cert_file and tls_key_file")
        return self


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """One line for each variable that looks like a setting and is none: it would be ignored in silence."""
    known = {name.upper() for name in ServerSettings.model_fields}
    lines = []
    for variable in sorted(environment):
        name = variable.upper().removeprefix(PREFIX)
        if name in (variable.upper(), *known) or _OF_KUBERNETES.fullmatch(name):
            continue
        near = get_close_matches(name, known, n=1)
        lines.append(f"{variable}: there is no such setting{f'; did you mean {PREFIX}{near[0]}?' if near else ''}")
    return lines


def faults_of(error: ValidationError) -> list[str]:
    """One line for each wrong setting, naming the variable to change. Shows no values: some are secret."""
    lines = []
    for fault in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in fault["loc"])
        text = fault["msg"].removeprefix("Value error, ")
        lines.append(f"{PREFIX}{name.upper()}: {text}" if name else text)
    return lines


def describe(settings: ServerSettings) -> str:
    """Every setting with its variable, value and meaning; secrets are masked by their type."""
    blocks = []
    for name, field in type(settings).model_fields.items():
        meaning = " ".join((field.description or "").split())
        blocks.append(f"# {meaning}\n{PREFIX}{name.upper()}={_shown(getattr(settings, name))}")
    return "\n\n".join(blocks)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return "" if value is None else str(value)
