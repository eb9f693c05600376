"""Audited calls, to their messages; and what is asked for, from them."""

from __future__ import annotations

import re
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from borealis.audit.v1 import audit_pb2 as pb
from borealis.audit.v1.audit_service_pb2 import VerifyAuditResponse
from borealis_server.domain.audit import AuditFilter
from borealis_server.domain.errors import AgentNotFound, InvalidArgument
from borealis_server.domain.names import AgentName
from borealis_server.ports.audit import RelayOutcome
from borealis_server.services.audit_proof import KeptHead

if TYPE_CHECKING:
    from datetime import datetime

    from google.protobuf.timestamp_pb2 import Timestamp

    from borealis.audit.v1.audit_service_pb2 import (
        ListAuditActionsRequest,
        ListAuditCallsRequest,
        VerifyAuditRequest,
    )
    from borealis_server.domain.audit import AuditAction, AuditActionEnd, AuditCall, AuditEnd
    from borealis_server.domain.audit_chain import AuditProof

_HASH = re.compile(r"[0-9A-Fa-f]{64}")
_OUTCOMES = {
    RelayOutcome.COMPLETE: pb.AuditEnd.OUTCOME_COMPLETE,
    RelayOutcome.CANCELLED: pb.AuditEnd.OUTCOME_CANCELLED,
    RelayOutcome.NOT_DISPATCHED: pb.AuditEnd.OUTCOME_NOT_DISPATCHED,
    RelayOutcome.BROKEN: pb.AuditEnd.OUTCOME_BROKEN,
    RelayOutcome.UNKNOWN: pb.AuditEnd.OUTCOME_UNKNOWN,
}


def filter_from_proto(request: ListAuditCallsRequest, tenant: str) -> AuditFilter:
    """Which calls of `tenant` are asked for. Errors: InvalidArgument; AgentNotFound for another tenant's agent."""
    agent = AgentName.parse(request.agent, field="agent") if request.agent else None
    if agent is not None and agent.tenant != tenant:
        raise AgentNotFound(agent)
    return AuditFilter(
        tenant=tenant,
        agent=agent.id if agent else "",
        actor=request.actor,
        since=_time(request.start_time) if request.HasField("start_time") else None,
        until=_time(request.end_time) if request.HasField("end_time") else None,
    )


def actions_filter_from_proto(request: ListAuditActionsRequest, tenant: str) -> AuditFilter:
    """Which actions of `tenant` are asked for."""
    return AuditFilter(
        tenant=tenant,
        actor=request.actor,
        since=_time(request.start_time) if request.HasField("start_time") else None,
        until=_time(request.end_time) if request.HasField("end_time") else None,
    )


def kept_from_proto(request: VerifyAuditRequest) -> KeptHead | None:
    """The entry that somebody has kept elsewhere. Errors: InvalidArgument for half of one."""
    if not request.kept_number and not request.kept_hash:
        return None
    if request.kept_number < 1 or not _HASH.fullmatch(request.kept_hash):
        raise InvalidArgument.of("kept_hash", "needs the number of the entry, from 1, and its 64 hexadecimal digits")
    return KeptHead(number=request.kept_number, hash=request.kept_hash)


def proof_to_proto(proof: AuditProof) -> VerifyAuditResponse:
    """The message of what was found."""
    return VerifyAuditResponse(
        entries=proof.entries,
        first_number=proof.head.first_number,
        head_number=proof.head.number,
        head_hash=proof.head.hash,
        broken_number=proof.broken_number,
        fault=proof.fault,
    )


def action_to_proto(action: AuditAction) -> pb.AuditAction:
    """The message of an action."""
    message = pb.AuditAction(
        id=action.id,
        actor=action.actor,
        subject=action.subject,
        source=action.source,
        method=action.method,
        request=action.request,
        request_id=action.request_id,
        refusal=action.refusal,
        end=None if action.end is None else _action_end_to_proto(action.end),
    )
    message.open_time.FromDatetime(action.opened_at)
    return message


def _action_end_to_proto(end: AuditActionEnd) -> pb.AuditActionEnd:
    changes = [pb.AuditChange(what=one.what, before=one.before, after=one.after) for one in end.changes]
    message = pb.AuditActionEnd(reason=end.reason, changes=changes)
    message.close_time.FromDatetime(end.closed_at)
    return message


def call_to_proto(call: AuditCall) -> pb.AuditCall:
    """The message of a call."""
    message = pb.AuditCall(
        id=call.id,
        agent=str(AgentName(call.tenant, call.agent)),
        target=call.target,
        actor=call.actor,
        actor_groups=call.actor_groups,
        method=call.method,
        path=call.path,
        decision=pb.AuditCall.DECISION_DENIED if call.is_denied else pb.AuditCall.DECISION_ALLOWED,
        request_id=call.request_id,
        policy_digest=call.policy_digest,
        end=None if call.end is None else _end_to_proto(call.end),
    )
    message.open_time.FromDatetime(call.opened_at)
    return message


def _end_to_proto(end: AuditEnd) -> pb.AuditEnd:
    message = pb.AuditEnd(
        status=end.status,
        sent_bytes=end.sent_bytes,
        received_bytes=end.received_bytes,
        outcome=_OUTCOMES[RelayOutcome(end.outcome)],
        code=end.code,
    )
    message.close_time.FromDatetime(end.closed_at)
    message.duration.FromTimedelta(timedelta(microseconds=end.duration_us))
    return message


def _time(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(UTC)
