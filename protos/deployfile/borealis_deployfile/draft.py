"""A deploy file while it is being judged: what could be read, each name with its place.

A draft may be incomplete; `rules` finds what does not fit together, and only a draft without faults becomes a model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from borealis_deployfile.analysis import AnalysisDraft
from borealis_deployfile.model import DeployFile, DeploymentConfig, Target, Traffic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from borealis_deployfile.model import Condition, ManifestSource, Origin, SecretUse, Strategy
    from borealis_deployfile.reader import Word
    from borealis_deployfile.traffic import TrafficDraft
    from borealis_deployfile.webhooks import WebhookDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetDraft:
    """A target as far as it could be read."""

    name: Word
    account: Word | None = None
    namespace: Word | None = None
    has_namespace: bool = False
    """Whether a namespace is written at all, even a wrong one."""
    strategy: Word | None = None
    depends_on: tuple[Word, ...] = ()
    before: tuple[Condition, ...] = ()
    after: tuple[Condition, ...] = ()
    replaced_account: str | None = None
    """The one that the file writes where the start gives another."""
    account_origin: Origin | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestDraft:
    """An entry of `manifests` as far as it could be read."""

    source: ManifestSource
    targets: tuple[Word, ...] = ()


@dataclass(slots=True, kw_only=True)
class Draft:
    """The whole file as far as it could be read."""

    application: str | None = None
    description: str = ""
    context: dict[str, str] = field(default_factory=dict)
    given_context: Mapping[str, str] = field(default_factory=dict)
    config: DeploymentConfig = field(default_factory=DeploymentConfig)
    targets: list[TargetDraft] = field(default_factory=list)
    manifests: list[ManifestDraft] = field(default_factory=list)
    strategies: dict[str, Strategy | None] = field(default_factory=dict)
    analysis: AnalysisDraft | None = None
    webhooks: dict[str, WebhookDraft] = field(default_factory=dict)
    traffic: list[TrafficDraft] = field(default_factory=list)
    secrets: tuple[SecretUse, ...] = ()


def to_model(draft: Draft) -> DeployFile:
    """The file that a draft without faults describes."""
    analysis = draft.analysis or AnalysisDraft()
    return DeployFile(
        application=draft.application or "",
        description=draft.description,
        context=draft.context,
        given_context=draft.given_context,
        config=draft.config,
        targets=tuple(_target(target) for target in draft.targets),
        manifests=tuple(manifest.source for manifest in draft.manifests),
        strategies={name: strategy for name, strategy in draft.strategies.items() if strategy is not None},
        queries={name: one.query for name, one in analysis.queries.items() if one.query is not None},
        default_provider=analysis.provider,
        webhooks={name: one.webhook for name, one in draft.webhooks.items() if one.webhook is not None},
        traffic=tuple(Traffic(routes=one.routes, targets=_texts(one.targets)) for one in draft.traffic),
        secrets=draft.secrets,
    )


def _target(draft: TargetDraft) -> Target:
    return Target(
        name=draft.name.text,
        account=draft.account.text if draft.account else "",
        namespace=draft.namespace.text if draft.namespace else None,
        strategy=draft.strategy.text if draft.strategy else None,
        depends_on=tuple(word.text for word in draft.depends_on),
        before=draft.before,
        after=draft.after,
        account_origin=draft.account_origin,
        origin=draft.origin,
    )


def _texts(words: tuple[Word, ...] | None) -> tuple[str, ...] | None:
    return None if words is None else tuple(word.text for word in words)
