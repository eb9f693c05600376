"""Every RPC that the protos describe, and raw calls of them."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

import borealis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.descriptor import MethodDescriptor

_PATIENCE_S = 0.5
"""How long a stream may say nothing: who may listen is not told more."""


def all_methods() -> list[MethodDescriptor]:
    """Every RPC of every service."""
    found: list[MethodDescriptor] = []
    (root,) = map(Path, borealis.__path__)
    for path in sorted(root.rglob("*_service_pb2.py")):
        module = ".".join(path.relative_to(root.parent).with_suffix("").parts)
        services = importlib.import_module(module).DESCRIPTOR.services_by_name.values()
        found += [method for service in services for method in service.methods]
    return found


def short_name(method: MethodDescriptor) -> str:
    """`agent.v1.AgentService/GetAgent`."""
    return f"{method.containing_service.full_name.removeprefix('borealis.')}/{method.name}"


async def outcome_of(
    channel: grpc.aio.Channel, method: MethodDescriptor, metadata: Sequence[tuple[str, str]]
) -> tuple[grpc.StatusCode, str]:
    """Status and text that an empty request ends with; OK for a stream that says something, or nothing for a while."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    raw: Any = channel  # the types want serializers; none means bytes as they are
    try:
        if method.client_streaming:
            call = raw.stream_stream(path)(metadata=metadata, timeout=_PATIENCE_S)
            await call.done_writing()
            await call.read()
        elif method.server_streaming:
            watch = raw.unary_stream(path)(b"", metadata=metadata, timeout=_PATIENCE_S)
            await watch.read()
            watch.cancel()
        else:
            await raw.unary_unary(path)(b"", metadata=metadata, timeout=10)
    except grpc.aio.AioRpcError as error:
        is_silence = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        return (grpc.StatusCode.OK if is_silence else error.code()), error.details() or ""
    return grpc.StatusCode.OK, ""
