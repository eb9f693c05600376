"""The file that names identity providers and trusted issuers: TOML, read once at the start, strictly."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Final

import msgspec

from borealis_server.adapters import private_files
from borealis_server.domain.startup import StartRefusedError
from borealis_server.ports.issuers import IdentityProvider, TrustRule

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_ID: Final = re.compile(r"[a-z0-9-]{1,32}")


class _Provider(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    id: str
    name: str
    issuer: str
    client_id: str
    client_secret_file: str = ""
    organization: str = "home"
    groups_claim: str = "groups"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    is_email_trusted: bool = False


class _Trust(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    id: str
    issuer: str
    audience: str
    conditions: dict[str, str | list[str]]
    roles: tuple[str, ...]
    tenant: str = "main"


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    providers: list[_Provider] = []
    trust: list[_Trust] = []


class IssuersFile(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds."""

    providers: tuple[IdentityProvider, ...] = ()
    rules: tuple[TrustRule, ...] = ()


def read_issuers_file(file: Path | None) -> IssuersFile:
    """The providers and rules in `file`; none without one. Errors: StartRefusedError, with what is wrong and where."""
    if file is None:
        return IssuersFile()
    try:
        content = msgspec.convert(tomllib.loads(private_files.read(file).decode()), _File)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise StartRefusedError(f"{file}: {error}") from error
    faults = [*_faults("providers", content.providers), *_faults("trust", content.trust), *_open_rules(content.trust)]
    if faults:
        raise StartRefusedError(f"{file}: {'; '.join(faults)}")
    return IssuersFile(
        providers=tuple(_provider(one, file.parent) for one in content.providers),
        rules=tuple(_rule(one) for one in content.trust),
    )


def _faults(table: str, entries: Iterable[_Provider | _Trust]) -> list[str]:
    faults, seen = [], set()
    for entry in entries:
        place = f"[[{table}]] {entry.id!r}"
        if not _ID.fullmatch(entry.id):
            faults.append(f"{place}: an id has 1 to 32 characters of `a-z`, `0-9`, `-`")
        if entry.id in seen:
            faults.append(f"{place}: the id is taken")
        if not entry.issuer.startswith("https://"):
            faults.append(f"{place}: the issuer must begin with https://")
        seen.add(entry.id)
    return faults


def _open_rules(rules: Iterable[_Trust]) -> list[str]:
    """A public issuer signs for the whole world: without conditions, the whole world would come in."""
    faults = []
    for rule in rules:
        patterns = [one for found in rule.conditions.values() for one in ([found] if isinstance(found, str) else found)]
        if not any(pattern.strip("*") for pattern in patterns):
            faults.append(f"[[trust]] {rule.id!r}: name at least one condition that not everybody meets")
        if not rule.roles:
            faults.append(f"[[trust]] {rule.id!r}: name at least one role")
    return faults


def _provider(entry: _Provider, folder: Path) -> IdentityProvider:
    secret = entry.client_secret_file
    return IdentityProvider(
        id=entry.id,
        name=entry.name,
        issuer=entry.issuer,
        client_id=entry.client_id,
        client_secret=private_files.read(folder / secret).decode().strip() if secret else "",
        organization=entry.organization,
        groups_claim=entry.groups_claim,
        scopes=entry.scopes,
        is_email_trusted=entry.is_email_trusted,
    )


def _rule(entry: _Trust) -> TrustRule:
    return TrustRule(
        id=entry.id,
        issuer=entry.issuer,
        audience=entry.audience,
        conditions={
            claim: (found,) if isinstance(found, str) else tuple(found) for claim, found in entry.conditions.items()
        },
        tenant=entry.tenant,
        roles=entry.roles,
    )
