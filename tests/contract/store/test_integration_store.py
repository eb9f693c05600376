"""What every store of integrations does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from borealis_server.domain.errors import IntegrationExists, IntegrationNotFound, Stale
from borealis_server.domain.integration import (
    DatadogSettings,
    Integration,
    IntegrationName,
    NewRelicSettings,
    PrometheusSettings,
)

NOON = datetime(2026, 1, 1, 12, 0, 0, 654321, tzinfo=UTC)
SETTINGS = [
    PrometheusSettings(username="ü", password="{{secrets.a}}"),
    DatadogSettings(api_key="{{secrets.a}}", application_key="{{secrets.b}}"),
    NewRelicSettings(user_key="{{secrets.a}}", account_id=7),
]


def an_integration(name: str, *, tenant: str = "main", settings=SETTINGS[0]) -> Integration:
    return Integration(
        name=IntegrationName(tenant, name),
        url="https://metrics.example/prom",
        settings=settings,
        agent="cluster-1",
        created_at=NOON,
        updated_at=NOON,
        updated_by="somebody",
        revision=3,
    )


@pytest.fixture
def integrations(stores):
    return stores.integrations


@pytest.mark.parametrize("settings", SETTINGS)
async def test_what_is_added_comes_back_as_it_was(integrations, settings):
    await integrations.add_integration(an_integration("prom", settings=settings))

    assert await integrations.get_integration(IntegrationName("main", "prom")) == an_integration(
        "prom", settings=settings
    )


async def test_a_name_is_taken_once_in_a_tenant(integrations):
    await integrations.add_integration(an_integration("prom"))
    await integrations.add_integration(an_integration("prom", tenant="other"))

    with pytest.raises(IntegrationExists):
        await integrations.add_integration(an_integration("prom"))


async def test_pages_are_sorted_and_stay_in_the_tenant(integrations):
    for name in ("c", "a", "b"):
        await integrations.add_integration(an_integration(name))
    await integrations.add_integration(an_integration("d", tenant="other"))

    assert await integrations.list_integrations("main", after="", limit=2) == (an_integration("a"), an_integration("b"))
    assert await integrations.list_integrations("main", after="b", limit=2) == (an_integration("c"),)
    assert await integrations.integration_names("main") == {"a", "b", "c"}
    assert await integrations.integration_names("none") == frozenset()


async def test_a_change_sees_the_newest_state_and_is_kept(integrations):
    await integrations.add_integration(an_integration("prom"))
    name = IntegrationName("main", "prom")

    kept = await integrations.update_integration(name, lambda one: replace(one, revision=one.revision + 1))

    assert kept.revision == 4
    assert await integrations.get_integration(name) == kept


async def test_a_change_that_fails_leaves_everything_as_it_was(integrations):
    await integrations.add_integration(an_integration("prom"))
    name = IntegrationName("main", "prom")

    def refuse(_):
        raise Stale(name)

    with pytest.raises(Stale):
        await integrations.update_integration(name, refuse)
    assert await integrations.get_integration(name) == an_integration("prom")


async def test_what_is_not_there_is_named(integrations):
    name = IntegrationName("main", "prom")

    for call in (
        integrations.get_integration(name),
        integrations.remove_integration(name),
        integrations.update_integration(name, lambda one: one),
    ):
        with pytest.raises(IntegrationNotFound, match="no integration tenants/main/integrations/prom"):
            await call


async def test_what_is_removed_is_gone(integrations):
    await integrations.add_integration(an_integration("prom"))

    await integrations.remove_integration(IntegrationName("main", "prom"))

    assert await integrations.integration_names("main") == frozenset()
