"""How often something may be tried: buckets that fill again with time, and delays after wrong passwords.

Pure and bounded: the present is given, and what was not used for longest is forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bucket:
    left: float
    at: datetime


class RateLimit:
    """At most `burst` at once and `per_minute` in the long run, for each key."""

    def __init__(self, *, burst: int, per_minute: float, max_keys: int = 20_000) -> None:
        self._burst = burst
        self._per_s = per_minute / 60
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str, now: datetime) -> float:
        """Take one; 0 when that was allowed, else after how many seconds it will be."""
        bucket = self._buckets.pop(key, None) or _Bucket(left=float(self._burst), at=now)
        passed_s = max((now - bucket.at).total_seconds(), 0.0)
        left = min(bucket.left + passed_s * self._per_s, float(self._burst))
        is_allowed = left >= 1
        self._buckets[key] = _Bucket(left=left - 1 if is_allowed else left, at=now)
        while len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        return 0.0 if is_allowed else (1 - left) / self._per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failures:
    count: int
    until: datetime
    """Before this moment nothing is tried."""
    forgotten_at: datetime


class FailureDelays:
    """Delays that double with every failure in a row, for each key, up to a limit; success forgets them."""

    def __init__(self, *, free: int, first_s: float, limit_s: float, max_keys: int = 20_000) -> None:
        self._free = free
        self._first_s = first_s
        self._limit_s = limit_s
        self._max_keys = max_keys
        self._kept: OrderedDict[str, _Failures] = OrderedDict()

    def wait_s(self, key: str, now: datetime) -> float:
        """How long the next try has to wait; 0: not at all."""
        kept = self._kept.get(key)
        return 0.0 if kept is None else max((kept.until - now).total_seconds(), 0.0)

    def failed(self, key: str, now: datetime) -> None:
        """One more failure in a row."""
        kept = self._kept.pop(key, None)
        count = 1 if kept is None or now >= kept.forgotten_at else kept.count + 1
        beyond = count - self._free
        doubled = self._first_s * 2 ** min(beyond - 1, 32) if beyond > 0 else 0.0
        delay_s = min(doubled, self._limit_s)
        until = now + timedelta(seconds=delay_s)
        self._kept[key] = _Failures(count=count, until=until, forgotten_at=until + timedelta(seconds=self._limit_s * 4))
        while len(self._kept) > self._max_keys:
            self._kept.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the failures."""
        self._kept.pop(key, None)


def address_key(address: str) -> str:
    """Whom an address stands for: a whole /64 of IPv6, since one machine has that many."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "?"
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped else str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
