"""Names in double braces: every text of the file is looked at once, by what the language says it may hold.

Finds the secrets that a file uses, and tags that are no tags or stand where nobody would replace them. Whether a
variable has a value where it is used is the business of `variable_rules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_deployfile.faults import Code
from borealis_deployfile.hints import did_you_mean
from borealis_deployfile.language.document import DOCUMENT
from borealis_deployfile.language.shapes import Either, ListOf, MapOf, Shape, Text, Type, spellings
from borealis_deployfile.model import SecretUse
from borealis_deployfile.nodes import Mapping, Scalar, Sequence
from borealis_deployfile.templates import SECRETS, parse_template
from borealis_deployfile.variables import ARMORY, CONTEXT, OWN_VARIABLES, Scope, is_for, own_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from borealis_deployfile.reader import Place, Reader

_LONGEST_NAME: Final = 80


def check_texts(reader: Reader, root: Place) -> tuple[SecretUse, ...]:
    """Every use of a secret; faults of tags are noted."""
    uses: list[SecretUse] = []
    for place, kind in _texts(root, DOCUMENT):
        if not isinstance(place.node, Scalar) or "{{" not in place.node.text or kind.holds == "nothing":
            continue
        template = parse_template(place.node.text)
        for name in template.names:
            if is_secret(name):
                uses.append(SecretUse(name=name.removeprefix(SECRETS), origin=reader.origin(place)))
            elif wrong := name_problem(name, kind.holds):
                reader.fault(wrong[0], place, *wrong[1:])
        for problem in template.problems if kind.holds != "anything" or template.is_cut else ():
            advice = "write a variable as {{context.name}}"
            reader.fault(Code.TEMPLATE_INVALID, place, problem.message, advice)
    return tuple(uses)


def _texts(place: Place, kind: Type) -> Iterator[tuple[Place, Text]]:
    """Every text that the language knows below the place. Depth is limited by the reader of the text."""
    node = place.node
    if isinstance(kind, Either):
        kinds = (kind.canonical, *kind.others)
        kind = next((one for one in kinds if _fits(place, one)), kind.canonical)
    if isinstance(kind, Text):
        yield place, kind
    elif isinstance(kind, Shape) and isinstance(node, Mapping):
        names, types = spellings(kind), {one.name: one.type for one in kind.fields}
        for written, entry in node.entries.items():
            if written in names:
                yield from _texts(place.at(entry.value, written), types[names[written]])
    elif isinstance(kind, MapOf) and isinstance(node, Mapping):
        for key, entry in node.entries.items():
            yield from _texts(place.at(entry.value, key), kind.item)
    elif isinstance(kind, ListOf) and isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from _texts(place.at(item, index), kind.item)


def _fits(place: Place, kind: Type) -> bool:
    if isinstance(kind, Shape | MapOf):
        return isinstance(place.node, Mapping)
    return isinstance(place.node, Sequence) if isinstance(kind, ListOf) else isinstance(place.node, Scalar)


def name_problem(name: str, holds: str) -> tuple[Code, str, str] | None:
    """What is wrong with a variable's name in a text of that kind, and what to do; None when nothing is.

    Secrets may stand everywhere; whether another variable has a value is not judged here.
    """
    if holds == "anything" or is_secret(name):
        return None
    text = f"{{{{{name[:_LONGEST_NAME]}}}}}"
    if holds not in {"webhook", "query"}:
        return Code.TEMPLATE_INVALID, f"{text} cannot stand here", "only {{secrets.name}} can"
    if name.startswith(CONTEXT) and len(name) > len(CONTEXT):
        return None
    own = own_name(name)
    if own is None:
        known = [f"{ARMORY}{one.name}" for one in OWN_VARIABLES]
        advice = (
            did_you_mean(name, known) if name.startswith(ARMORY) else "names start with armory., context. or secrets."
        )
        return Code.UNRESOLVED_VARIABLE, f"there is no variable {text}", advice
    if not is_for(own, Scope(holds)):
        advice = "it exists for queries only" if holds == "webhook" else "it exists for webhooks only"
        return Code.UNRESOLVED_VARIABLE, f"{text} has no value in a {holds}", advice
    return None


def is_secret(name: str) -> bool:
    """Whether the name is a secret's."""
    return name.startswith(SECRETS) and len(name) > len(SECRETS)
