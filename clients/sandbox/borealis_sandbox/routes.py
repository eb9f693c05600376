"""HTTP in and out: lets callers in, reads the request, calls one verb, renders the answer. Decides nothing else."""

from __future__ import annotations

import datetime as dt
import hmac
import json
import random
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from borealis_sandbox import discovery
from borealis_sandbox.api import Write, check_namespace
from borealis_sandbox.bodies import APPLY_PATCH, read_applied, read_change, read_object
from borealis_sandbox.custom_kinds import served_kinds
from borealis_sandbox.deletion import parse_deletion
from borealis_sandbox.errors import (
    ApiError,
    Cause,
    bad_request,
    method_not_allowed,
    unauthorized,
)
from borealis_sandbox.listing import list_page
from borealis_sandbox.objects import name_of, namespace_of, uid_of
from borealis_sandbox.requests import Address, parse_address
from borealis_sandbox.scale import scale_of, scaled
from borealis_sandbox.selectors import Selection, parse_selection
from borealis_sandbox.tables import table
from borealis_sandbox.watching import Watch, parse_version, watch_events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from borealis_sandbox.api import Api
    from borealis_sandbox.kinds import Kind
    from borealis_sandbox.objects import Object

    _Verb = Callable[[web.Request, Address], Awaitable[web.StreamResponse]]

_BODY_LIMIT_BYTES = 3 << 20
_OPEN_PATHS = frozenset({"/healthz", "/livez", "/readyz", "/version"})
_WATCH_LIMIT_S = 1800.0
_TRUE = frozenset({"1", "t", "true", "True"})


class Routes:
    """Answers every request of one simulated cluster."""

    def __init__(self, api: Api, *, token: str) -> None:
        self._api = api
        self._authorization = f"Bearer {token}".encode()

    def application(self) -> web.Application:
        """The web application, ready to be served."""
        application = web.Application(client_max_size=_BODY_LIMIT_BYTES)
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            self._authenticate(request)
            return await self._dispatch(request)
        except ApiError as error:
            return web.json_response(error.to_status(), status=error.code)

    def _authenticate(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").encode()
        if request.path not in _OPEN_PATHS and not hmac.compare_digest(given, self._authorization):
            raise unauthorized()

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        kinds = served_kinds(self._api.storage)
        fixed = _fixed_answer(request, kinds)
        if fixed is not None:
            return fixed
        address = parse_address(request.path, kinds)
        verbs = self._verbs_of_one if address.name else self._verbs_of_many
        verb = verbs().get(request.method)
        if verb is None:
            raise method_not_allowed()
        return await verb(request, address)

    def _verbs_of_one(self) -> dict[str, _Verb]:
        return {"GET": self._get, "PUT": self._replace, "PATCH": self._patch, "DELETE": self._delete}

    def _verbs_of_many(self) -> dict[str, _Verb]:
        return {"GET": self._list_or_watch, "POST": self._create, "DELETE": self._delete_many}

    async def _get(self, request: web.Request, address: Address) -> web.StreamResponse:
        found = self._api.get(address.kind, address.namespace, address.name)
        if address.subresource == "scale":
            return _json(scale_of(found))
        return _json(_rendered(request, address, found))

    async def _list_or_watch(self, request: web.Request, address: Address) -> web.StreamResponse:
        query = request.query
        selection = parse_selection(
            address.kind,
            label_selector=query.get("labelSelector", ""),
            field_selector=query.get("fieldSelector", ""),
        )
        if query.get("watch") in _TRUE:
            return await self._watch(request, address, selection)
        limit = _number(request, "limit") or 0
        page = list_page(self._api.storage, address, selection, limit=limit, token=query.get("continue", ""))
        if _wants_table(request):
            return _json(_table(address, page.items, page.metadata))
        kind = address.kind
        items = [
            {key: value for key, value in each.items() if key not in {"kind", "apiVersion"}} for each in page.items
        ]
        about = {"kind": f"{kind.kind}List", "apiVersion": kind.api_version}
        return _json({**about, "metadata": page.metadata, "items": items})

    async def _watch(self, request: web.Request, address: Address, selection: Selection) -> web.StreamResponse:
        limit_s = _number(request, "timeoutSeconds")
        watch = Watch(
            address=address,
            selection=selection,
            after=parse_version(request.query.get("resourceVersion", "")),
            wants_bookmarks=request.query.get("allowWatchBookmarks") in _TRUE,
            limit_s=limit_s or _WATCH_LIMIT_S * random.uniform(1, 2),  # noqa: S311 - spreads load, guards nothing
        )
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        async for line in watch_events(self._api.storage, watch, lambda found: _rendered(request, address, found)):
            await response.write(line)
        await response.write_eof()
        return response

    async def _create(self, request: web.Request, address: Address) -> web.StreamResponse:
        body = read_object(await request.read(), request.content_type)
        kind = address.kind
        if kind.is_namespaced and not address.namespace:
            raise method_not_allowed()
        given = (body.get("apiVersion", kind.api_version), body.get("kind", kind.kind))
        if given != (kind.api_version, kind.kind):
            raise bad_request(f"the object is a {given[1]} of {given[0]}, not a {kind.kind} of {kind.api_version}")
        check_namespace(body.get("metadata") or {}, address.namespace)
        created = self._api.create(kind, address.namespace, body, _write(request, address))
        return _json(_rendered(request, address, created), status=HTTPStatus.CREATED)

    async def _replace(self, request: web.Request, address: Address) -> web.StreamResponse:
        body = read_object(await request.read(), request.content_type)
        write = _write(request, address)
        if address.subresource == "scale":
            return self._change(request, address, lambda found: scaled(found, body), write)
        found = self._api.replace(address.kind, address.namespace, address.name, body, write)
        return _json(_rendered(request, address, found))

    async def _patch(self, request: web.Request, address: Address) -> web.StreamResponse:
        content = await request.read()
        write = _write(request, address)
        if request.content_type == APPLY_PATCH and address.subresource != "scale":
            return self._apply(request, address, read_applied(content), write)
        change = read_change(content, request.content_type)
        if address.subresource == "scale":
            return self._change(request, address, lambda found: scaled(found, change(scale_of(found))), write)
        return self._change(request, address, change, write)

    def _change(
        self, request: web.Request, address: Address, change: Callable[[Object], Object], write: Write
    ) -> web.StreamResponse:
        found = self._api.patch(address.kind, address.namespace, address.name, change, write)
        return _json(scale_of(found) if address.subresource == "scale" else _rendered(request, address, found))

    def _apply(self, request: web.Request, address: Address, body: Object, write: Write) -> web.StreamResponse:
        if "fieldManager" not in request.query:
            cause = Cause(
                field="fieldManager", message="Required value: is required for apply patch", reason="FieldValueRequired"
            )
            raise _invalid_options(cause)
        found, is_new = self._api.apply(address.kind, address.namespace, address.name, body, write)
        status = HTTPStatus.CREATED if is_new else HTTPStatus.OK
        return _json(_rendered(request, address, found), status=status)

    async def _delete(self, request: web.Request, address: Address) -> web.StreamResponse:
        if address.subresource:
            raise method_not_allowed()
        options = read_object(await request.read(), request.content_type)
        deletion = parse_deletion(options, dict(request.query))
        found, is_gone = self._api.delete(address.kind, address.namespace, address.name, deletion)
        return _json(_deleted(address, found) if is_gone else _rendered(request, address, found))

    async def _delete_many(self, request: web.Request, address: Address) -> web.StreamResponse:
        selection = parse_selection(
            address.kind,
            label_selector=request.query.get("labelSelector", ""),
            field_selector=request.query.get("fieldSelector", ""),
        )
        deletion = parse_deletion(read_object(await request.read(), request.content_type), dict(request.query))
        page = list_page(self._api.storage, address, selection, limit=0, token="")
        for each in page.items:
            self._api.delete(address.kind, namespace_of(each), name_of(each), deletion)
        kind = address.kind
        about = {"kind": f"{kind.kind}List", "apiVersion": kind.api_version}
        return _json({**about, "metadata": page.metadata, "items": page.items})


def _fixed_answer(request: web.Request, kinds: Sequence[Kind]) -> web.Response | None:
    """Answers that do not depend on what is stored; None for everything else."""
    parts = tuple(request.path.strip("/").split("/"))
    if parts[0] in {"healthz", "livez", "readyz"}:
        return web.Response(text="ok")
    if parts == ("openapi", "v2"):
        return _openapi(request)
    found = _discovered(parts, kinds)
    return None if found is None else _json(found)


def _discovered(parts: tuple[str, ...], kinds: Sequence[Kind]) -> Object | None:
    found: Object | None = None
    match parts:
        case ("version",):
            found = discovery.version()
        case ("api",):
            found = discovery.core_versions()
        case ("apis",):
            found = discovery.group_list(kinds)
        case ("apis", group):
            found = discovery.group(kinds, group)
        case ("api", version):
            found = discovery.resource_list(kinds, "", version)
        case ("apis", group, version):
            found = discovery.resource_list(kinds, group, version)
    return found


def _openapi(request: web.Request) -> web.Response:
    if "proto-openapi" in request.headers.get("Accept", ""):
        # Not under the type that was asked for: Go's own parser refuses the `@` in it.
        return web.Response(body=discovery.OPENAPI_PROTOBUF, content_type="application/octet-stream")
    return _json(discovery.OPENAPI_JSON)


def _write(request: web.Request, address: Address) -> Write:
    agent = request.headers.get("User-Agent", "").partition("/")[0].strip()
    dry_run = request.query.getall("dryRun", [])
    if any(each not in ("", "All") for each in dry_run):
        raise _invalid_options(Cause(field="dryRun", message=f"Unsupported value: {dry_run}: only All is supported"))
    return Write(
        manager=request.query.get("fieldManager") or agent or "unknown",
        subresource=address.subresource,
        is_dry_run="All" in dry_run,
        force=request.query.get("force") in _TRUE,
    )


def _invalid_options(cause: Cause) -> ApiError:
    message = f'PatchOptions.meta.k8s.io "" is invalid: {cause.field}: {cause.message}'
    causes = [{"reason": cause.reason, "message": cause.message, "field": cause.field}]
    details: Object = {"group": "meta.k8s.io", "kind": "PatchOptions", "causes": causes}
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", message, details)


def _deleted(address: Address, found: Object) -> Object:
    details = {"name": name_of(found), "kind": address.kind.plural, "uid": uid_of(found)}
    if address.kind.group:
        details["group"] = address.kind.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _rendered(request: web.Request, address: Address, found: Object) -> Object:
    if not _wants_table(request):
        return found
    return _table(address, [found], {"resourceVersion": found["metadata"]["resourceVersion"]})


def _table(address: Address, found: Sequence[Object], metadata: Object) -> Object:
    return table(address.kind, found, metadata, now=dt.datetime.now(dt.UTC))


def _wants_table(request: web.Request) -> bool:
    return "as=Table" in request.headers.get("Accept", "")


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name, "")
    if text and not text.isdecimal():
        raise bad_request(f"{name} is a whole number, not {text!r}")
    return int(text) if text else None


def _json(found: Object, *, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(
        body=json.dumps(found, separators=(",", ":")).encode(), status=status, content_type="application/json"
    )
