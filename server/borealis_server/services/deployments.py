"""Use cases around deployments: start, look, follow, decide. Driving them is `runner.py`."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from borealis_deployfile.addresses import shown
from borealis_deployfile.manifests import FileContent
from borealis_server.domain import persons
from borealis_server.domain.deployment import Deployment, DeploymentKey, Event, PersonsDecision
from borealis_server.domain.deployment_access import check_decision, check_start
from borealis_server.domain.errors import InvalidArgument, PageTokenInvalid, TargetNotFound
from borealis_server.domain.identity import Principal
from borealis_server.domain.names import RANDOM_ID_BYTES, DeploymentName, random_id
from borealis_server.domain.paging import Page, PageRequest, page_token
from borealis_server.domain.queue import enqueue
from borealis_server.domain.record import Recorded
from borealis_server.domain.redeploy import RedeployRequest, redeploy_request
from borealis_server.domain.start import (
    StartRequest,
    away_warnings,
    check_request_id,
    checked,
    first_record,
    new_deployment,
    read_file,
    stored_files,
)
from borealis_server.domain.why import Explanation, explain, explain_target
from borealis_server.ports.clock import Clock
from borealis_server.ports.fetcher import Fetcher
from borealis_server.ports.randomness import Randomness
from borealis_server.ports.store import DeploymentCursor
from borealis_server.services.journal import Journal

COMMENT_LIMIT = 1000


class KnownAgents(Protocol):
    """Tells which agents a tenant has."""

    async def agent_names(self, tenant: str) -> tuple[str, ...]:
        """Every agent's name, connected or not."""
        ...

    async def away(self, tenant: str, names: Sequence[str]) -> Mapping[str, datetime | None]:
        """Those of the agents that are not connected, each with its last sign of life."""
        ...


class KnownProviders(Protocol):
    """Tells which metric providers a tenant has."""

    async def names(self, tenant: str) -> frozenset[str]:
        """The name of every integration."""
        ...


class KnownSecrets(Protocol):
    """Tells which secrets a tenant has."""

    async def names(self, tenant: str) -> Collection[str]:
        """Every secret's name."""
        ...


class Deployments:
    """What callers can do with deployments.

    Whoever calls may do it somewhere in the tenant; `caller` is judged again by the targets. None is the server itself.
    """

    def __init__(
        self,
        journal: Journal,
        agents: KnownAgents,
        clock: Clock,
        randomness: Randomness,
        fetcher: Fetcher,
        *,
        secrets: KnownSecrets | None = None,
        providers: KnownProviders | None = None,
    ) -> None:
        self._secrets = secrets
        self._providers = providers
        self._journal = journal
        self._agents = agents
        self._fetcher = fetcher
        self._clock = clock
        self._randomness = randomness

    async def start(self, request: StartRequest, caller: Principal | None = None) -> tuple[Deployment, tuple[str, ...]]:
        """Check everything and start, or start nothing. Returns the deployment and warnings about the file.

        While the application has another one in progress it is queued, where the deploy file says so.

        Errors: InvalidArgument, DeployFileInvalid, PermissionDenied, DeploymentInProgress, RequestIdReused.
        """
        read = read_file(request)
        fetched, unread = await self._fetch(request, read.addresses)
        agents = await self._agents.agent_names(request.tenant)
        secrets = None if self._secrets is None else await self._secrets.names(request.tenant)
        providers = None if self._providers is None else await self._providers.names(request.tenant)
        start = checked(
            request, agents, secrets=secrets, providers=providers, read=read, fetched=fetched, unread=unread
        )
        if caller is not None:
            check_start(caller, start.file, start.objects)
        key = DeploymentKey(tenant=request.tenant, id=random_id(self._randomness.token_bytes(RANDOM_ID_BYTES)))
        now = self._clock.now()
        recorded, inputs = first_record(start, request, key, now)
        beside = partial(enqueue, new_deployment(start, request, key, now), now=now)
        deployment = await self._journal.start(recorded, inputs, beside=beside if start.file.config.enqueues else None)
        accounts = sorted({target.account for target in start.file.targets})
        away = await self._agents.away(request.tenant, accounts)
        return deployment, (*start.warnings, *away_warnings(start.file, away))

    async def redeploy(
        self, wanted: RedeployRequest, caller: Principal | None = None
    ) -> tuple[Deployment, tuple[str, ...]]:
        """Start what was stored with a deployment once more, or nothing. Returns as `start`.

        Errors: DeploymentNotFound, and those of `start`.
        """
        source = DeploymentKey(tenant=wanted.tenant, id=wanted.source)
        origin, inputs = await self._journal.store.get(source), await self._journal.store.inputs(source)
        return await self.start(redeploy_request(wanted, origin, inputs), caller)

    async def get(self, key: DeploymentKey) -> Deployment:
        """The deployment as it is now. Errors: DeploymentNotFound."""
        return await self._journal.store.get(key)

    async def explain(self, key: DeploymentKey, target: str) -> tuple[Explanation, ...]:
        """Why the deployment is as it is, then each of its targets; or only `target`, where it is not empty.

        Errors: DeploymentNotFound, TargetNotFound.
        """
        deployment = await self._journal.store.get(key)
        names = [run.name for run in deployment.targets]
        if target and target not in names:
            raise TargetNotFound(DeploymentName(key.tenant, key.id), target)
        if target:
            return (explain_target(deployment, target),)
        return (explain(deployment), *(explain_target(deployment, name) for name in names))

    async def list(
        self, tenant: str, page: PageRequest, *, application: str = "", in_progress_only: bool = False
    ) -> Page[Deployment]:
        """A page of deployments, newest first. Errors: InvalidArgument, PageTokenInvalid."""
        query = f"deployments/{tenant}/{application}/{in_progress_only}"
        limit = page.limit()
        found = await self._journal.store.list(
            tenant,
            limit=limit + 1,
            after=_cursor(page.after(query)),
            application=application,
            in_progress_only=in_progress_only,
        )
        has_more = len(found) > limit
        items = found[:limit]
        return Page(items=items, next_token=page_token(query, _position(items[-1])) if has_more else "")

    async def watch(self, key: DeploymentKey, after_sequence: int) -> AsyncIterator[Deployment | Event]:
        """The whole state, then events as they come; or, resuming, only the events. Ends with the deployment.

        Errors: DeploymentNotFound; InvalidArgument for a sequence that has not been reached yet.
        """
        deployment = await self._journal.store.get(key)
        if after_sequence < 0 or after_sequence > deployment.sequence:
            raise InvalidArgument.of("after_sequence", f"must be 0 to {deployment.sequence}, the newest event")
        if after_sequence == 0:
            yield deployment
            after_sequence = deployment.sequence
        async for event in self._journal.follow(key, after_sequence):
            yield event

    async def approve(self, key: DeploymentKey, wish: PersonsDecision, caller: Principal | None = None) -> Deployment:
        """Approve what waits. Errors: as `persons.approve`, DeploymentNotFound, InvalidArgument, PermissionDenied."""
        return await self._decide(key, wish, persons.approve, caller)

    async def skip(self, key: DeploymentKey, wish: PersonsDecision, caller: Principal | None = None) -> Deployment:
        """End timed pauses early.

        Errors: as `persons.skip`, DeploymentNotFound, InvalidArgument, PermissionDenied.
        """
        return await self._decide(key, wish, persons.skip, caller)

    async def roll_back(self, key: DeploymentKey, wish: PersonsDecision, caller: Principal | None = None) -> Deployment:
        """Turn the deployment round.

        Errors: as `persons.roll_back`, DeploymentNotFound, InvalidArgument, PermissionDenied.
        """
        return await self._decide(key, wish, persons.roll_back, caller)

    async def cancel(self, key: DeploymentKey, wish: PersonsDecision, caller: Principal | None = None) -> Deployment:
        """Call the deployment off.

        Errors: as `persons.cancel`, DeploymentNotFound, InvalidArgument, PermissionDenied.
        """
        return await self._decide(key, wish, persons.cancel, caller)

    async def _fetch(
        self, request: StartRequest, addresses: Sequence[str]
    ) -> tuple[Mapping[str, tuple[FileContent, ...]], Mapping[str, str]]:
        """What the addresses hold, and why others could not be fetched; for a repeated start what they held then."""
        if not addresses:
            return {}, {}
        kept = await self._journal.store.of_request(request.tenant, request.request_id) if request.request_id else None
        if kept is not None and kept.digest == request.digest():
            return stored_files(await self._journal.store.inputs(kept.key)), {}
        answers = await self._fetcher.fetch(addresses)
        contents = {
            address: (FileContent(name=shown(address), content=content),)
            for address, content in answers.contents.items()
        }
        return contents, answers.failures

    def now(self) -> datetime:
        """The time to put on a decision."""
        return self._clock.now()

    async def _decide(
        self,
        key: DeploymentKey,
        wish: PersonsDecision,
        decide: Callable[[Deployment, PersonsDecision], Recorded],
        caller: Principal | None,
    ) -> Deployment:
        check_request_id(wish.request_id)
        if len(wish.comment) > COMMENT_LIMIT:
            raise InvalidArgument.of("comment", f"must have at most {COMMENT_LIMIT} characters")

        def decided(newest: Deployment) -> Recorded:
            if caller is not None:
                check_decision(caller, newest, wish)
            return decide(newest, wish)

        committed = await self._journal.record(key, decided)
        return committed.after


def _position(deployment: Deployment) -> str:
    return f"{deployment.started_at.isoformat()} {deployment.key.id}"


def _cursor(position: str) -> DeploymentCursor | None:
    if not position:
        return None
    started_at, _, identifier = position.partition(" ")
    try:
        time = datetime.fromisoformat(started_at)
    except ValueError as error:
        raise PageTokenInvalid from error
    if time.tzinfo is None:
        raise PageTokenInvalid
    return DeploymentCursor(started_at=time, id=identifier)
