"""One call to a Kubernetes API through the relay: JSON in and out, its `Status` answers turned into our errors."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from borealis_server.domain.errors import ClusterBusy, ClusterRefused, Exhausted
from borealis_server.domain.kubernetes.refusals import Cause
from borealis_server.ports.relay import AgentRef, Relay, RelayRequest, RelayResponse

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

_OK_BELOW = 300
_TOO_MANY = 429
_SERVER_FAULT = 500
_DETAIL_LIMIT = 500


class KubernetesApi:
    """Calls the Kubernetes API behind an agent.

    Errors of every call: AgentUnavailable, RelayRefused, ClusterRefused, ClusterBusy.
    """

    def __init__(self, relay: Relay, *, timeout_s: float = 30.0) -> None:
        self._relay = relay
        self._timeout_s = timeout_s

    async def json(
        self,
        agent: AgentRef,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | Sequence[Any] | None = None,  # Any: JSON
        content_type: str = JSON,
    ) -> dict[str, Any]:  # Any: JSON
        """The answer's JSON."""
        headers = (("accept", JSON), *((("content-type", content_type),) if body is not None else ()))
        request = RelayRequest(
            method=method,
            path=path,
            headers=headers,
            body=json.dumps(body).encode() if body is not None else b"",
            timeout_s=self._timeout_s,
        )
        async with relayed(self._relay, agent, request) as response:
            content = await response.read()
        if response.status >= _OK_BELOW:
            raise error_of(response.status, response.headers, content)
        answer: dict[str, Any] = msgspec.json.decode(content)
        return answer


@asynccontextmanager
async def relayed(relay: Relay, agent: AgentRef, request: RelayRequest) -> AsyncIterator[RelayResponse]:
    """The answer to a request. A limit of the relay counts as a busy cluster: it is worth trying again later.

    Errors: as `Relay.call`, and ClusterBusy for its Exhausted.
    """
    try:
        async with relay.call(agent, request) as response:
            yield response
    except Exhausted as error:
        raise ClusterBusy(error.message, retry_after_s=error.retry_after_s) from error


def error_of(code: int, headers: Sequence[tuple[str, str]], content: bytes) -> ClusterRefused | ClusterBusy:
    """The error for an answer that is not a success; the API's own words are kept."""
    status = _status(content)
    reason, message = str(status.get("reason") or "Unknown"), str(status.get("message") or "no message")[:_DETAIL_LIMIT]
    if code == _TOO_MANY or code >= _SERVER_FAULT:
        wait = dict(headers).get("retry-after", "")
        return ClusterBusy(f"{code} {reason}: {message}", retry_after_s=float(wait) if wait.isdigit() else 2.0)
    return ClusterRefused(code, reason, message, causes=_causes(status))


def _status(content: bytes) -> dict[str, Any]:  # Any: JSON
    """The `Status` object, or whatever else came back in the place of its message."""
    try:
        answer = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return {"message": content[:_DETAIL_LIMIT].decode(errors="replace").strip()}
    return answer if isinstance(answer, dict) else {"message": str(answer)}


def _causes(status: dict[str, Any]) -> Iterator[Cause]:  # Any: JSON
    details = status.get("details")
    for cause in (details.get("causes") if isinstance(details, dict) else None) or ():
        yield Cause(field=str(cause.get("field") or ""), message=str(cause.get("message") or ""))
