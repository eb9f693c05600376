"""The `webhooks` of a deploy file, and the steps that call them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from borealis_deployfile.addresses import address_problem
from borealis_deployfile.contexts import read_context
from borealis_deployfile.durations import read_duration
from borealis_deployfile.faults import Code
from borealis_deployfile.language.shapes import Choice
from borealis_deployfile.language.steps import RUN_WEBHOOK
from borealis_deployfile.language.webhooks import BODY, CALLBACK_TIMEOUT, HEADER, WEBHOOK
from borealis_deployfile.model import RunWebhook, Webhook
from borealis_deployfile.reader import Word

if TYPE_CHECKING:
    from borealis_deployfile.model import Origin
    from borealis_deployfile.reader import Place, Reader

_FIELDS: Final = {one.name: one.type for one in WEBHOOK.fields}
_AGENT_MODE: Final = "remoteNetworkAgent"
_NO_CALLBACK: Final = "disableCallback"
_TIMEOUT: Final = "callbackTimeout"
_SCHEMES: Final = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDraft:
    """A webhook as far as it could be read."""

    name: Word
    webhook: Webhook | None
    """None for one with faults."""


def read_webhooks(reader: Reader, place: Place) -> dict[str, WebhookDraft]:
    """The webhooks by name."""
    found: dict[str, WebhookDraft] = {}
    for here in reader.items(place, "webhooks", "put a dash before each webhook"):
        draft = _webhook(reader, here)
        if draft is None:
            continue
        if draft.name.text in found:
            message = f'the webhook "{draft.name.text}" is written twice'
            reader.fault(Code.DUPLICATE_KEY, draft.name.place, message, "keep one of them")
        else:
            found[draft.name.text] = draft
    return found


def read_run_webhook(reader: Reader, place: Place, origin: Origin) -> RunWebhook | None:
    """The step at the place, or None with its faults noted; `origin` is where the step starts."""
    fields = reader.fields(place, RUN_WEBHOOK)
    if fields is None:
        return None
    errors_before = reader.errors
    reader.require(place, fields, RUN_WEBHOOK, "runWebhook")
    name = reader.text(fields["name"], "the name of a webhook") if "name" in fields else None
    context = read_context(reader, fields.get("context"))
    if name is not None:
        reader.refer("webhook", Word(text=name, place=fields["name"]), "runWebhook")
    if name is None or reader.errors > errors_before:
        return None
    return RunWebhook(name=name, context=context, origin=origin)


def _webhook(reader: Reader, place: Place) -> WebhookDraft | None:
    fields = reader.fields(place, WEBHOOK)
    if fields is None:
        return None
    errors_before = reader.errors
    reader.require(place, fields, WEBHOOK, "a webhook")
    name = reader.text(fields["name"], "the name of a webhook") if "name" in fields else None
    uri = _uri(reader, fields["uriTemplate"]) if "uriTemplate" in fields else None
    body, body_path, body_origin = (
        _body(reader, fields["bodyTemplate"]) if "bodyTemplate" in fields else (None, None, None)
    )
    is_through_agent = _choice(reader, fields, "networkMode") == _AGENT_MODE
    webhook = Webhook(
        name=name or "",
        uri=uri or "",
        method=_choice(reader, fields, "method") or "POST",
        is_through_agent=is_through_agent,
        agent=_agent(reader, fields, is_through_agent=is_through_agent),
        headers=_headers(reader, fields["headers"]) if "headers" in fields else (),
        body=body,
        body_path=body_path,
        retries=reader.count(fields["retryCount"], "`retryCount`", least=0) or 0 if "retryCount" in fields else 0,
        has_callback=not (_NO_CALLBACK in fields and reader.boolean(fields[_NO_CALLBACK], _NO_CALLBACK)),
        callback_timeout_s=_callback_timeout_s(reader, fields),
        origin=reader.origin(place),
        body_origin=body_origin,
    )
    if name is None:
        return None
    is_sound = reader.errors == errors_before
    return WebhookDraft(name=Word(text=name, place=fields["name"]), webhook=webhook if is_sound else None)


def _choice(reader: Reader, fields: dict[str, Place], name: str) -> str | None:
    choice = _FIELDS[name]
    return reader.choice(fields[name], choice, f"`{name}`") if name in fields and isinstance(choice, Choice) else None


def _agent(reader: Reader, fields: dict[str, Place], *, is_through_agent: bool) -> str | None:
    place = fields.get("agentIdentifier")
    if place is None:
        return None
    if not is_through_agent:
        message = "`agentIdentifier` has no effect without `networkMode: remoteNetworkAgent`"
        reader.warn(Code.NO_EFFECT, place, message, "add the mode, or take the agent out")
    return reader.text(place, "`agentIdentifier`")


def _callback_timeout_s(reader: Reader, fields: dict[str, Place]) -> float | None:
    place = fields.get(_TIMEOUT)
    if place is None:
        return None
    if _NO_CALLBACK in fields and reader.boolean(fields[_NO_CALLBACK], _NO_CALLBACK):
        message = f"`{_TIMEOUT}` has no effect with `{_NO_CALLBACK}: true`"
        reader.warn(Code.NO_EFFECT, place, message, "take one of the two out")
    return read_duration(reader, place, f"`{_TIMEOUT}`", CALLBACK_TIMEOUT)


def _uri(reader: Reader, place: Place) -> str | None:
    """The address; one without a tag must be a whole http address."""
    uri = reader.text(place, "`uriTemplate`")
    if uri is None or "{{" in uri:
        return uri
    try:
        parts = urlsplit(uri)
    except ValueError:  # a bracket that is not an address
        parts = urlsplit("")
    if parts.scheme.lower() not in _SCHEMES or not parts.netloc:
        message = f'"{uri[:80]}" is not the address of a webhook'
        reader.fault(Code.INVALID_VALUE, place, message, "write it wholly, as in https://runner.example/jobs")
        return None
    return uri


def _headers(reader: Reader, place: Place) -> tuple[tuple[str, str], ...]:
    headers = []
    for here in reader.items(place, "`headers`", "put a dash before each header"):
        fields = reader.fields(here, HEADER)
        if fields is None or not reader.require(here, fields, HEADER, "a header"):
            continue
        key = reader.text(fields["key"], "the key of a header")
        value = reader.verbatim(fields["value"], "the value of a header", may_be_empty=True)
        if key is not None and value is not None:
            headers.append((key, value))
    return tuple(headers)


def _body(reader: Reader, place: Place) -> tuple[str | None, str | None, Origin | None]:
    fields = reader.fields(place, BODY)
    if fields is None:
        return None, None, None
    if len(fields) != 1:
        message = f"a body has exactly one of inline and path; this one has {'both' if fields else 'none'}"
        reader.fault(Code.INVALID_VALUE if fields else Code.MISSING_FIELD, place, message, "keep one of the two")
        return None, None, None
    ((kind, here),) = fields.items()
    if kind == "inline":
        return reader.verbatim(here, "`inline`"), None, reader.origin(here)
    path = reader.text(here, "`path`")
    problem = address_problem(path or "")
    if problem is not None:
        reader.fault(Code.INVALID_VALUE, here, *problem)
    return None, path, reader.origin(here)
