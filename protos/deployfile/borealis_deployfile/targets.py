"""The `targets` of a deploy file: where to deploy, and what each waits for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from borealis_deployfile.draft import TargetDraft
from borealis_deployfile.faults import Code
from borealis_deployfile.language.steps import CONSTRAINT
from borealis_deployfile.language.targets import CONSTRAINTS, TARGET
from borealis_deployfile.reader import Word, entries_of
from borealis_deployfile.steps import read_conditions

if TYPE_CHECKING:
    from borealis_deployfile.reader import Place, Reader

_DNS_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def read_targets(reader: Reader, place: Place, account: str | None = None) -> list[TargetDraft]:
    """The targets in the order of the file, also those with faults; `account` replaces the accounts of all."""
    mapping = reader.mapping(place, "targets", "name each without a dash, as in `qa: {account: qa-cluster}`")
    if mapping is None:
        return []
    if not mapping.entries:
        reader.fault(Code.MISSING_FIELD, place, "a deploy file needs at least one target", "name a target")
    found: dict[str, TargetDraft] = {}
    for name, here in entries_of(place, mapping):
        if name.text in found:
            reader.fault(
                Code.DUPLICATE_KEY, name.place, f'the target "{name.text}" is written twice', "keep one of them"
            )
        elif reader.name(name.text, name.place, "the name of a target") is not None:
            found[name.text] = _target(reader, name, here, account)
    replaced = {draft.replaced_account for draft in found.values()} - {None}
    if len(replaced) > 1:
        message = f'the account "{account}" replaces {len(replaced)} different ones'
        reader.warn(Code.ACCOUNT_REPLACED, place, message, "all targets go to one cluster now")
    return list(found.values())


def _target(reader: Reader, name: Word, place: Place, given_account: str | None) -> TargetDraft:
    fields = reader.fields(place, TARGET)
    if fields is None:
        return TargetDraft(name=name)
    if "account" not in fields and given_account is None:
        here = name.place
        reader.missing(here, "account", f'target "{name.text}"', "name the agent in the cluster")
    account = _word(reader, fields, "account")
    written = account
    if given_account is not None:
        account = Word(text=given_account, place=account.place if account else name.place)
    constraints = reader.fields(fields["constraints"], CONSTRAINTS) if "constraints" in fields else None
    constraints = constraints or {}
    before, after = "beforeDeployment", "afterDeployment"
    return TargetDraft(
        name=name,
        account=account,
        replaced_account=written.text if written and given_account is not None else None,
        account_origin=reader.origin(account.place) if account else None,
        namespace=_namespace(reader, fields),
        has_namespace="namespace" in fields,
        strategy=_word(reader, fields, "strategy"),
        depends_on=reader.words(constraints["dependsOn"], "`dependsOn`") if "dependsOn" in constraints else (),
        before=read_conditions(reader, constraints.get(before), CONSTRAINT, f"`{before}`"),
        after=read_conditions(reader, constraints.get(after), CONSTRAINT, f"`{after}`"),
        origin=reader.origin(name.place),
    )


def _word(reader: Reader, fields: dict[str, Place], name: str) -> Word | None:
    place = fields.get(name)
    text = reader.text(place, f"`{name}`") if place is not None else None
    return None if place is None or text is None else Word(text=text, place=place)


def _namespace(reader: Reader, fields: dict[str, Place]) -> Word | None:
    word = _word(reader, fields, "namespace")
    if word is not None and "{{" not in word.text and not _DNS_LABEL.fullmatch(word.text):
        message = f'"{word.text[:80]}" cannot be a namespace'
        reader.fault(Code.INVALID_VALUE, word.place, message, "use up to 63 lower-case letters, digits and dashes")
        return None
    return word
