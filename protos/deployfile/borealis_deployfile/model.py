"""The deploy file as data: what a file means once it has been checked.

Owns the shapes that clients, server and planner share. It does not read YAML (`source`), nor judge it (`parse`,
`rules`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_READINESS_TIMEOUT_S: Final = 1800.0
"""How long pods may take to become Ready where the file does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where in the deploy file something was written; line and columns count from 1."""

    file: str
    line: int
    column: int
    end_column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentConfig:
    """Settings for every target of the file."""

    readiness_timeout_s: float = DEFAULT_READINESS_TIMEOUT_S
    """Limit of each wait for pods to become Ready; pauses and approvals do not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A named place to deploy to: a namespace of the cluster behind an agent."""

    name: str
    account: str
    """Name of the agent in the cluster."""
    namespace: str | None = None
    """Overrides the namespace of every namespaced manifest; None keeps what the manifests say."""
    strategy: str | None = None
    """Key of `DeployFile.strategies`; needed only where a Deployment manifest reaches the target."""
    depends_on: tuple[str, ...] = ()
    """Targets that must have succeeded before this one starts."""
    account_origin: Origin | None = field(default=None, compare=False, repr=False)
    """Where the account stands: only a server knows which accounts exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWeight:
    """Give the new version a share of the pods."""

    weight_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Wait, for a time or for a person. Exactly one of `duration_s` and `until_approved` is set."""

    duration_s: float | None = None
    until_approved: bool = False
    requires_roles: tuple[str, ...] = ()
    """Roles that may approve; empty means everybody who may see the deployment."""
    expires_after_s: float | None = None
    """Limit of the wait for an approval; None waits for ever."""


Step = SetWeight | Pause
"""One unit of a strategy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """A named canary recipe. No steps means straight to 100 %; after the last step the target goes to 100 %."""

    name: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestSource:
    """Where manifests come from: a path that the client reads, or text in the file. Exactly one is set."""

    path: str | None = None
    inline: str | None = None
    targets: tuple[str, ...] | None = None
    """Targets that receive these manifests; None means all."""
    origin: Origin | None = field(default=None, compare=False, repr=False)
    """Where the entry stands; for fault messages only, so two files that say the same are equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployFile:
    """A deploy file without faults."""

    application: str
    description: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    config: DeploymentConfig = field(default_factory=DeploymentConfig)
    targets: tuple[Target, ...]
    """In the order of the file."""
    manifests: tuple[ManifestSource, ...]
    strategies: Mapping[str, Strategy]
