"""The file of `borealis config apply`: tenants, roles, target groups and credentials as somebody wants them.

Owns its fields and their faults, each with its line. What follows from it for an organization is `config.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from borealis_deployfile.faults import Code, Fault, Severity, fault_at
from borealis_deployfile.language.shapes import Field, Flag, ListOf, Shape, Text
from borealis_deployfile.reader import Place, Reader
from borealis_deployfile.source import read
from borealis_server.domain.access import TargetPlace
from borealis_server.domain.errors import ConfigInvalid, FileFault, InvalidArgument
from borealis_server.domain.names import MAIN_TENANT
from borealis_server.domain.roles import grant_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_deployfile.model import Origin
    from borealis_server.domain.access import Grant

T = TypeVar("T")

_NAME: Final = Field(name="name", type=Text(holds="nothing"), summary="Its name.", is_required=True)
_TENANT: Final = Field(name="tenant", type=Text(holds="nothing"), summary="Its tenant.")
_GRANT: Final = Shape(
    what="a grant",
    summary="One thing that a role gives.",
    fields=tuple(
        Field(name=name, type=Text(holds="nothing"), summary=name, is_required=True)
        for name in ("type", "resource", "permission")
    ),
)
_ROLE: Final = Shape(
    what="a role",
    summary="A bundle of grants.",
    fields=(_NAME, _TENANT, Field(name="grants", type=ListOf(item=_GRANT), summary="What it gives.", is_required=True)),
)
_KUBERNETES: Final = Shape(
    what="`kubernetes`",
    summary="Place in the cluster.",
    fields=(Field(name="namespace", type=Text(holds="nothing"), summary="Its namespace."),),
)
_TARGET: Final = Shape(
    what="a target of a group",
    summary="Targets that the group names; what it does not say may be anything.",
    fields=(
        Field(name="name", type=Text(holds="nothing"), summary="Name of the target in deploy files."),
        Field(name="account", type=Text(holds="nothing"), summary="Agent of its cluster."),
        Field(name="kubernetes", type=_KUBERNETES, summary="Place in the cluster."),
    ),
)
_GROUP: Final = Shape(
    what="a target group",
    summary="Targets with a name, for grants.",
    fields=(
        _NAME,
        _TENANT,
        Field(name="targets", type=ListOf(item=_TARGET), summary="The targets.", is_required=True),
    ),
)
_CREDENTIAL: Final = Shape(
    what="a credential",
    summary="A machine's credential, which exists; its secret is not in the file.",
    fields=(
        _NAME,
        _TENANT,
        Field(name="roles", type=ListOf(item=Text(holds="nothing")), summary="Names of its roles.", is_required=True),
    ),
    hints={"clientSecret": "secrets are not in this file", "secret": "secrets are not in this file"},
)
_CONFIG: Final = Shape(
    what="the configuration",
    summary="What an organization should have.",
    fields=(
        Field(name="allowAutoDelete", type=Flag(), summary="Whether what is not in the file is deleted."),
        Field(name="tenants", type=ListOf(item=Text(holds="nothing")), summary="Names of tenants."),
        Field(name="roles", type=ListOf(item=_ROLE), summary="Roles."),
        Field(name="targetGroups", type=ListOf(item=_GROUP), summary="Target groups."),
        Field(name="credentials", type=ListOf(item=_CREDENTIAL), summary="Credentials."),
    ),
    hints={"secrets": "secrets are set with `borealis secret set`, so that no file holds one"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedTenant:
    """A tenant of the file."""

    name: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRole:
    """A role of the file."""

    name: str
    tenant: str
    """Name of its tenant; empty for the whole organization."""
    grants: tuple[Grant, ...]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedGroup:
    """A target group of the file."""

    name: str
    tenant: str
    places: tuple[TargetPlace, ...]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCredential:
    """A credential of the file."""

    name: str
    tenant: str
    roles: tuple[str, ...]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """What somebody wants. Lists that the file does not have are None: nothing is said of them."""

    allows_deleting: bool
    tenants: tuple[WantedTenant, ...]
    roles: tuple[WantedRole, ...]
    target_groups: tuple[WantedGroup, ...] | None
    credentials: tuple[WantedCredential, ...] | None


def read_config_file(content: bytes, file_name: str) -> ConfigFile:
    """What the file says. Errors: ConfigInvalid with every fault in it."""
    documents = read(content, file_name=file_name)
    reader = Reader(file_name)
    reader.faults.extend(documents.faults)
    roots = [root for root in documents.roots if root is not None]
    if not roots and not reader.faults:
        reader.faults.append(Fault(code=Code.EMPTY, message="the file is empty", file=file_name))
    if len(roots) > 1:
        second = Place(node=roots[1], path=())
        reader.fault(Code.SEVERAL_DOCUMENTS, second, "a configuration is one YAML document; here a second one starts")
    found = _config(reader, Place(node=roots[0], path=())) if roots else None
    if found is None or any(fault.severity is Severity.ERROR for fault in reader.faults):
        refuse(reader.faults)
    return found


def refuse(faults: Iterable[Fault]) -> NoReturn:
    """Errors: ConfigInvalid with these faults, in the order of the file."""
    in_order = sorted(faults, key=lambda fault: (fault.line, fault.column))
    raise ConfigInvalid(
        FileFault(
            file=fault.file,
            line=fault.line,
            column=fault.column,
            code=fault.code,
            message=fault.message,
            help=fault.help,
        )
        for fault in in_order
        if fault.severity is Severity.ERROR
    )


def fault_of(origin: Origin, message: str, advice: str = "") -> Fault:
    """Something about a place of the file that is not as the organization needs it."""
    return fault_at(origin, Code.INVALID_VALUE, message, advice)


def _config(reader: Reader, place: Place) -> ConfigFile | None:
    fields = reader.fields(place, _CONFIG)
    if fields is None:
        return None
    deletes = reader.boolean(fields["allowAutoDelete"], "allowAutoDelete") if "allowAutoDelete" in fields else False
    words = reader.words(fields["tenants"], "tenants") if "tenants" in fields else ()
    groups = fields.get("targetGroups")
    credentials = fields.get("credentials")
    return ConfigFile(
        allows_deleting=bool(deletes),
        tenants=tuple(WantedTenant(name=word.text, origin=reader.origin(word.place)) for word in words),
        roles=_each(_role(reader, one) for one in _items(reader, fields.get("roles"), "roles")),
        target_groups=None
        if groups is None
        else _each(_group(reader, one) for one in _items(reader, groups, "targetGroups")),
        credentials=None
        if credentials is None
        else _each(_credential(reader, one) for one in _items(reader, credentials, "credentials")),
    )


def _role(reader: Reader, place: Place) -> WantedRole | None:
    fields = reader.fields(place, _ROLE)
    if fields is None or not reader.require(place, fields, _ROLE, "a role"):
        return None
    grants = _each(_grant(reader, one) for one in reader.items(fields["grants"], "the grants of a role"))
    name, tenant = reader.text(fields["name"], "the name of a role"), _tenant(reader, fields, default="")
    if name is None or tenant is None:
        return None
    return WantedRole(name=name, tenant=tenant, grants=grants, origin=reader.origin(fields["name"]))


def _grant(reader: Reader, place: Place) -> Grant | None:
    fields = reader.fields(place, _GRANT)
    if fields is None or not reader.require(place, fields, _GRANT, "a grant"):
        return None
    words = [reader.text(fields[name], f"the {name} of a grant") for name in ("type", "resource", "permission")]
    kind, resource, permission = words
    if kind is None or resource is None or permission is None:
        return None
    try:
        return grant_of(kind, resource, permission)
    except InvalidArgument as error:
        for violation in error.violations:
            field = violation.field.rpartition(".")[2]
            reader.fault(Code.INVALID_VALUE, fields[field], f"the {field} of a grant {violation.description}")
        return None


def _group(reader: Reader, place: Place) -> WantedGroup | None:
    fields = reader.fields(place, _GROUP)
    if fields is None or not reader.require(place, fields, _GROUP, "a target group"):
        return None
    places = _each(_target(reader, one) for one in reader.items(fields["targets"], "the targets of a group"))
    name, tenant = reader.text(fields["name"], "the name of a target group"), _tenant(reader, fields)
    if name is None or tenant is None:
        return None
    return WantedGroup(name=name, tenant=tenant, places=places, origin=reader.origin(fields["name"]))


def _target(reader: Reader, place: Place) -> TargetPlace | None:
    fields = reader.fields(place, _TARGET)
    if fields is None:
        return None
    inner = reader.fields(fields["kubernetes"], _KUBERNETES) if "kubernetes" in fields else {}
    texts = {
        name: reader.text(fields[name], f"the {name} of a target") for name in ("name", "account") if name in fields
    }
    namespace = reader.text(inner["namespace"], "the namespace") if inner and "namespace" in inner else ""
    return TargetPlace(name=texts.get("name") or "", account=texts.get("account") or "", namespace=namespace or "")


def _credential(reader: Reader, place: Place) -> WantedCredential | None:
    fields = reader.fields(place, _CREDENTIAL)
    if fields is None or not reader.require(place, fields, _CREDENTIAL, "a credential"):
        return None
    roles = tuple(word.text for word in reader.words(fields["roles"], "the roles of a credential"))
    name, tenant = reader.text(fields["name"], "the name of a credential"), _tenant(reader, fields)
    if name is None or tenant is None:
        return None
    return WantedCredential(name=name, tenant=tenant, roles=roles, origin=reader.origin(fields["name"]))


def _tenant(reader: Reader, fields: dict[str, Place], *, default: str = MAIN_TENANT) -> str | None:
    return reader.text(fields["tenant"], "the tenant") if "tenant" in fields else default


def _items(reader: Reader, place: Place | None, what: str) -> tuple[Place, ...]:
    return () if place is None else reader.items(place, what)


def _each(found: Iterable[T | None]) -> tuple[T, ...]:
    return tuple(one for one in found if one is not None)
