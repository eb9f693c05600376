"""Writes the pages of docs/ that repeat what code says: `python tests/house/reference_pages.py`.

The pages are committed; a house test fails when they no longer say what the code says.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
from dataclasses import MISSING
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

import borealis
from borealis.auth.v1 import permission_pb2
from borealis_agent.settings import AgentSettings
from borealis_agent.targets import policy
from borealis_deployfile.language.json_schema import deploy_file_schema
from borealis_deployfile.language.reference import reference_page
from borealis_deployfile.planning.document import plan_schema
from borealis_server.domain.access import API_GRANTS, Permission, api
from borealis_server.domain.roles import SYSTEM_ROLES
from borealis_server.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import MethodDescriptor
    from pydantic_settings import BaseSettings

_NOTE = "<!-- Written by tests/house/reference_pages.py from the code; change the code instead. -->"
_COMPUTED = "see text"
_TARGETS = """\
An agent reaches what its targets file names, and nothing else. The file is TOML, stands in the cluster, and is read
once when the agent starts: `BOREALIS_AGENT_TARGETS_FILE`. Without one the agent offers the Kubernetes API alone, and
its RBAC decides. A file that cannot be used stops the start with one line for each fault.

```toml
[kube]                                   # the Kubernetes API, with the agent's own credentials
namespaces = ["shop", "shop-*"]
[[kube.deny]]
resources = ["secrets", "*/proxy"]

[http.prometheus]                        # a server over HTTP, called by the name `prometheus`
url = "http://prometheus.monitoring.svc:9090"
paths = ["/api/v1"]

[http.jenkins]
url = "https://jenkins.example.com/ci"
methods = ["GET", "POST"]
authorization_file = "/etc/borealis/jenkins"

[tcp.database]                           # one address that takes plain connections
host = "db.example.com"
port = 5432

[services.preview]                       # Services, called as `preview:shop/web:80`
namespaces = ["shop"]
ports = [80, 8080]
```

What holds for every target, whatever the file says:

- The address that is connected to is judged, after the name was resolved: the agent's own machine, link-local addresses
  and the metadata services of clouds are refused unless `allow_local` permits them. `kube` is where its own
  configuration says.
- Paths with `.`, `..`, empty segments, NUL or a backslash, also encoded, are refused, and so is a path above 8 KiB.
- `Authorization`, cookies and what belongs to a connection are dropped from requests. A request that names an identity
  (`Impersonate-*`, `X-Remote-*`) is refused.
- Redirects come back as they are; the agent follows none.
- A digest over the whole list goes to the server with every tunnel, and from there into the audit log.
"""
_CLIENT_VARIABLES = """\
| `BOREALIS_SERVER` | Address of the server, `host:port`. Without a port: 7443. |
| `BOREALIS_CA_FILE` | PEM file with the certificates to trust. Default: those of the system. |
| `BOREALIS_CLIENT_ID` | Identifier of the client credential to use. |
| `BOREALIS_CLIENT_SECRET` | Secret of that credential. |
| `BOREALIS_TOKEN` | Access token to use instead of a credential. |
| `BOREALIS_TENANT` | Tenant to act in, by id or name, instead of the credential's own; for roles that reach further. |
| `BOREALIS_CONTEXT` | Name of the login to use, of those in `borealis context list`. Default: the current one. |
| `BOREALIS_KEYRING` | `off` keeps the tokens of logins in a private file instead of the system's keyring. |
| `BOREALIS_CONTEXT_FILE` | JSON file that stands for all of the above. Default: what a server here wrote. |
| `BOREALIS_ALLOW_PRIVATE_ADDRESSES` | CLI: `1` fetches deploy files and what they name from private networks too. |
| `BOREALIS_DEBUG` | CLI: anything but empty shows where in the code a bug is. |
| `BOREALIS_SCREEN_READER` | CLI: anything but empty writes lines instead of a tree that redraws itself. |
| `GITHUB_WORKSPACE` | Checkout of a CI job, where manifest paths that lead nowhere else are looked for. |"""


def pages() -> dict[str, str]:
    """Every page by its name in docs/."""
    return {
        "settings.md": settings_page(),
        "permissions.md": permissions_page(),
        "targets.md": targets_page(),
        "deploy-file.md": f"{_NOTE}\n\n{reference_page()}",
        "schema/deploy-file.json": _json(deploy_file_schema()),
        "schema/plan.json": _json(plan_schema()),
    }


def settings_page() -> str:
    """Every setting of every process."""
    return f"""# Settings

{_NOTE}

Settings are environment variables, read once when a process starts. An unknown variable with the server's prefix, or a
value that cannot be, stops the start with one line for each fault. `python -m borealis_server --check-settings` shows
what a server would use; options such as `--data-dir` win over the environment.

## Server

{_table(ServerSettings)}

## Agent

What the environment says wins over what the file in `BOREALIS_AGENT_CREDENTIALS_FILE` says. That file, as
`borealis agent create` writes it, is all that an agent needs.

{_table(AgentSettings)}

## CLI and SDK

Options and arguments win over the environment, and the environment over the context file. The credential in a context
file is only ever sent to the server that the same file names.

| variable | meaning |
| --- | --- |
{_CLIENT_VARIABLES}
"""


def targets_page() -> str:
    """Every field of the agent's targets file."""
    parts = {
        "[kube]": policy.KubeRule,
        "[[kube.deny]]": policy.KubeDeny,
        "[http.NAME]": policy.WebTarget,
        "[tcp.NAME]": policy.TcpAddress,
        "[services.NAME]": policy.ServiceRange,
    }
    tables = "\n\n".join(f"## `{title}`\n\n{_dataclass_table(kind)}" for title, kind in parts.items())
    return f"# Targets of an agent\n\n{_NOTE}\n\n{_TARGETS}\n{tables}\n"


def _dataclass_table(kind: type[Any]) -> str:  # Any: whatever the class holds
    """The fields of a data class, with the sentence below each."""
    (definition,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(definition, ast.ClassDef)
    lines = ["| field | default | meaning |", "| --- | --- | --- |"]
    for field, sentence in pairwise(definition.body):
        if isinstance(field, ast.AnnAssign) and isinstance(sentence, ast.Expr) and isinstance(field.target, ast.Name):
            meaning = " ".join(str(ast.literal_eval(sentence.value)).split())
            default = getattr(kind, "__dataclass_fields__", {})[field.target.id].default
            lines.append(f"| `{field.target.id}` | {_field_default(default)} | {meaning} |")
    return "\n".join(lines)


def _field_default(value: object) -> str:
    if value is MISSING:
        return "required"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value) and value:
        return "`" + ", ".join(value) + "`"
    return f"`{value}`" if value not in (None, "", ()) else "—"


def permissions_page() -> str:
    """Which grant gives which permission, and which permission each call needs."""
    grants = [api(resource, level) for resource, levels in API_GRANTS.items() for level in levels]
    head = " | ".join(f"`{grant}`".replace("api/", "") for grant in grants)
    rows = "\n".join(
        f"| `{permission.value}` | {' | '.join(_mark(permission in grant.gives()) for grant in grants)} |"
        for permission in Permission
        if permission not in (Permission.PUBLIC, Permission.AUTHENTICATED)
    )
    roles = "\n".join(
        f"| {role.name} | `{role.id}` | {', '.join(f'`{grant}`' for grant in role.grants)} |"
        for role in SYSTEM_ROLES.values()
    )
    calls = "\n".join(
        f"| `{method.containing_service.full_name}/{method.name}` | `{_permission_of(method).value}` |"
        for method in _methods()
    )
    return f"""# Permissions

{_NOTE}

Each call names the permission that it needs in its `.proto` file; a call that names none is refused for everybody.
People and machines hold roles, roles hold grants, and grants give permissions. Who may do what: [access](access.md).
Why it is so: [ADR 0010](adr/0010-permissions.md), [ADR 0022](adr/0022-grants.md).

## Grants

Grants of the type `api`, as `resource/permission`:

| permission | {head} |
| --- |{" :---: |" * len(grants)}
{rows}

Grants of the types `application`, `account` and `targetGroup` give what those on `deployment` do, for their targets;
whoever has one sees the deployments and agents of the tenant.

`public` needs no token; `authenticated` is what every valid token has. Requests to Kubernetes APIs, through
`KubeService/Exchange` or the web door, are judged one by one: `agents.read` for discovery, `kube.read` for GET, HEAD
and OPTIONS, `kube.write` for everything else, exec, attach, port-forward and proxies included ([more](kubectl.md)).

## Roles of the system

| role | also called | grants |
| --- | --- | --- |
{roles}

## Calls

| call | permission |
| --- | --- |
{calls}
"""


def _table(settings: type[BaseSettings]) -> str:
    prefix = settings.model_config.get("env_prefix", "")
    lines = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in settings.model_fields.items():
        meaning = " ".join((field.description or "").split())
        lines.append(f"| `{prefix}{name.upper()}` | {_default(field.default)} | {meaning} |")
    return "\n".join(lines)


def _default(value: Any) -> str:  # Any: whatever a setting may be
    if value is PydanticUndefined:
        return _COMPUTED
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"`{text}`" if value not in (None, "", ()) else "—"


def _json(document: dict[str, Any]) -> str:
    return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n"


def _mark(is_given: bool) -> str:  # noqa: FBT001 - the only thing it is about
    return "yes" if is_given else ""


def _methods() -> Iterator[MethodDescriptor]:
    (root,) = map(Path, borealis.__path__)
    for path in sorted(root.rglob("*_service_pb2.py")):
        module = importlib.import_module(".".join(path.relative_to(root.parent).with_suffix("").parts))
        for service in module.DESCRIPTOR.services_by_name.values():
            yield from service.methods


def _permission_of(method: MethodDescriptor) -> Permission:
    # The generated types call the extension a plain descriptor.
    number: Any = method.GetOptions().Extensions[permission_pb2.permission]  # type: ignore[index]
    return Permission[permission_pb2.Permission.Name(number).removeprefix("PERMISSION_")]


if __name__ == "__main__":
    docs = Path(__file__).parents[2] / "docs"
    for page, text in pages().items():
        (docs / page).parent.mkdir(exist_ok=True)
        (docs / page).write_text(text, encoding="utf-8")
