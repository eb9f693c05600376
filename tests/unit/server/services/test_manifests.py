"""The shelf of manifests: read from the store once, and only so many kept."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from borealis_server.adapters.store.memory import MemoryDeploymentStore
from borealis_server.domain.deployment import DeploymentInputs, DeploymentKey
from borealis_server.domain.errors import DeploymentNotFound
from borealis_server.services.effects.manifests import ManifestShelf
from kit.delivery import a_deployment
from kit.manifests import config_map, deployment, service

FRESH = replace(a_deployment().deployment, sequence=0)


class CountingStore(MemoryDeploymentStore):
    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def inputs(self, key):
        self.reads += 1
        return await super().inputs(key)


async def a_shelf(*documents, deployments=1):
    store = CountingStore()
    inputs = DeploymentInputs(deploy_file="", objects={"prod": tuple(json.dumps(each) for each in documents)})
    for number in range(deployments):
        await store.insert(replace(FRESH, key=key(number), application=str(number)), inputs, ())
    return ManifestShelf(store), store


def key(number=0):
    return DeploymentKey(tenant="main", id=str(number))


async def test_deployments_are_kept_apart_and_the_others_stay_in_order():
    old_style = {**deployment("legacy"), "apiVersion": "example.com/v1"}
    placed = deployment("web")
    placed["metadata"]["namespace"] = "ns"
    shelf, _ = await a_shelf(config_map(), old_style, service(), placed)

    manifests = await shelf.of(key(), "prod")

    assert manifests.labels == ("ConfigMap settings", "Deployment legacy", "Service web")
    assert manifests.deployment_namespaces == {"ns"}
    assert manifests.deployment("ns", "web") == placed


@pytest.mark.parametrize(("namespace", "name"), [("ns", "other"), ("other", "web")])
async def test_a_deployment_that_is_not_among_them_is_a_key_error(namespace, name):
    shelf, _ = await a_shelf({**deployment(), "metadata": {"name": "web", "namespace": "ns"}})

    with pytest.raises(KeyError):
        (await shelf.of(key(), "prod")).deployment(namespace, name)


async def test_a_target_without_objects_has_none():
    shelf, _ = await a_shelf(config_map())

    assert (await shelf.of(key(), "qa")).labels == ()


async def test_manifests_are_read_once_and_the_shelf_stays_small():
    shelf, store = await a_shelf(config_map(), deployments=100)
    for _ in range(3):
        await shelf.of(key(99), "prod")
    assert store.reads == 1

    for number in range(100):
        assert (await shelf.of(key(number), "prod")).labels == ("ConfigMap settings",)

    assert len(shelf._kept) <= 64


async def test_a_deployment_that_does_not_exist_is_told():
    shelf, _ = await a_shelf()

    with pytest.raises(DeploymentNotFound):
        await shelf.of(key(7), "prod")
