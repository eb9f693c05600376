"""Where relayed calls are kept without a store: nowhere, or in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from borealis_server.domain.audited import audited_path
from borealis_server.ports.relay import RelayRequest

if TYPE_CHECKING:
    from borealis_server.ports.audit import AuditedCall, Decision, RelayEnd
    from borealis_server.ports.relay import AgentRef, TcpRequest

log = structlog.get_logger(__name__)


class NullAudit:
    """Keeps nothing."""

    def opened(
        self,
        agent: AgentRef,  # noqa: ARG002 - the port's signature
        request: RelayRequest | TcpRequest,  # noqa: ARG002 - the port's signature
        *,
        decision: Decision,  # noqa: ARG002 - the port's signature
        policy_digest: str,  # noqa: ARG002 - the port's signature
    ) -> AuditedCall:
        """Forget that a call begins."""
        return self

    def closed(self, end: RelayEnd) -> None:
        """Forget how it ended."""


class LogAudit:
    """Writes one line at the beginning of each call and one at its end."""

    def opened(
        self, agent: AgentRef, request: RelayRequest | TcpRequest, *, decision: Decision, policy_digest: str
    ) -> AuditedCall:
        """Log that a call begins."""
        if isinstance(request, RelayRequest):
            asked = {"method": request.method, "path": audited_path(request.path)}
        else:
            asked = {"method": "TCP", "path": f"{request.host}:{request.port or ''}"}
        bound = log.bind(
            tenant=agent.tenant,
            agent=agent.name,
            target=request.target,
            **asked,
            actor=request.actor,
            request_id=request.request_id,
        )
        bound.info(
            "relay.opened",
            actor_groups=list(request.actor_groups),
            decision=decision.value,
            policy_digest=policy_digest,
            traceparent=request.traceparent,
        )
        return _LoggedCall(bound)


class _LoggedCall:
    def __init__(self, bound: structlog.typing.FilteringBoundLogger) -> None:
        self._log = bound

    def closed(self, end: RelayEnd) -> None:
        self._log.info(
            "relay.closed",
            outcome=end.outcome.value,
            code=end.code,
            status=end.status,
            sent_bytes=end.sent_bytes,
            received_bytes=end.received_bytes,
            duration_s=round(end.duration_s, 6),
        )
