"""Deploy files with several targets, as text, and a control plane over a model cluster to run them in virtual time."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from structlog.testing import capture_logs

from kit.shop import manifests

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from borealis_server.domain.deployment import DeploymentKey
    from kit.control_plane import ControlPlane
    from kit.model_engine import ModelEngine

AT_ONCE = "setWeight: {weight: 100}"


def pause(seconds: int) -> str:
    """A timed pause."""
    return f"pause: {{duration: {seconds}, unit: seconds}}"


def approval(*, expires_s: int = 0, roles: Sequence[str] = ()) -> str:
    """A pause until somebody approves."""
    parts = ["untilApproved: true"]
    if expires_s:
        parts.append(f"approvalExpiration: {{duration: {expires_s}, unit: seconds}}")
    if roles:
        parts.append(f"requiresRoles: [{', '.join(roles)}]")
    return f"pause: {{{', '.join(parts)}}}"


def target(
    name: str, *, after: Sequence[str] = (), before_start: Sequence[str] = (), depends_on: Sequence[str] = ()
) -> str:
    """A target with a namespace of its name; conditions `before_start` and `after` it, both in YAML's flow style."""
    constraints = [
        f"{word}: [{', '.join(items)}]"
        for word, items in (
            ("dependsOn", depends_on),
            ("beforeDeployment", [f"{{{one}}}" for one in before_start]),
            ("afterDeployment", [f"{{{one}}}" for one in after]),
        )
        if items
    ]
    return (
        f"  {name}: {{account: cluster-1, namespace: {name}, strategy: careful, "
        f"constraints: {{{', '.join(constraints)}}}}}"
    )


def pipeline(*targets: str, steps: Sequence[str] = (AT_ONCE,), application: str = "shop", config: str = "") -> str:
    """A deploy file with `targets`, all by one canary of `steps`; `config` is more of `deploymentConfig`."""
    return "\n".join(
        [
            "version: v1",
            "kind: kubernetes",
            f"application: {application}",
            f"deploymentConfig: {{timeout: {{duration: 60, unit: seconds}}{config}}}",
            "targets:",
            *targets,
            "manifests: [{path: shop.yaml}]",
            "strategies:",
            "  careful:",
            "    canary:",
            "      steps:",
            *(f"        - {step}" for step in steps),
            "",
        ]
    )


async def start(plane: ControlPlane, text: str, version: str = "1") -> DeploymentKey:
    """Start `version` of the shop by the deploy file `text`."""
    return (await plane.start(text, shop_yaml=manifests(version))).key


def with_plane(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """The test with a `plane` at work over its `engine`; no fixture, since only the test itself has virtual time."""
    wanted = inspect.signature(test)
    others = [each for name, each in wanted.parameters.items() if name not in ("plane", "engine")]
    engine_parameter = inspect.Parameter("engine", inspect.Parameter.KEYWORD_ONLY)

    @functools.wraps(test)
    async def run(*args: Any, engine: ModelEngine, **fixtures: Any) -> None:  # Any: the test's own
        given = {"engine": engine} if "engine" in wanted.parameters else {}
        with capture_logs():
            async with engine.running() as plane:
                await test(*args, plane=plane, **given, **fixtures)

    run.__signature__ = wanted.replace(parameters=[*others, engine_parameter])  # type: ignore[attr-defined]  # for pytest
    return run
