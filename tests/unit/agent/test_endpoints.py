"""Which addresses stand behind a port of a Service, by what the Kubernetes API says."""

from __future__ import annotations

import pytest

from borealis_agent.targets.endpoints import Endpoints, ready_endpoints

NOTHING = Endpoints(addresses=(), port=0)


def service(*ports):
    return {"spec": {"ports": [{"port": port, "name": name} if name else {"port": port} for port, name in ports]}}


def part(*addresses, port=8080, name="", ready=True, kind="IPv4"):
    conditions = {} if ready is None else {"ready": ready}
    return {
        "addressType": kind,
        "ports": [{"name": name, "port": port}],
        "endpoints": [{"addresses": [address], "conditions": conditions} for address in addresses],
    }


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        pytest.param([part("10.0.0.1", "10.0.0.2")], (("10.0.0.1", "10.0.0.2"), 8080), id="ready"),
        pytest.param([part("10.0.0.1"), part("10.0.0.1", "10.0.0.3")], (("10.0.0.1", "10.0.0.3"), 8080), id="slices"),
        pytest.param([part("10.0.0.1", ready=False), part("10.0.0.2")], (("10.0.0.2",), 8080), id="one-is-not-ready"),
        pytest.param([part("10.0.0.1", ready=None)], (("10.0.0.1",), 8080), id="unknown-counts-as-ready"),
        pytest.param([part("10.0.0.1", ready=False)], ((), 0), id="nobody-is-ready"),
        pytest.param([part("db.example.com", kind="FQDN")], ((), 0), id="names-are-no-addresses"),
        pytest.param([part("10.0.0.1", port=None)], ((), 0), id="every-port"),
        pytest.param([part("10.0.0.1", name="other")], ((), 0), id="another-port"),
        pytest.param([], ((), 0), id="no-slice"),
        pytest.param([{"addressType": "IPv4", "ports": None, "endpoints": None}], ((), 0), id="empty-slice"),
    ],
)
def test_ready_endpoints_of_a_port(slices, expected):
    addresses, port = expected

    assert ready_endpoints(service((80, "")), slices, 80) == Endpoints(addresses=addresses, port=port)


def test_the_port_is_found_by_its_name():
    slices = [part("10.0.0.1", port=9000, name="admin"), part("10.0.0.1", port=8080, name="http")]

    found = ready_endpoints(service((80, "http"), (81, "admin")), slices, 81)

    assert found == Endpoints(addresses=("10.0.0.1",), port=9000)


def test_a_service_without_the_port_leads_nowhere():
    assert ready_endpoints(service((80, "")), [part("10.0.0.1")], 81) == NOTHING
    assert ready_endpoints({}, [part("10.0.0.1")], 80) == NOTHING
