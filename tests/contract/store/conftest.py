"""Every store there is, each behind the ports that it implements."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from borealis_server.adapters.store.agents import SqliteAgentRecordStore
from borealis_server.adapters.store.credentials import SqliteCredentialStore
from borealis_server.adapters.store.deployments import SqliteDeploymentStore
from borealis_server.adapters.store.directory import SqliteDirectoryStore
from borealis_server.adapters.store.integrations import SqliteIntegrationStore
from borealis_server.adapters.store.memory import MemoryAgentRecordStore, MemoryCredentialStore, MemoryDeploymentStore
from borealis_server.adapters.store.memory_directory import MemoryDirectoryStore
from borealis_server.adapters.store.memory_integrations import MemoryIntegrationStore
from borealis_server.adapters.store.memory_previews import MemoryPreviewStore
from borealis_server.adapters.store.memory_secrets import MemorySecretStore
from borealis_server.adapters.store.previews import SqlitePreviewStore
from borealis_server.adapters.store.secrets import SqliteSecretStore
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.domain.deployment import (
    Approval,
    Deployment,
    DeploymentInputs,
    DeploymentKey,
    Event,
    SavedObject,
    StepRun,
    StoredFile,
    TargetRun,
    Wait,
    Workload,
)
from borealis_server.domain.planning.pod_ratio import Bounds
from borealis_server.domain.states import DeploymentState, EventKind, StepKind, StepState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from borealis_server.ports.agents import AgentRecordStore
    from borealis_server.ports.directory import DirectoryStore
    from borealis_server.ports.identity import CredentialStore
    from borealis_server.ports.integrations import IntegrationStore
    from borealis_server.ports.previews import PreviewStore
    from borealis_server.ports.secrets import SecretStore
    from borealis_server.ports.store import DeploymentStore

NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


@dataclass(frozen=True)
class Stores:
    credentials: CredentialStore
    directories: DirectoryStore
    agents: AgentRecordStore
    deployments: DeploymentStore
    secrets: SecretStore
    integrations: IntegrationStore
    previews: PreviewStore


class Records:
    """Builds records that use every field."""

    def deployment(
        self,
        name: str = "one",
        *,
        tenant: str = "main",
        application: str = "shop",
        minutes: int = 0,
        state: DeploymentState = DeploymentState.RUNNING,
        request_id: str = "",
        digest: str = "",
        sequence: int = 1,
    ) -> Deployment:
        return Deployment(
            key=DeploymentKey(tenant=tenant, id=name),
            application=application,
            targets=(self.target(),),
            started_by="clients/abc",
            started_at=NOON + timedelta(minutes=minutes),
            readiness_timeout_s=90.5,
            description="Grüße an 東京",
            state=state,
            sequence=sequence,
            request_id=request_id,
            digest=digest,
        )

    def target(self) -> TargetRun:
        steps = (
            StepRun(ref="step-1", kind=StepKind.SET_WEIGHT, stage=1, weight_percent=25, state=StepState.SUCCEEDED),
            StepRun(
                ref="step-2",
                kind=StepKind.PAUSE,
                stage=2,
                until_approved=True,
                approval=Approval(by="clients/abc", at=NOON, comment="go"),
            ),
        )
        workload = Workload(
            name="web", namespace="shop", replicas=4, bounds=Bounds(max_surge=1, max_unavailable=0), new_name="web-1"
        )
        return TargetRun(
            name="prod",
            account="cluster-1",
            namespace="shop",
            depends_on=("staging",),
            steps=steps,
            workloads=(workload,),
            saved=(SavedObject(api_version="v1", kind="Service", name="web", before='{"a": "ü"}'),),
            wait=Wait(what="approval", since=NOON, ended_by="a person"),
            warnings=("careful",),
        )

    def event(self, sequence: int) -> Event:
        return Event(
            sequence=sequence,
            at=NOON,
            kind=EventKind.TARGET_CHANGED,
            message=f"event {sequence}",
            actor="borealis",
            deployment_state=DeploymentState.RUNNING,
            target="prod",
            target_run=self.target(),
        )

    def inputs(self) -> DeploymentInputs:
        return DeploymentInputs(
            deploy_file="version: v1\n",
            objects={"prod": ('{"kind": "Service"}',)},
            file_name="deploy.yaml",
            files={"k8s": (StoredFile(name="k8s/a.yaml", content="kind: Service\n"),)},
            application="shop",
            account="cluster-1",
            targets=("prod",),
            context={"a": "ü"},
        )


@pytest.fixture
def records() -> Records:
    return Records()


@asynccontextmanager
async def _sqlite_stores(file: Path) -> AsyncIterator[Stores]:
    async with open_database(file) as database:
        yield Stores(
            SqliteCredentialStore(database),
            SqliteDirectoryStore(database),
            SqliteAgentRecordStore(database),
            SqliteDeploymentStore(database),
            SqliteSecretStore(database),
            SqliteIntegrationStore(database),
            SqlitePreviewStore(database),
        )


@pytest.fixture(params=["memory", "sqlite"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    if request.param == "memory":
        credentials = MemoryCredentialStore()
        yield Stores(
            credentials,
            MemoryDirectoryStore(credentials),
            MemoryAgentRecordStore(),
            MemoryDeploymentStore(),
            MemorySecretStore(),
            MemoryIntegrationStore(),
            MemoryPreviewStore(),
        )
        return
    async with _sqlite_stores(tmp_path / "borealis.db") as opened:
        yield opened
