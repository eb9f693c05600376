"""The numbers that bound a tunnel. What a peer may do beyond them is refused, never stored."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB

DEFAULT_CREDIT_BYTES = 64 * KIB
"""Credit of a stream when the peer did not say."""
DEFAULT_MAX_STREAMS = 100
"""Streams a peer holds open at once when it did not say."""
LARGEST_DATA_BYTES = 64 * KIB
"""The protocol's own limit for one `data` field."""
DETAIL_BYTES = 256
"""The protocol's limit for texts meant for people."""
TOKEN_BYTES = 16 * KIB
"""The protocol's limit for a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one side of a tunnel grants and accepts.

    Units: bytes unless the name says otherwise.
    """

    initial_credit_bytes: int = 256 * KIB
    """What a peer may send on a stream before the first of it was consumed."""
    flowing_credit_bytes: int = MIB
    """The same while data flows without a pause and the budget is half free: a grant costs as much as a full batch."""
    largest_credit_bytes: int = 4 * MIB
    """The same after it has grown because the way is long."""
    scarce_credit_bytes: int = 64 * KIB
    """The same while the budget is used up."""
    receive_budget_bytes: int = 16 * MIB
    """Credit of all streams together above which it gets scarce."""
    largest_rate: int = 400 * MIB
    """Bytes per second that a tunnel never reaches: credit beyond what they need in a round trip is of no use."""
    send_buffer_bytes: int = 256 * KIB
    """Bytes of one stream that wait to be sent before its sender should pause."""
    max_data_bytes: int = LARGEST_DATA_BYTES
    """Largest `data` accepted, and sent while a stream is alone."""
    shared_data_bytes: int = 16 * KIB
    """Largest `data` sent while other streams wait: the turn of one stream."""
    batch_bytes: int = 112 * KIB
    """Size at which a batch is full. A message beyond 128 KiB costs the allocator ten times more."""
    batch_frames: int = 256
    """Number of frames at which a batch is full."""
    max_batch_bytes: int = 256 * KIB
    """Size of a batch, as it is sent, that is accepted and never exceeded."""
    max_batch_frames: int = 1024
    """Frames accepted in one batch."""
    max_streams: int = 1000
    """Streams accepted at once."""
    max_control_frames: int = 256
    """Answers that may wait for a peer that floods us without reading, besides one for each of `max_streams`; beyond
    that the session ends."""
    reset_memory_s: float = 30.0
    """How long late frames of a stream that was reset are dropped without a word, in seconds."""
    stall_limit_s: float = 120.0
    """How long a stream of low priority may wait for the peer's credit before it is given up, in seconds."""
    max_headers: int = 256
    """Header fields accepted in one head."""
    max_header_bytes: int = 64 * KIB
    """Names and values accepted in one head."""
    max_path_bytes: int = 8 * KIB
    """Length of a path accepted."""
    max_name_bytes: int = 253
    """Length of a target's, actor's, group's or request's name accepted."""
