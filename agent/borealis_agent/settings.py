"""Every setting of the agent; the only reader of its environment."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from borealis_agent.proxies import Proxy, ProxyFault, is_direct, parse_proxy
from borealis_agent.targets_file import TargetsFault, kube_alone, read_targets

if TYPE_CHECKING:
    from borealis_agent.targets.policy import Policy

_NAME = r"[A-Za-z0-9_-]{1,63}"
_POD_PAGES = ":8080"


class SettingsFault(Exception):  # noqa: N818 - it names what is wrong with the settings
    """The settings cannot be used. The text has one line for each fault and says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """Everything needed to reach the server and to be recognised there."""

    server: str
    """Address of the server, `host:port`."""
    agent: str
    """Name of the agent."""
    client_id: str
    """Identifier of its client credential."""
    client_secret: SecretStr
    """Secret of its client credential."""
    ca_pem: bytes | None
    """Certificates to trust; None trusts those of the system."""
    server_name: str
    """Name expected in the server's certificate; empty if it is the host of `server`."""
    drain_grace_s: float
    """How long requests may go on after the order to stop, in seconds."""
    ca_file: Path | None = None
    """Where `ca_pem` came from: read again for each tunnel, for authorities rotate."""
    proxy: Proxy | None = None
    """HTTP proxy on the way to the server; None if there is none."""

    def trusted_pem(self) -> bytes | None:
        """Certificates to trust now."""
        if self.ca_file is None:
            return self.ca_pem
        try:
            return self.ca_file.read_bytes() or self.ca_pem
        except OSError:  # in the middle of being replaced: what was good before
            return self.ca_pem


class AgentSettings(BaseSettings):
    """Settings of the agent: environment variables with the prefix BOREALIS_AGENT_, or a credentials file.

    Shape: what the environment says wins over what the credentials file says.
    """

    model_config = SettingsConfigDict(env_prefix="BOREALIS_AGENT_", frozen=True, extra="ignore")

    server: str = Field("", description="Address of the server, host:port.")
    name: str = Field(
        "", description="Name of the agent: the `account` of deploy files. 1 to 63 of A-Z, a-z, 0-9, -, _."
    )
    ca_file: Path | None = Field(None, description="File with the certificates to trust. Default: those of the system.")
    ca_pem: str = Field("", description="The certificates themselves, instead of ca_file.")
    server_name: str = Field("", description="Name expected in the server's certificate. Default: the host of server.")
    client_id: str = Field("", description="Identifier of the agent's client credential.")
    client_secret: SecretStr = Field(SecretStr(""), description="Secret of the client credential.")
    client_secret_file: Path | None = Field(None, description="File with the secret, instead of client_secret.")
    credentials_file: Path | None = Field(
        None,
        description="JSON file written by `borealis agent create`: server, ca_file or ca_pem, agent, client_id, "
        "client_secret.",
    )
    kubeconfig: Path | None = Field(
        None, description="Kubeconfig file. Default: the pod's ServiceAccount, else ~/.kube/config."
    )
    context: str = Field("", description="Context in the kubeconfig file. Default: its current context.")
    kube_path_prefixes: Annotated[tuple[str, ...], NoDecode] = Field(
        ("/",),
        description="Paths of the Kubernetes API that may be called, as comma-separated prefixes. Default: all. Not "
        "together with targets_file.",
    )
    targets_file: Path | None = Field(
        None,
        description="TOML file with everything that may be reached, see [targets](targets.md). Default: the Kubernetes "
        "API alone, with what its RBAC gives the agent.",
    )
    max_streams: int = Field(1000, ge=1, le=10_000, description="Requests relayed at once, number.")
    drain_grace_s: float = Field(30.0, ge=0, le=900, description="Time for open requests after SIGTERM, seconds.")
    health_address: str = Field(
        "",
        description="host:port of the pages /healthz, /readyz and /metrics. Default: `:8080` in a pod, else off.",
    )
    https_proxy: SecretStr = Field(
        SecretStr(""),
        validation_alias=AliasChoices("BOREALIS_AGENT_HTTPS_PROXY", "HTTPS_PROXY"),
        description="HTTP proxy on the way to the server and to https targets, `http://user:password@host:port`. "
        "Default: `HTTPS_PROXY`.",
    )
    no_proxy: str = Field(
        "",
        validation_alias=AliasChoices("BOREALIS_AGENT_NO_PROXY", "NO_PROXY"),
        description="What is reached without the proxy: hosts, domains, networks or `*`, separated by commas. Default: "
        "`NO_PROXY`.",
    )
    log_format: Literal["text", "json"] = Field("text", description="How log lines look: text or json.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe lines to log.")

    @field_validator("kube_path_prefixes", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_paths(self) -> Self:
        if not all(prefix.startswith("/") for prefix in self.kube_path_prefixes):
            raise ValueError("kube_path_prefixes: every prefix starts with /")
        try:
            parse_proxy(self.https_proxy.get_secret_value())
        except ProxyFault as fault:
            raise ValueError(f"https_proxy: {fault}") from fault
        if self.targets_file is not None and self.kube_path_prefixes != ("/",):
            raise ValueError("kube_path_prefixes: write them as `paths` of [kube] into the targets file")
        return self

    def pages_address(self) -> str:
        """Where the health pages are served; empty if nowhere."""
        return self.health_address or (_POD_PAGES if "KUBERNETES_SERVICE_HOST" in os.environ else "")

    def policy(self) -> Policy:
        """What the agent may reach.

        Errors: SettingsFault with all faults.
        """
        if self.targets_file is None:
            return kube_alone(self.kube_path_prefixes)
        try:
            return read_targets(self.targets_file)
        except TargetsFault as fault:
            raise SettingsFault(f"BOREALIS_AGENT_TARGETS_FILE: {fault}") from fault

    def link(self) -> LinkSettings:
        """What the link to the server needs, from the environment and the credentials file together.

        Errors: SettingsFault with all faults.
        """
        given = _read_credentials(self.credentials_file)
        faults: list[str] = []
        link = LinkSettings(
            server=self.server or given.get("server", ""),
            agent=self.name or given.get("agent", ""),
            client_id=self.client_id or given.get("client_id", ""),
            client_secret=SecretStr(self._secret() or given.get("client_secret", "")),
            ca_pem=_read_ca(self, given),
            ca_file=_ca_file(self, given),
            proxy=self._proxy_to(self.server or given.get("server", "")),
            server_name=self.server_name or given.get("server_name", ""),
            drain_grace_s=self.drain_grace_s,
        )
        _check_link(link, faults)
        if faults:
            raise SettingsFault("\n".join(faults))
        return link

    def _proxy_to(self, server: str) -> Proxy | None:
        host, _, port = server.rpartition(":")
        if not port.isdecimal() or is_direct(host.strip("[]"), int(port), self.no_proxy):
            return None
        return parse_proxy(self.https_proxy.get_secret_value())

    def _secret(self) -> str:
        if self.client_secret_file is None:
            return self.client_secret.get_secret_value()
        return _read_text(self.client_secret_file, "BOREALIS_AGENT_CLIENT_SECRET_FILE").strip()


def load_settings(**overrides: object) -> AgentSettings:
    """The settings from the environment; `overrides` with a value win.

    Errors: SettingsFault with all faults.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    try:
        return AgentSettings(**given)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        lines = (f"BOREALIS_AGENT_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors())
        raise SettingsFault("\n".join(lines)) from error


def _check_link(link: LinkSettings, faults: list[str]) -> None:
    host, _, port = link.server.rpartition(":")
    if not host or not port.isdecimal():
        faults.append(f"BOREALIS_AGENT_SERVER is {link.server!r}: give the server's address as host:port")
    if not re.fullmatch(_NAME, link.agent):
        faults.append(f"BOREALIS_AGENT_NAME is {link.agent!r}: give a name of 1 to 63 letters, digits, - or _")
    if not link.client_id or not link.client_secret.get_secret_value():
        faults.append(
            "no credential: set BOREALIS_AGENT_CREDENTIALS_FILE to the file that `borealis agent create` wrote, or "
            "BOREALIS_AGENT_CLIENT_ID and BOREALIS_AGENT_CLIENT_SECRET",
        )


def _read_credentials(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    text = _read_text(path, "BOREALIS_AGENT_CREDENTIALS_FILE")
    try:
        value = json.loads(text)
    except ValueError as error:
        raise SettingsFault(f"{path} is not JSON ({error}): write it again with `borealis agent create`") from error
    if not isinstance(value, dict):
        raise SettingsFault(f"{path} has no JSON object: write it again with `borealis agent create`")
    return {key: item for key, item in value.items() if isinstance(item, str)}


def _read_ca(settings: AgentSettings, given: dict[str, str]) -> bytes | None:
    path = _ca_file(settings, given)
    if path is not None:
        return _read_text(path, "BOREALIS_AGENT_CA_FILE").encode()
    pem = settings.ca_pem or given.get("ca_pem", "")
    return pem.encode() if pem else None


def _ca_file(settings: AgentSettings, given: dict[str, str]) -> Path | None:
    """The file of the certificates to trust; None if they are given themselves, or those of the system are meant."""
    if settings.ca_pem:
        return None
    if settings.ca_file is not None:
        return settings.ca_file
    return Path(given["ca_file"]) if given.get("ca_file") and not given.get("ca_pem") else None


def _read_text(path: Path, setting: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsFault(f"{setting}: cannot read {path} ({error})") from error
