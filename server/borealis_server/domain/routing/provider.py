"""What every provider of routes has to say about itself, and the words that it says it in.

A provider is pure. It is given live objects and a wish, and gives back the objects as they should be; that they are
compared, written and repaired is no business of its.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from borealis_server.domain.effects import Refused
from borealis_server.domain.kubernetes.json_types import Document, meta
from borealis_server.domain.planning.services import Side
from borealis_server.domain.routes import Labels, Route, RoutePart, RouteSpec
from borealis_server.domain.states import EndReason

FULL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The new version is to have so much of the traffic. Units: percent."""

    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AsBefore:
    """The object is to be as it was before the run, for one version that stays alone."""

    stays: Labels
    keeps_canary: bool = False
    """Whether the way to the new version alone stays beside it, since weights still lead there."""


Wish = Share | AsBefore


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """Why an object cannot be brought into shape: somebody else has changed what the run depends on."""

    message: str


Shape = Document | Misfit | None
"""An object as it should be; None where it should not exist."""

PartKey = tuple[str, str]
"""Kind and name of a part."""

Parts = Mapping[PartKey, Document]
"""The live objects of one route; those that do not exist are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedKind:
    """A kind of object that a provider needs to see, by every version that it understands, the newest first."""

    kind: str
    api_versions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object that will be there when the run begins to move traffic."""

    document: Document
    index: int | None
    """Its place among the objects to apply; None when it is only live."""

    def part(self, *, leads_past: bool = False) -> RoutePart:
        """The object as a part of a route."""
        return RoutePart(
            api_version=str(self.document["apiVersion"]),
            kind=str(self.document["kind"]),
            name=meta(self.document, "name"),
            index=self.index,
            leads_past=leads_past,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownObjects:
    """What is to be applied, and what is live: by kind, namespace and name. What is applied goes first."""

    found: Mapping[tuple[str, str, str], Found]
    served: Mapping[str, str]
    """By kind of the providers: the newest version that the cluster serves, or that the manifests use."""

    @classmethod
    def of(cls, others: Sequence[Document], live: Sequence[Document], served: Mapping[str, str]) -> "KnownObjects":
        """From the objects to apply and the live ones."""
        found = {_key(each): Found(document=each, index=None) for each in live}
        for index, each in enumerate(others):
            found[_key(each)] = Found(document=each, index=index)
        brought = {str(each["kind"]): str(each["apiVersion"]) for each in others}
        return cls(found=found, served={**brought, **served})

    def named(self, kind: str, namespace: str, name: str) -> Found | None:
        """The object of that name, or None."""
        return self.found.get((kind, namespace, name))

    def of_kind(self, kind: str, namespace: str) -> Iterator[Found]:
        """Every object of the kind in a namespace."""
        for (its_kind, its_namespace, _), each in self.found.items():
            if (its_kind, its_namespace) == (kind, namespace):
                yield each


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One kind of mesh or gateway."""

    kinds: tuple[ServedKind, ...]
    """Kinds of objects that it needs to see; Services are seen anyway."""
    plan: Callable[[RouteSpec, Sequence[Side], KnownObjects], Route | Refused]
    """The route with every name found, before anything is changed; or why it does not fit the workloads."""
    noted: Callable[[Route, Parts], Parts]
    """The live objects as they are to be left at the end, given them as they are: without what a run left behind."""
    shaped: Callable[[Route, RoutePart, Document | None, Wish], Shape]
    """One object as it should be, given it as it is. Changes nothing but what moves traffic to either version."""
    percent: Callable[[Route, Parts], int | None]
    """The share of the new version by the live objects; None where they do not say."""


def refused(message: str) -> Refused:
    """A route that does not fit."""
    return Refused(reason=EndReason.ROUTE_NOT_MATCHED, message=message)


def missing(kind: str, name: str, namespaces: Sequence[str]) -> Refused:
    """An object that is nowhere."""
    place = " or ".join(sorted(set(namespaces)))
    return refused(f"{kind} {name} does not exist in namespace {place}: create it, or add it to the manifests")


def split(share: int, percent: int) -> tuple[int, int]:
    """A whole share as parts of the old and the new version, by largest remainder; a tie goes to the old one."""
    old, new = share * (FULL - percent), share * percent
    parts = [old // FULL, new // FULL]
    if sum(parts) < share:
        parts[1 if new % FULL > old % FULL else 0] += 1
    return parts[0], parts[1]


def _key(document: Document) -> tuple[str, str, str]:
    return str(document["kind"]), meta(document, "namespace"), meta(document, "name")
