"""Which addresses stand behind a port of a Service, by what the Kubernetes API says."""

from __future__ import annotations

import pytest

from borealis_agent.targets.endpoints import Found, ready_endpoints

NOTHING = Found(addresses=(), port=0)


def service(*ports):
    return {"spec": {"ports": [{"port": port, "name": name} if name else {"port": port} for port, name in ports]}}


def subset(*addresses, port=8080, name=""):
    ports = [{"name": name, "port": port} if name else {"port": port}]
    return {"addresses": [{"ip": address} for address in addresses], "ports": ports}


@pytest.mark.parametrize(
    ("subsets", "expected"),
    [
        pytest.param(
            [subset("10.0.0.1", "10.0.0.2")], Found(addresses=("10.0.0.1", "10.0.0.2"), port=8080), id="ready"
        ),
        pytest.param(
            [subset("10.0.0.1"), subset("10.0.0.1", "10.0.0.3")],
            Found(addresses=("10.0.0.1", "10.0.0.3"), port=8080),
            id="subsets",
        ),
        pytest.param(
            [subset("10.0.0.1", port=1), subset("10.0.0.2", "10.0.0.3", port=2)],
            Found(addresses=("10.0.0.2", "10.0.0.3"), port=2),
            id="most-pods-have-another-number",
        ),
        pytest.param(
            [{"notReadyAddresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 8080}]}],
            Found(addresses=(), port=8080),
            id="nobody-is-ready",
        ),
        pytest.param([subset("10.0.0.1", name="other")], NOTHING, id="another-port"),
        pytest.param([{"addresses": None, "ports": None}], NOTHING, id="empty"),
        pytest.param(None, NOTHING, id="none"),
    ],
)
def test_ready_endpoints_of_a_port(subsets, expected):
    assert ready_endpoints(service((80, "")), {"subsets": subsets}, 80) == expected


def test_the_port_is_found_by_its_name():
    endpoints = {"subsets": [subset("10.0.0.1", port=9000, name="admin"), subset("10.0.0.1", name="http")]}

    found = ready_endpoints(service((80, "http"), (81, "admin")), endpoints, 81)

    assert found == Found(addresses=("10.0.0.1",), port=9000)


def test_a_service_without_the_port_leads_nowhere():
    endpoints = {"subsets": [subset("10.0.0.1")]}

    assert ready_endpoints(service((80, "")), endpoints, 81) == NOTHING
    assert ready_endpoints({}, endpoints, 80) == NOTHING
