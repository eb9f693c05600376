"""Lists as aligned columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_cli.render.text import elapsed, one_line, short_id, timestamp, width, word
from borealis_client import AuditCallDecision, AuditEndOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from borealis_client import Agent, AuditAction, AuditCall, Deployment, Preview, Secret


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows under headings, each column as wide as its widest cell."""
    cells = [list(headings), *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(width(row[column]) for row in cells) for column in range(len(headings))]
    return [
        "  ".join(cell + " " * (size - width(cell)) for cell, size in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def deployment_table(deployments: Sequence[Deployment], *, now: datetime) -> list[str]:
    """One deployment a row."""
    rows = [
        (
            short_id(one.name),
            one.application,
            word(one.state),
            timestamp(one.start_time) if one.start_time else "",
            elapsed(one.start_time, one.end_time, now),
            one.started_by,
            one.message,
        )
        for one in deployments
    ]
    return table(("ID", "APPLICATION", "STATE", "STARTED", "TOOK", "BY", "MESSAGE"), rows)


def agent_table(agents: Sequence[Agent], *, now: datetime) -> list[str]:
    """One agent a row."""
    rows = [
        (
            short_id(one.name),
            word(one.state),
            elapsed(one.state_time, None, now),
            str(len(one.sessions)),
            ", ".join(sorted({session.version for session in one.sessions if session.version})),
            ", ".join(sorted({session.kubernetes_version for session in one.sessions if session.kubernetes_version})),
            timestamp(one.last_seen_time) if one.last_seen_time else "never",
        )
        for one in agents
    ]
    return table(("AGENT", "STATE", "SINCE", "REPLICAS", "VERSION", "KUBERNETES", "LAST SEEN"), rows)


def preview_table(previews: Sequence[Preview]) -> list[str]:
    """One preview a row."""
    rows = [
        (
            short_id(one.name),
            one.service,
            word(one.state),
            timestamp(one.expire_time) if one.expire_time else "",
            "login" if one.requires_login else "public",
            short_id(one.deployment),
            one.url,
        )
        for one in previews
    ]
    return table(("PREVIEW", "SERVICE", "STATE", "ENDS", "FOR", "DEPLOYMENT", "ADDRESS"), rows)


def secret_table(secrets: Sequence[Secret]) -> list[str]:
    """One secret a row."""
    rows = [
        (short_id(one.name), timestamp(one.update_time) if one.update_time else "", one.updated_by, one.key_id)
        for one in secrets
    ]
    return table(("SECRET", "SET", "BY", "KEY"), rows)


def audit_table(calls: Sequence[AuditCall]) -> list[str]:
    """One call a row."""
    rows = [
        (
            timestamp(one.open_time) if one.open_time else "",
            one.actor or "(server)",
            short_id(one.agent),
            one.method,
            one.path,
            _ending(one),
        )
        for one in calls
    ]
    return table(("TIME", "ACTOR", "AGENT", "METHOD", "PATH", "ENDED"), rows)


def action_table(actions: Sequence[AuditAction]) -> list[str]:
    """One action a row."""
    rows = [
        (
            timestamp(one.open_time) if one.open_time else "",
            one.actor or "(server)",
            one.method.rpartition("/")[2],
            one.request,
            _action_ending(one),
        )
        for one in actions
    ]
    return table(("TIME", "ACTOR", "ACTION", "REQUEST", "ENDED"), rows)


def _action_ending(action: AuditAction) -> str:
    if action.refusal:
        return "refused"
    if action.end is None:
        return "open"
    return action.end.reason or "done"


def _ending(call: AuditCall) -> str:
    """What came of a call, in as few words as possible."""
    if call.decision is AuditCallDecision.DENIED:
        return "denied"
    if call.end is None:
        return "open"
    status = str(call.end.status) if call.end.status else ""
    outcome = "" if call.end.outcome is AuditEndOutcome.COMPLETE else word(call.end.outcome).lower()
    return " ".join(part for part in (status, outcome, call.end.code) if part)
