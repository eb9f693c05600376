"""A machine outside that starts a job for each call that it has not seen before, and calls back when it is done.

It is a metric provider too, in whose eyes everything is well.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from borealis_server.adapters.metrics.asking import HttpMetrics
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.adapters.store.memory_audit import MemoryAuditStore
from borealis_server.adapters.store.memory_integrations import MemoryIntegrationStore
from borealis_server.domain.callback_tokens import CallbackAddress
from borealis_server.domain.errors import BorealisError
from borealis_server.domain.states import ErrandKind
from borealis_server.ports.outside import OutsideAnswer
from borealis_server.services.asking import Asker
from borealis_server.services.audit_actions import ActionAudit
from borealis_server.services.callbacks import Callbacks
from borealis_server.services.deploy_files import DeployFileShelf
from borealis_server.services.judgements import JudgementRunner
from borealis_server.services.webhooks import WebhookCaller
from kit.analysis_files import an_integration, vector
from kit.outside import TOKENS, WEB, KnownSecrets

if TYPE_CHECKING:
    from borealis_server.domain.identity import Principal
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.outside import Outside, OutsideFailure, OutsideRequest
    from borealis_server.ports.relay import AgentRef
    from borealis_server.services.errands import ErrandRunner
    from borealis_server.services.journal import Journal

_JOB_S: Final = 5.0
_DONE: Final = json.dumps({"success": True, "mdMessage": "done"}).encode()


@dataclass
class Jobs:
    """Implements `ports.outside.Outside`. Outlives every server that calls it."""

    made: Counter[str] = field(default_factory=Counter)
    """How often the job of each key was started."""
    open: dict[str, tuple[CallbackAddress, str]] = field(default_factory=dict)
    """Jobs that have not called back, with the address and the token that they hold."""

    async def send(self, request: OutsideRequest, *, via: AgentRef | None = None) -> OutsideAnswer | OutsideFailure:  # noqa: ARG002 - as the port
        """Start a job, unless the call was seen before; a question to the metric provider has 0 as its answer."""
        if request.method == "GET":
            return vector(0)
        key = dict(request.headers)["Idempotency-Key"]
        if key not in self.made:
            self.made[key] += 1
            sent = json.loads(request.body)
            address = CallbackAddress.parse(sent["uri"].removeprefix(WEB).removesuffix("/callback"))
            assert address is not None
            self.open[key] = (address, sent["token"])
        return OutsideAnswer(status=202)

    async def work(self, callbacks: Callbacks) -> None:
        """Call back to the server that runs now, again and again until it says that the callback counts."""
        while True:
            await asyncio.sleep(_JOB_S)
            for key, (address, token) in tuple(self.open.items()):
                try:
                    await callbacks.take(address, token, _DONE)
                except BorealisError:
                    continue
                del self.open[key]


def errand_runners(journal: Journal, outside: Outside, clock: Clock) -> dict[ErrandKind, ErrandRunner]:
    """Who runs errands, to that machine."""
    shelf = DeployFileShelf(journal.store)
    caller = WebhookCaller(outside, shelf, KnownSecrets(), TOKENS, clock, web=WEB)
    asker = Asker(MemoryIntegrationStore(an_integration()), KnownSecrets(), HttpMetrics(outside), clock)
    return {ErrandKind.CALL_WEBHOOK: caller, ErrandKind.ASK_METRICS: JudgementRunner(shelf, asker)}


def callbacks_for(journal: Journal, clock: Clock, secrets: KnownSecrets | None = None) -> Callbacks:
    """Takes callbacks by the tokens of calls."""

    async def nobody(_token: str, _tenant: str) -> Principal:
        raise AssertionError("nobody logs in here")

    audit = ActionAudit(MemoryAuditStore(), clock, SystemRandomness())
    return Callbacks(journal, DeployFileShelf(journal.store), secrets or KnownSecrets(), TOKENS, nobody, audit, clock)
