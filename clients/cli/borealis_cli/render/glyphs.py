"""Signs for states, in Unicode and in ASCII. A sign never stands alone: the word is always beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from borealis_client import DeploymentState, StepRunState, TargetRunState


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """One set of signs."""

    done: str
    busy: str
    paused: str
    waiting: str
    idle: str
    bad: str
    stopped: str
    back: str
    warning: str
    arrow: str
    ellipsis: str
    branch: str
    last: str
    trunk: str


UNICODE: Final = Glyphs(
    done="✔",
    busy="◐",
    paused="‖",
    waiting="◆",
    idle="·",
    bad="✖",
    stopped="■",
    back="↩",
    warning="▲",
    arrow="→",
    ellipsis="…",
    branch="├─ ",
    last="└─ ",
    trunk="│  ",
)
ASCII: Final = Glyphs(
    done="+",
    busy=">",
    paused="=",
    waiting="?",
    idle=".",
    bad="x",
    stopped="#",
    back="<",
    warning="!",
    arrow="->",
    ellipsis="...",
    branch="|- ",
    last="`- ",
    trunk="|  ",
)

_KIND_BY_WORD: Final = {
    "SUCCEEDED": ("done", "ok"),
    "SKIPPED": ("done", "quiet"),
    "RUNNING": ("busy", "busy"),
    "PAUSED": ("paused", "wait"),
    "AWAITING_APPROVAL": ("waiting", "wait"),
    "NOT_STARTED": ("idle", "quiet"),
    "FAILED": ("bad", "bad"),
    "CANCELLED": ("stopped", "bad"),
    "QUEUED": ("paused", "wait"),
    "REPLACED": ("stopped", "quiet"),
    "REJECTED": ("bad", "bad"),
    "ROLLING_BACK": ("back", "bad"),
}


def glyphs_for(encoding: str | None) -> Glyphs:
    """Unicode where the output can show it."""
    return UNICODE if (encoding or "").lower().replace("-", "").startswith("utf") else ASCII


def sign(state: DeploymentState | TargetRunState | StepRunState, glyphs: Glyphs) -> tuple[str, str]:
    """The sign of a state and the style of sign and word."""
    kind, style = _KIND_BY_WORD.get(state.name, ("idle", ""))
    return str(getattr(glyphs, kind)), style
