"""The `targets` of a deploy file: where to deploy, and what each waits for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from borealis_deployfile.draft import TargetDraft
from borealis_deployfile.faults import Code
from borealis_deployfile.reader import Fields, Word, entries_of

if TYPE_CHECKING:
    from borealis_deployfile.reader import Place, Reader

_INDENT_ADVICE: Final = "it belongs under `constraints`: indent it one level more"
_CONSTRAINT_FIELDS: Final = ("dependsOn", "beforeDeployment", "afterDeployment")
_TARGET: Final = Fields(
    what="a target",
    known=frozenset({"account", "namespace", "strategy", "constraints"}),
    unsupported=frozenset({"deployAsIamRole", "region"}),
    hints=dict.fromkeys(_CONSTRAINT_FIELDS, _INDENT_ADVICE),
)
_CONSTRAINTS: Final = Fields(
    what="constraints",
    known=frozenset({"dependsOn"}),
    unsupported=frozenset({"beforeDeployment", "afterDeployment"}),
)
_DNS_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def read_targets(reader: Reader, place: Place) -> list[TargetDraft]:
    """The targets in the order of the file, also those with faults."""
    mapping = reader.mapping(place, "targets")
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
            found[name.text] = _target(reader, name, here)
    return list(found.values())


def _target(reader: Reader, name: Word, place: Place) -> TargetDraft:
    fields = reader.fields(place, _TARGET)
    if fields is None:
        return TargetDraft(name=name)
    if "account" not in fields:
        here = name.place
        reader.missing(here, "account", f'target "{name.text}"', "name the agent in the cluster")
    account = _word(reader, fields, "account")
    return TargetDraft(
        name=name,
        account=account,
        account_origin=reader.origin(account.place) if account else None,
        namespace=_namespace(reader, fields),
        has_namespace="namespace" in fields,
        strategy=_word(reader, fields, "strategy"),
        depends_on=_depends_on(reader, fields),
    )


def _word(reader: Reader, fields: dict[str, Place], name: str) -> Word | None:
    place = fields.get(name)
    text = reader.text(place, f"`{name}`") if place is not None else None
    return None if place is None or text is None else Word(text=text, place=place)


def _namespace(reader: Reader, fields: dict[str, Place]) -> Word | None:
    word = _word(reader, fields, "namespace")
    if word is not None and not _DNS_LABEL.fullmatch(word.text):
        message = f'"{word.text[:80]}" cannot be a namespace'
        reader.fault(Code.INVALID_VALUE, word.place, message, "use up to 63 lower-case letters, digits and dashes")
        return None
    return word


def _depends_on(reader: Reader, fields: dict[str, Place]) -> tuple[Word, ...]:
    constraints = reader.fields(fields["constraints"], _CONSTRAINTS) if "constraints" in fields else None
    if not constraints or "dependsOn" not in constraints:
        return ()
    return reader.words(constraints["dependsOn"], "`dependsOn`")
