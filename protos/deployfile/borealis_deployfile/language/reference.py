"""The language for readers: one field for `explain`, all of them for the reference page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from borealis_deployfile.language.document import DOCUMENT
from borealis_deployfile.language.examples import fragment_of
from borealis_deployfile.language.paths import entries, inner_shape
from borealis_deployfile.language.shapes import (
    Anything,
    Choice,
    Either,
    Flag,
    ListOf,
    MapOf,
    Number,
    Shape,
    Text,
    Type,
    Whole,
    canonical,
)
from borealis_deployfile.variables import ARMORY, OWN_VARIABLES, Scope

if TYPE_CHECKING:
    from borealis_deployfile.language.paths import Entry

_WIDTH: Final = 100


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block, and lists further in than what holds them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the library's
        super().increase_indent(flow, False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def to_yaml(value: Any) -> str:  # Any: JSON of every shape
    """JSON as YAML in the style of the documents."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=_WIDTH, allow_unicode=True)


def describe_type(kind: Type) -> str:
    """The type in words."""
    kind = canonical(kind)
    match kind:
        case ListOf():
            return f"list of {_plural(kind.item)}" + (", at least one" if kind.least else "")
        case MapOf():
            return f"map of {_plural(kind.item)} by name" + (", at least one" if kind.least else "")
        case Choice():
            return "one of " + ", ".join(f"`{word}`" for word in kind.words)
        case Whole():
            return "whole number" + _limits(kind)
        case _:
            return _NAMES.get(type(kind), "map")


_NAMES: Final[dict[type, str]] = {
    Text: "text",
    Number: "number",
    Flag: "true or false",
    Anything: "anything",
    Shape: "map",
}


def _plural(kind: Type) -> str:
    kind = canonical(kind)
    return {Text: "texts", ListOf: "lists", MapOf: "maps", Shape: "maps"}.get(type(kind), "values")


def _limits(kind: Whole) -> str:
    if kind.least is not None and kind.most is not None:
        return f", {kind.least} to {kind.most}"
    return f", at least {kind.least}" if kind.least is not None else ""


def describe_entry(entry: Entry) -> dict[str, Any]:  # Any: JSON
    """One field for programs."""
    field = entry.field
    return {
        "path": entry.text,
        "type": describe_type(field.type).replace("`", ""),
        "summary": _plain(field.summary),
        "required": field.is_required,
        "default": field.default or None,
        "aliases": list(field.aliases),
        "deprecated": field.is_deprecated,
        "example": fragment_of(entry),
    }


def explain_entry(entry: Entry) -> str:
    """One field for a terminal."""
    field = entry.field
    rows = [f"{entry.text}: {describe_type(field.type).replace('`', '')}", "", _plain(field.summary), ""]
    rows += [f"  {name}: {_plain(text)}" for name, text in _facts(entry)]
    inner = inner_shape(field.type)
    if inner is not None:
        rows += ["", "Fields:" if not inner.is_choice else "Fields, of which exactly one is written:"]
        width = max(len(one.name) for one in inner.fields)
        rows += [
            f"  {one.name:<{width}}  {_plain(one.summary.split('. ')[0].rstrip('.'))}"
            + (" (required)" if one.is_required else "")
            for one in inner.fields
        ]
    rows += ["", "Example:", *(f"  {line}" for line in to_yaml(fragment_of(entry)).splitlines())]
    return "\n".join(rows) + "\n"


def reference_page() -> str:
    """Every field, as Markdown."""
    parts = [_HEAD, "## All fields at a glance\n", _glance(), "## Field by field\n"]
    parts += [_section(entry) for entry in _each_once()]
    parts.append(_variables_part())
    return "\n".join(parts)


def _facts(entry: Entry) -> list[tuple[str, str]]:
    field = entry.field
    facts = [("required", "yes")] if field.is_required else []
    if field.default:
        facts.append(("default", field.default))
    if field.aliases:
        facts.append(("also written", ", ".join(f"`{alias}`" for alias in field.aliases)))
    if field.is_deprecated:
        facts.append(("deprecated", "yes"))
    if isinstance(field.type, Either):
        facts.append(("also", " or ".join(describe_type(one) for one in field.type.others)))
    kind = canonical(field.type)
    if isinstance(kind, Text) and kind.holds in {"webhook", "query"}:
        facts.append(("template", f"variables of a {kind.holds} and secrets"))
    return facts


def _each_once() -> list[Entry]:
    """Fields at the first place where they stand: pauses look the same everywhere."""
    seen: dict[tuple[int, str], Entry] = {}
    for entry in entries():
        seen.setdefault((id(entry.shape), entry.field.name), entry)
    return list(seen.values())


def _glance() -> str:
    rows = ["| field | type | required |", "|---|---|---|"]
    rows += [
        f"| `{entry.text}` | {describe_type(entry.field.type)} | {'yes' if entry.field.is_required else ''} |"
        for entry in _each_once()
    ]
    return "\n".join(rows) + "\n"


def _section(entry: Entry) -> str:
    facts = "".join(f"- {name}: {text}\n" for name, text in [("type", describe_type(entry.field.type)), *_facts(entry)])
    return f"### `{entry.text}`\n\n{entry.field.summary}\n\n{facts}\n```yml\n{to_yaml(fragment_of(entry))}```\n"


def _variables_part() -> str:
    rows = ["| variable | webhooks | queries | meaning |", "|---|---|---|---|"]
    for one in OWN_VARIABLES:
        webhook, query = ("yes" if scope in one.scopes else "" for scope in (Scope.WEBHOOK, Scope.QUERY))
        rows.append(f"| `{ARMORY}{one.name}` | {webhook} | {query} | {one.meaning} |")
    return _VARIABLES_HEAD + "\n".join(rows) + "\n"


def _plain(text: str) -> str:
    return text.replace("`", "")


_HEAD: Final = f"""\
# The deploy file

{DOCUMENT.summary} This page is made from the tables by which files are read; `borealis explain FIELD` prints one
field, `borealis schema` the same as a JSON Schema for editors.

The smallest file that deploys something in two places, the second after the first and with an approval:

```yaml
# deploy.yaml
version: v1
kind: kubernetes
application: shop
targets:
  qa: {{account: qa-cluster, namespace: shop-qa, strategy: at-once}}
  live:
    account: live-cluster
    namespace: shop-live
    strategy: careful
    constraints: {{dependsOn: [qa]}}
manifests:
  - inline: |
      apiVersion: v1
      kind: ConfigMap
      metadata: {{name: flags}}
strategies:
  at-once: {{canary: {{steps: []}}}}
  careful:
    canary:
      steps:
        - setWeight: {{weight: 20}}
        - pause: {{untilApproved: true, approvalExpiration: {{duration: 8, unit: hours}}}}
```

Words with a choice, such as units and modes, may be written in upper or lower case. A field without a value counts as
absent. Unknown fields and duplicate keys are faults. Numbers and words such as `no` are text only in quotes.
What can be written but not executed yet is checked all the same; a start of such a file is refused and names each
place.
"""
_VARIABLES_HEAD: Final = """\
## Variables

Templates hold variables in double braces, as in `{{context.suite}}`; there are no sections and no logic. Values go in
as they are; in a JSON body they are escaped for JSON. Names start with

- `armory.`: the platform's own, below; upper and lower case are alike.
- `context.`: yours. Those given at the start go before those of the step, and these before those of the file.
- `secrets.`: secrets of the tenant, in every text of the file except manifests; they are never shown.

A variable that can have no value where it is used is a fault of the file.

"""
