"""Errands: what steps want done outside of the cluster, and how it came out. Records only; no I/O.

An errand is kept in its step before anybody runs it. Whoever runs it reports what came of it with the attempt that it
was; `steps/errands.py` drops a report that comes too late.
"""

from dataclasses import dataclass
from datetime import datetime

from borealis_server.domain.analysis.evidence import Judgement
from borealis_server.domain.exposure import Exposed, NotExposed
from borealis_server.domain.states import ErrandKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Something that a step wants done outside of the cluster."""

    kind: ErrandKind
    due_at: datetime
    """Not before this time."""
    attempt: int = 1
    """From 1; a report counts for the attempt that the step waits for, and for no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Somebody outside answered an HTTP request. Texts are fit to be shown: secrets are redacted."""

    status: int
    reason: str = ""
    """Words beside the status, such as `Not Found`; may be empty."""
    content_type: str = ""
    body: str = ""
    """The beginning of the body."""
    is_cut: bool = False
    """Whether the body has more than is kept."""
    retry_after_s: float = 0.0
    """How long the other side asks to be left alone; 0 where it does not say."""
    request: str = ""
    """What was asked, in one line: method and address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """Nobody answered wholly: there was no connection, it broke, or a limit of time passed."""

    detail: str
    """Why, in the middle of a sentence; secrets are redacted."""
    is_refused: bool = False
    """Whether it is refused by a rule, so that it is of no use to try again."""
    request: str = ""
    """As in `Answered`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """Nothing was asked: a template names what has no value."""

    names: tuple[str, ...]


ErrandReport = Answered | Unreached | Unresolved | Judgement | Exposed | NotExposed
"""What can come of an errand. A step of each kind knows those of its own."""
