"""Deployments, their inputs and events in SQLite. Records are JSON; columns hold only what is searched by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from borealis_server.adapters.store.contents import addressed, digests_in, resolved
from borealis_server.adapters.store.earlier_records import deployment_of_today, event_of_today
from borealis_server.adapters.store.rules import check_events, checked_repeat, in_progress, revised, to_us
from borealis_server.domain.deployment import Deployment, DeploymentInputs, DeploymentKey, Event
from borealis_server.domain.errors import DeploymentNotFound
from borealis_server.domain.names import DeploymentName
from borealis_server.domain.states import DeploymentState
from borealis_server.ports.store import Change, Committed, DeploymentCursor

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from borealis_server.adapters.store.sqlite import SqliteDatabase
    from borealis_server.ports.store import Admission

_encode = msgspec.json.Encoder().encode
_decode_deployment = msgspec.json.Decoder(Deployment).decode
_inputs = msgspec.json.Decoder(DeploymentInputs).decode
_decode_event = msgspec.json.Decoder(Event).decode


class SqliteDeploymentStore:
    """Implements `ports.store.DeploymentStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def insert(
        self,
        deployment: Deployment,
        inputs: DeploymentInputs,
        events: Sequence[Event],
        *,
        beside: Callable[[Sequence[Deployment]], Admission] | None = None,
    ) -> Deployment:
        """Keep a new deployment; or the one that the same request has started before, unchanged.

        Errors: RequestIdReused, DeploymentInProgress.
        """
        named, contents = addressed(inputs)
        inputs_text = _text(named)

        def insert(connection: sqlite3.Connection) -> Deployment:
            existing = _of_request(connection, deployment.key.tenant, deployment.request_id)
            if existing is not None:
                return checked_repeat(existing, deployment)
            new = Change(deployment=deployment, events=tuple(events))
            others = [] if deployment.state.is_final else _open_ones(connection, deployment)
            if others:
                if beside is None:
                    raise in_progress(others)
                admission = beside(others)
                new = admission.new
                if admission.replaced:
                    before = next(one for one in others if one.key == admission.replaced.deployment.key)
                    _update(connection, revised(before, admission.replaced), admission.replaced.events)
            check_events(new.deployment, new.events, after_sequence=0)
            _insert(connection, new.deployment, inputs_text)
            connection.executemany(
                _INSERT_CONTENT, [(deployment.key.tenant, digest, text) for digest, text in contents.items()]
            )
            connection.executemany(_INSERT_EVENT, [_event_row(deployment.key, event) for event in new.events])
            return new.deployment

        return await self._database.write(insert)

    async def update(self, key: DeploymentKey, change: Callable[[Deployment], Change | None]) -> Committed:
        """Replace a deployment by what `change` makes of it, together with the events. Errors: DeploymentNotFound."""

        def update(connection: sqlite3.Connection) -> Committed:
            before = _get(connection, key)
            wanted = change(before)
            if wanted is None:
                return Committed(before=before, after=before)
            after = revised(before, wanted)
            _update(connection, after, wanted.events)
            return Committed(before=before, after=after)

        return await self._database.write(update)

    async def get(self, key: DeploymentKey) -> Deployment:
        """The newest state. Errors: DeploymentNotFound."""
        return await self._database.read(lambda connection: _get(connection, key))

    async def of_request(self, tenant: str, request_id: str) -> Deployment | None:
        """The deployment that a request of this id has started."""
        return await self._database.read(lambda connection: _of_request(connection, tenant, request_id))

    async def inputs(self, key: DeploymentKey) -> DeploymentInputs:
        """What it was started with. Errors: DeploymentNotFound."""
        return await self._database.read(lambda connection: _get_inputs(connection, key))

    async def events(self, key: DeploymentKey, *, after_sequence: int, limit: int) -> tuple[Event, ...]:
        """Up to `limit` events after `after_sequence`, in order."""
        sql = (
            "SELECT record FROM deployment_events WHERE tenant = ? AND deployment_id = ? AND sequence > ? "
            "ORDER BY sequence LIMIT ?"
        )
        values = (key.tenant, key.id, after_sequence, limit)
        rows = await self._database.read(lambda connection: connection.execute(sql, values).fetchall())
        return tuple(event_of_today(_decode_event(text)) for (text,) in rows)

    async def list(
        self,
        tenant: str,
        *,
        limit: int,
        after: DeploymentCursor | None = None,
        application: str = "",
        in_progress_only: bool = False,
    ) -> tuple[Deployment, ...]:
        """Up to `limit` deployments of `tenant` after `after`, newest first."""
        wanted: list[tuple[str, tuple[str | int, ...]]] = [("tenant = ?", (tenant,))]
        if application:
            wanted.append(("application = ?", (application,)))
        if in_progress_only:
            wanted.append(("is_final = 0", ()))
        if after is not None:
            wanted.append(("(started_us, id) < (?, ?)", (to_us(after.started_at), after.id)))
        where = " AND ".join(condition for condition, _ in wanted)
        sql = f"SELECT record FROM deployments WHERE {where} ORDER BY started_us DESC, id DESC LIMIT ?"  # noqa: S608 - conditions from above
        values = (*(value for _, part in wanted for value in part), limit)
        rows = await self._database.read(lambda connection: connection.execute(sql, values).fetchall())
        return tuple(_deployment(text) for (text,) in rows)

    async def unfinished(self) -> tuple[Deployment, ...]:
        """Every deployment of every tenant that is not final, oldest first."""
        sql = "SELECT record FROM deployments WHERE is_final = 0 ORDER BY started_us, id"
        rows = await self._database.read(lambda connection: connection.execute(sql).fetchall())
        return tuple(_deployment(text) for (text,) in rows)


_INSERT_CONTENT = "INSERT INTO contents (tenant, digest, content) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_INSERT_EVENT = "INSERT INTO deployment_events (tenant, deployment_id, sequence, record) VALUES (?, ?, ?, ?)"


def _of_request(connection: sqlite3.Connection, tenant: str, request_id: str) -> Deployment | None:
    if not request_id:
        return None
    row = connection.execute(
        "SELECT record FROM deployments WHERE tenant = ? AND request_id = ?", (tenant, request_id)
    ).fetchone()
    return None if row is None else _deployment(row[0])


def _open_ones(connection: sqlite3.Connection, wanted: Deployment) -> list[Deployment]:
    """The deployments of the application that are not final."""
    sql = "SELECT record FROM deployments WHERE tenant = ? AND application = ? AND is_final = 0"
    rows = connection.execute(sql, (wanted.key.tenant, wanted.application)).fetchall()
    return [_deployment(text) for (text,) in rows]


def _insert(connection: sqlite3.Connection, deployment: Deployment, inputs: str) -> None:
    key = deployment.key
    connection.execute(
        "INSERT INTO deployments (tenant, id, application, started_us, is_final, is_queued, request_id, record) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key.tenant,
            key.id,
            deployment.application,
            to_us(deployment.started_at),
            int(deployment.state.is_final),
            int(deployment.state is DeploymentState.QUEUED),
            deployment.request_id or None,
            _text(deployment),
        ),
    )
    connection.execute(
        "INSERT INTO deployment_inputs (tenant, deployment_id, record, is_addressed) VALUES (?, ?, ?, 1)",
        (key.tenant, key.id, inputs),
    )


def _update(connection: sqlite3.Connection, after: Deployment, events: Sequence[Event]) -> None:
    key, is_queued = after.key, after.state is DeploymentState.QUEUED
    connection.execute(
        "UPDATE deployments SET is_final = ?, is_queued = ?, record = ? WHERE tenant = ? AND id = ?",
        (int(after.state.is_final), int(is_queued), _text(after), key.tenant, key.id),
    )
    connection.executemany(_INSERT_EVENT, [_event_row(key, event) for event in events])


def _get(connection: sqlite3.Connection, key: DeploymentKey) -> Deployment:
    row = connection.execute(
        "SELECT record FROM deployments WHERE tenant = ? AND id = ?", (key.tenant, key.id)
    ).fetchone()
    if row is None:
        raise _not_found(key)
    return _deployment(row[0])


def _get_inputs(connection: sqlite3.Connection, key: DeploymentKey) -> DeploymentInputs:
    sql = "SELECT record, is_addressed FROM deployment_inputs WHERE tenant = ? AND deployment_id = ?"
    row = connection.execute(sql, (key.tenant, key.id)).fetchone()
    if row is None:
        raise _not_found(key)
    inputs = _inputs(row[0])
    if not row[1]:
        return inputs
    sql = "SELECT content FROM contents WHERE tenant = ? AND digest = ?"
    found = {digest: connection.execute(sql, (key.tenant, digest)).fetchone() for digest in digests_in(inputs)}
    return resolved(inputs, {digest: text[0] for digest, text in found.items() if text is not None})


def _not_found(key: DeploymentKey) -> DeploymentNotFound:
    return DeploymentNotFound(DeploymentName(key.tenant, key.id))


def _event_row(key: DeploymentKey, event: Event) -> tuple[str, str, int, str]:
    return (key.tenant, key.id, event.sequence, _text(event))


def _deployment(text: str) -> Deployment:
    return deployment_of_today(_decode_deployment(text))


def _text(record: Deployment | DeploymentInputs | Event) -> str:
    return _encode(record).decode()
