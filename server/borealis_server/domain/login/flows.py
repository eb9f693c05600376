"""What becomes of a login when somebody presents something: each function gives the record to keep, and the verdict.

The store runs them inside its transaction, so that two who present the same thing at once get different verdicts.
Source: RFC 6749, 7636, 8628 and 9700.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from borealis_server.domain.login.records import DeviceState, hashed

if TYPE_CHECKING:
    from borealis_server.domain.login.records import Approval, AuthorizationCode, DeviceGrant, Session

SLOWER_S = 5
"""By how much a program that asks too fast has to slow down (RFC 8628, section 3.5)."""
POLL_SLACK_S = 0.5
"""How much too early a question may come: timers and networks are not exact."""


class Verdict(StrEnum):
    """What presenting something led to."""

    GRANTED = "granted"
    INVALID = "invalid"
    """Unknown, over, or presented by the wrong one: said in the same words, whichever it is."""
    REPLAYED = "replayed"
    """It was good once before: what came of that ends too."""
    PENDING = "pending"
    TOO_FAST = "too_fast"
    DENIED = "denied"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePresented:
    """What a program sends to redeem a code."""

    client_id: str
    redirect_uri: str
    verifier: str
    at: datetime


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    digest = hashlib.sha256(verifier.encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def redeem_code(code: AuthorizationCode, presented: CodePresented) -> tuple[AuthorizationCode, Verdict]:
    """A code is spent by whoever presents it first, even wrongly: nobody gets to try twice."""
    if code.is_spent:
        return code, Verdict.REPLAYED
    is_right = (
        not code.is_over(presented.at)
        and code.client_id == presented.client_id
        and code.redirect_uri == presented.redirect_uri
        and hmac.compare_digest(code.challenge, challenge_of(presented.verifier))
    )
    return replace(code, is_spent=True), Verdict.GRANTED if is_right else Verdict.INVALID


def answer_device(grant: DeviceGrant, approval: Approval | None, now: datetime) -> tuple[DeviceGrant, Verdict]:
    """A person agrees, or refuses with None; only the first answer counts."""
    if grant.is_over(now):
        return grant, Verdict.EXPIRED
    if grant.state is not DeviceState.PENDING:
        return grant, Verdict.INVALID
    if approval is None:
        return replace(grant, state=DeviceState.DENIED), Verdict.DENIED
    return replace(grant, state=DeviceState.APPROVED, approval=approval), Verdict.GRANTED


def poll_device(grant: DeviceGrant, client_id: str, now: datetime) -> tuple[DeviceGrant, Verdict]:
    """A program asks whether a person has answered yet."""
    if grant.client_id != client_id:
        return grant, Verdict.INVALID
    least = timedelta(seconds=grant.interval_s - POLL_SLACK_S)
    is_too_fast = grant.polled_at is not None and now - grant.polled_at < least
    match grant.state:
        case DeviceState.SPENT:
            after, verdict = grant, Verdict.REPLAYED
        case _ if grant.is_over(now):
            after, verdict = grant, Verdict.EXPIRED
        case _ if is_too_fast:
            after, verdict = replace(grant, polled_at=now, interval_s=grant.interval_s + SLOWER_S), Verdict.TOO_FAST
        case DeviceState.APPROVED:
            after, verdict = replace(grant, state=DeviceState.SPENT), Verdict.GRANTED
        case DeviceState.DENIED:
            after, verdict = grant, Verdict.DENIED
        case _:
            after, verdict = replace(grant, polled_at=now), Verdict.PENDING
    return after, verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshPresented:
    """What a program sends to go on with a session, and what it would get."""

    client_id: str
    family: str
    """The part that all tokens of the family share."""
    rotating: str
    """The part of this one token."""
    next_hash: str
    """Hash of the part that the next token would have."""
    tenant: str
    """Tenant wanted; empty: the one of before."""
    lifetime: timedelta
    """For how long the next token is good, unused."""
    at: datetime


def refresh(session: Session, presented: RefreshPresented) -> tuple[Session, Verdict]:
    """Every refresh token is good once. One that comes again was copied: the whole family ends.

    Who does not know the family's secret cannot end it, though they may have seen its id in a token.
    """
    if not hmac.compare_digest(session.family_hash, hashed(presented.family)) or not session.current_hash:
        return session, Verdict.INVALID
    if not is_live(session, presented.at):
        return session, Verdict.INVALID
    if session.client_id != presented.client_id:
        return session, Verdict.INVALID
    if not hmac.compare_digest(session.current_hash, hashed(presented.rotating)):
        return ended(session, "a refresh token was used twice"), Verdict.REPLAYED
    expires_at = presented.at + presented.lifetime
    if session.latest_end is not None:
        expires_at = min(expires_at, session.latest_end)
    after = replace(
        session,
        current_hash=presented.next_hash,
        tenant=presented.tenant or session.tenant,
        used_at=presented.at,
        expires_at=expires_at,
    )
    return after, Verdict.GRANTED


def revoke(session: Session, family: str, client_id: str) -> tuple[Session, Verdict]:
    """A program gives its session up (RFC 7009); any refresh token of the family will do."""
    is_holder = hmac.compare_digest(session.family_hash, hashed(family)) and session.client_id == client_id
    if not is_holder:
        return session, Verdict.INVALID
    return ended(session, "its program logged out"), Verdict.GRANTED


def ended(session: Session, why: str) -> Session:
    """The session, over for good; the first reason stays."""
    return session if session.ended_why else replace(session, ended_why=why)


def is_live(session: Session, now: datetime) -> bool:
    """Whether tokens of the session are good."""
    return not session.ended_why and not session.is_over(now)
