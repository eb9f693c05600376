"""What must hold between the parts of a deploy file: names that exist, an order that ends, targets that differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_deployfile.cycles import find_cycles
from borealis_deployfile.faults import Code
from borealis_deployfile.reference_rules import check_references
from borealis_deployfile.traffic_rules import check_routes

if TYPE_CHECKING:
    from collections.abc import Collection

    from borealis_deployfile.draft import Draft, TargetDraft
    from borealis_deployfile.reader import Reader, Word

_LONGEST_LOOP: Final = 20  # names that a message shows


def judge(reader: Reader, draft: Draft) -> None:
    """Note every fault between the parts of the draft."""
    names = {target.name.text: target for target in draft.targets}
    for target in draft.targets:
        _check_target_names(reader, target.depends_on, names, f'target "{target.name.text}" depends on')
        _check_strategy(reader, target, draft)
    for manifest in draft.manifests:
        _check_target_names(reader, manifest.targets, names, "a manifest names the target")
    for entry in draft.traffic:
        _check_target_names(reader, entry.targets or (), names, "a trafficManagement entry names the target")
    _check_order(reader, draft)
    _check_pairs(reader, draft)
    check_references(reader, draft)
    check_routes(reader, draft)


def _check_target_names(reader: Reader, words: tuple[Word, ...], known: Collection[str], what: str) -> None:
    seen: set[str] = set()
    for word in words:
        if word.text in seen:
            reader.fault(Code.INVALID_VALUE, word.place, f'the target "{word.text}" is named twice', "keep one of them")
        elif word.text not in known:
            message = f'{what} "{word.text}", which does not exist'
            reader.fault(Code.UNKNOWN_TARGET, word.place, message, reader.hint(word.text, sorted(known)))
        seen.add(word.text)


def _check_strategy(reader: Reader, target: TargetDraft, draft: Draft) -> None:
    word = target.strategy
    if word is None or word.text in draft.strategies:
        return
    message = f'target "{target.name.text}" uses the strategy "{word.text}", which does not exist'
    advice = reader.hint(word.text, draft.strategies) or "define it under `strategies`"
    reader.fault(Code.UNKNOWN_STRATEGY, word.place, message, advice)


def _check_order(reader: Reader, draft: Draft) -> None:
    by_name = {target.name.text: target for target in draft.targets}
    graph = {name: tuple(word.text for word in target.depends_on) for name, target in by_name.items()}
    for cycle in find_cycles(graph):
        shown = (*cycle, cycle[0]) if len(cycle) <= _LONGEST_LOOP else (*cycle[: _LONGEST_LOOP - 1], "...", cycle[0])
        loop = " -> ".join(f'"{name}"' for name in shown)
        after = cycle[1 % len(cycle)]
        word = next(word for word in by_name[cycle[0]].depends_on if word.text == after)
        message = f"targets wait for each other in a loop: {loop}"
        reader.fault(Code.DEPENDENCY_CYCLE, word.place, message, "take one of these dependencies out")


def _check_pairs(reader: Reader, draft: Draft) -> None:
    seen: dict[tuple[str, str | None], str] = {}
    for target in draft.targets:
        is_readable = target.account is not None and target.has_namespace == (target.namespace is not None)
        if target.account is None or not is_readable:
            continue
        pair = (target.account.text, target.namespace.text if target.namespace else None)
        first = seen.setdefault(pair, target.name.text)
        if first == target.name.text:
            continue
        where = f'namespace "{pair[1]}"' if pair[1] else "no namespace"
        message = f'targets "{first}" and "{target.name.text}" are the same place: account "{pair[0]}", {where}'
        reader.fault(Code.DUPLICATE_TARGET, target.name.place, message, "give each target its own namespace")
