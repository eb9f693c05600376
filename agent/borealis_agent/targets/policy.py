"""The allow-list: what may be asked of a target. Pure; what is not written here is refused.

Owns the judgement of requests; addresses are judged when a connection is made, rights in the cluster by its RBAC.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha256
from json import dumps
from pathlib import Path  # noqa: TC003 - whoever reads the targets file into these classes needs it at run time
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from borealis_agent.proxies import ProxyFault, parse_proxy
from borealis_agent.targets.kube_request import parse_kube_request

if TYPE_CHECKING:
    from borealis_agent.targets.kube_request import KubeRequest


METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""Every method that can be relayed."""
_STRICT: Final = {"extra": "forbid"}
"""Tells pydantic, which reads the targets file into these classes, to take no field that they do not have."""
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PORTS: Final = range(1, 65536)
WEB_PORTS: Final = {"http": 80, "https": 443}
"""Schemes of web targets, and the ports that they mean where none is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeDeny:
    """Requests to the Kubernetes API that are refused whatever allows them: all that fit every field."""

    __pydantic_config__ = _STRICT

    verbs: tuple[str, ...] = ("*",)
    """Verbs, such as `delete`; may have `*`."""
    resources: tuple[str, ...] = ("*",)
    """Resources, such as `secrets` or `pods/exec`; may have `*`."""
    namespaces: tuple[str, ...] = ("*",)
    """Namespaces; may have `*`. A request over all namespaces fits too."""
    paths: tuple[str, ...] = ("/",)
    """Paths, with everything below them."""

    def fits(self, request: KubeRequest) -> bool:
        """Whether a request is refused."""
        return (
            matches(request.verb, self.verbs)
            and (self.resources == ("*",) or _fits_resource(request.resource, self.resources))
            and (self.namespaces == ("*",) or _may_touch(request, self.namespaces))
            and any(is_below(request.path, prefix) for prefix in self.paths)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeRule:
    """Requests to the Kubernetes API."""

    __pydantic_config__ = _STRICT

    verbs: tuple[str, ...] = ("*",)
    """Verbs that are allowed, such as `get`; may have `*`."""
    methods: tuple[str, ...] = METHODS
    """Methods that are allowed."""
    paths: tuple[str, ...] = ("/",)
    """Paths that are allowed, with everything below them."""
    namespaces: tuple[str, ...] = ("*",)
    """Namespaces that are allowed; may have `*`. With names, only discovery is allowed outside of them."""
    deny: tuple[KubeDeny, ...] = ()
    """What is refused all the same."""
    impersonate: bool = False
    """Whether requests are made in the name of the person behind them."""

    @property
    def is_open(self) -> bool:
        """Whether it allows everything, and RBAC alone decides."""
        return self == KubeRule(impersonate=self.impersonate)

    def fault_of(self, method: str, path: str) -> str | None:  # noqa: PLR0911 - one line for each rule
        """Why a request is refused; None if it is allowed."""
        if "%2f" in path.lower() and "%2f" in path.partition("?")[0].lower():
            return "the path has an encoded slash, which no path of the Kubernetes API needs"
        if method not in self.methods:
            return f"the agent's targets file allows {_listed(self.methods)} here, not {method}"
        request = parse_kube_request(method, path)
        if not any(is_below(request.path, prefix) for prefix in self.paths):
            return (
                "the agent may not call this path (`paths` of its targets file, or BOREALIS_AGENT_KUBE_PATH_PREFIXES)"
            )
        if not matches(request.verb, self.verbs):
            return f"the agent's targets file allows {_listed(self.verbs)} here, not {request.verb}"
        if self.namespaces != ("*",) and request.resource and not self._allows_namespace(request):
            where = f"namespace {request.namespace}" if request.namespace else "all namespaces"
            return f"the agent's targets file allows namespaces {_listed(self.namespaces)}, not {where}"
        if any(rule.fits(request) for rule in self.deny):
            return "the agent's targets file denies this request (`deny`)"
        return None

    def _allows_namespace(self, request: KubeRequest) -> bool:
        return bool(request.namespace) and matches(request.namespace, self.namespaces)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebTarget:
    """One server that is reached over HTTP."""

    __pydantic_config__ = _STRICT

    url: str
    """Where it is: scheme, host, port and a path in front of every request's."""
    methods: tuple[str, ...] = ("GET", "HEAD")
    """Methods that are allowed."""
    paths: tuple[str, ...] = ("/",)
    """Paths that are allowed, with everything below them."""
    ca_file: Path | None = None
    """Authorities to trust for it; without, those of the system."""
    certificate_file: Path | None = None
    """Certificate that the agent shows to it."""
    key_file: Path | None = None
    """Key of that certificate."""
    server_name: str = ""
    """Name expected in its certificate; empty expects the host of `url`."""
    authorization_file: Path | None = None
    """File with the value of Authorization for it, such as `Bearer …`; read again when it changes."""
    pass_authorization: bool = False
    """Whether a request's own Authorization reaches it, such as that of a webhook; `authorization_file` goes before."""
    proxy: str = ""
    """Proxy on the way to it; empty follows HTTPS_PROXY and NO_PROXY, `direct` uses none."""
    allow_local: bool = False
    """Whether its address may be the agent's own machine, link-local or a metadata service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpAddress:
    """One address that takes plain connections."""

    __pydantic_config__ = _STRICT

    host: str
    """Name or address."""
    port: int
    """Port."""
    proxy: str = "direct"
    """Proxy on the way to it, as for a web target."""
    allow_local: bool = False
    """As for a web target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRange:
    """Services of the cluster, each by its namespace, name and port."""

    __pydantic_config__ = _STRICT

    namespaces: tuple[str, ...]
    """Namespaces whose Services may be reached; may have `*`."""
    ports: tuple[int, ...]
    """Ports that may be reached."""
    methods: tuple[str, ...] = METHODS
    """Methods that are allowed."""
    paths: tuple[str, ...] = ("/",)
    """Paths that are allowed, with everything below them."""
    lookup: Literal["dns", "endpoints"] = "dns"
    """How a Service is found: by its name, or by its ready endpoints in the Kubernetes API, where names of Services do
    not resolve on the agent's machine. The second needs `get` on Services and Endpoints."""
    domain: str = "svc"
    """What follows the namespace in their names."""
    pass_authorization: bool = False
    """As for a web target; the Services may then also ask for credentials."""
    pass_cookies: bool = True
    """Whether cookies pass, both ways."""
    allow_local: bool = False
    """As for a web target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything that the agent may reach; what is not here is refused."""

    __pydantic_config__ = _STRICT

    kube: KubeRule | None = None
    """The Kubernetes API; absent if it is not offered."""
    http: dict[str, WebTarget] = field(default_factory=dict)
    """Web targets by name; requests may also give the address of one."""
    tcp: dict[str, TcpAddress] = field(default_factory=dict)
    """Plain addresses by name."""
    services: dict[str, ServiceRange] = field(default_factory=dict)
    """Ranges of Services by name; requests may also give the address of one of them."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all targets."""
        kube = ("kube",) if self.kube is not None else ()
        return (*kube, *self.http, *self.tcp, *self.services)

    @property
    def digest(self) -> str:
        """SHA-256 over all of it, in hexadecimal: two agents with the same digest allow the same."""
        return sha256(dumps(asdict(self), sort_keys=True, default=str).encode()).hexdigest()


def fault_of_http(target: WebTarget | ServiceRange, method: str, path: str) -> str | None:
    """Why a request over HTTP is refused; None if it is allowed."""
    if method not in target.methods:
        return f"the agent's targets file allows {_listed(target.methods)} here, not {method}"
    if not any(is_below(path.partition("?")[0], prefix) for prefix in target.paths):
        return f"the agent's targets file allows {_listed(target.paths)} here, not this path"
    return None


def address_of(target: WebTarget) -> tuple[str, str, int]:
    """Scheme, host and port of a web target, as `parse_address` gives them."""
    return parse_address(target.url) or ("", "", 0)


def parse_address(text: str) -> tuple[str, str, int] | None:
    """Scheme, host in lower case and port of an http address; None if it is none."""
    try:
        parts = urlsplit(text)
        port = parts.port or WEB_PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname and parts.scheme in WEB_PORTS else None


def faults_of(policy: Policy) -> list[str]:
    """What is wrong with an allow-list; one line for each fault, with its place."""
    faults = [
        f"{place}: a target's name is 1 to 63 of a-z, 0-9 and -"
        for place, name in _named(policy)
        if not _NAME.fullmatch(name)
    ]
    names = [name for _, name in _named(policy)]
    faults += [f"{place}: two targets have this name" for place, name in _named(policy) if names.count(name) > 1]
    faults += [
        f"{place}: `kube` is the Kubernetes API; take another name" for place, name in _named(policy) if name == "kube"
    ]
    if policy.kube is not None:
        faults += _faults_of_lists("kube", policy.kube.methods, policy.kube.paths)
        for number, deny in enumerate(policy.kube.deny):
            faults += _faults_of_lists(f"kube.deny[{number}]", (), deny.paths)
    for name, web in policy.http.items():
        faults += _faults_of_lists(f"http.{name}", web.methods, web.paths) + _faults_of_web(f"http.{name}", web)
    for name, tcp in policy.tcp.items():
        faults += [] if tcp.port in _PORTS else [f"tcp.{name}.port: {tcp.port} is not a port"]
        faults += [] if tcp.host else [f"tcp.{name}.host: give a name or an address"]
        faults += _faults_of_proxy(f"tcp.{name}", tcp.proxy)
    for name, services in policy.services.items():
        faults += _faults_of_lists(f"services.{name}", services.methods, services.paths)
        faults += [f"services.{name}.ports: {port} is not a port" for port in services.ports if port not in _PORTS]
    return faults


def _named(policy: Policy) -> list[tuple[str, str]]:
    kinds = (("http", tuple(policy.http)), ("tcp", tuple(policy.tcp)), ("services", tuple(policy.services)))
    return [(f"{kind}.{name}", name) for kind, names in kinds for name in names]


def _faults_of_lists(place: str, methods: tuple[str, ...], paths: tuple[str, ...]) -> list[str]:
    faults = [
        f"{place}.methods: {method} is not one of {_listed(METHODS)}" for method in methods if method not in METHODS
    ]
    return faults + [f"{place}.paths: {path} does not start with /" for path in paths if not path.startswith("/")]


def _faults_of_web(place: str, web: WebTarget) -> list[str]:
    faults = _faults_of_proxy(place, web.proxy)
    try:
        parts = urlsplit(web.url)
        port = parts.port or 0
    except ValueError:
        return [*faults, f"{place}.url: {web.url} is not a URL"]
    if parts.scheme not in WEB_PORTS or not parts.hostname or port < 0:
        faults.append(f"{place}.url: give http://host:port or https://host:port")
    if parts.query or parts.fragment or parts.username:
        faults.append(f"{place}.url: a URL with a query, a fragment or a user cannot be a target")
    if (web.certificate_file is None) != (web.key_file is None):
        faults.append(f"{place}: certificate_file and key_file are given together")
    return faults


def _faults_of_proxy(place: str, proxy: str) -> list[str]:
    try:
        if proxy not in {"", "direct"}:
            parse_proxy(proxy)
    except ProxyFault as fault:
        return [f"{place}.proxy: {fault}"]
    return []


def _may_touch(request: KubeRequest, namespaces: tuple[str, ...]) -> bool:
    """Whether a request is about one of the namespaces, or about all of them."""
    return bool(request.resource) and (not request.namespace or matches(request.namespace, namespaces))


def is_below(path: str, prefix: str) -> bool:
    """Whether `path` is `prefix` or lies below it: `/api` covers `/api/v1`, not `/apis`."""
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


def matches(text: str, patterns: tuple[str, ...]) -> bool:
    """Whether a text fits one of the patterns, which may have `*`."""
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _fits_resource(resource: str, patterns: tuple[str, ...]) -> bool:
    """A pattern without a slash covers the parts of a resource too: who denies `pods` denies `pods/exec`."""
    return bool(resource) and (matches(resource, patterns) or matches(resource.partition("/")[0], patterns))


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nothing"
