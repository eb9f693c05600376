import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.kubernetes.defaults import with_protocols


def a_pod_spec(*ports):
    return {"containers": [{"name": "web", "ports": list(ports)}], "initContainers": [{"name": "init"}]}


OPEN, CLOSED = {"containerPort": 80}, {"protocol": "TCP", "containerPort": 80}


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        pytest.param(
            {"kind": "Service", "spec": {"ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}]}},
            {"kind": "Service", "spec": {"ports": [{"protocol": "TCP", "port": 80}, {"port": 53, "protocol": "UDP"}]}},
            id="service-keeps-what-is-written",
        ),
        pytest.param(
            {"kind": "Service", "spec": {"type": "ExternalName"}},
            {"kind": "Service", "spec": {"type": "ExternalName"}},
            id="service-without-ports",
        ),
        pytest.param({"kind": "Pod", "spec": a_pod_spec(OPEN)}, {"kind": "Pod", "spec": a_pod_spec(CLOSED)}, id="pod"),
        pytest.param(
            {"kind": "DaemonSet", "spec": {"template": {"spec": a_pod_spec(OPEN)}}},
            {"kind": "DaemonSet", "spec": {"template": {"spec": a_pod_spec(CLOSED)}}},
            id="pod-template",
        ),
        pytest.param(
            {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": a_pod_spec(OPEN)}}}}},
            {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": a_pod_spec(CLOSED)}}}}},
            id="template-in-a-template",
        ),
        pytest.param(
            {"kind": "Pod", "spec": {"initContainers": [{"name": "a", "ports": [OPEN]}]}},
            {"kind": "Pod", "spec": {"initContainers": [{"name": "a", "ports": [CLOSED]}]}},
            id="init-containers-too",
        ),
        pytest.param(
            {"kind": "ConfigMap", "data": {"a": "b"}}, {"kind": "ConfigMap", "data": {"a": "b"}}, id="no-spec"
        ),
        pytest.param({"kind": "Thing", "spec": "text"}, {"kind": "Thing", "spec": "text"}, id="spec-is-no-map"),
        pytest.param(
            {"kind": "Thing", "spec": {"template": "text", "jobTemplate": {"spec": []}, "containers": ["text"]}},
            {"kind": "Thing", "spec": {"template": "text", "jobTemplate": {"spec": []}, "containers": ["text"]}},
            id="somebody-elses-kind-is-left-alone",
        ),
        pytest.param(
            {"kind": "Service", "spec": {"ports": ["http", {"port": 1}]}},
            {"kind": "Service", "spec": {"ports": ["http", {"protocol": "TCP", "port": 1}]}},
            id="a-port-that-is-no-map",
        ),
    ],
)
def test_ports_name_their_protocol_wherever_kubernetes_has_a_default(written, filled):
    assert with_protocols(written) == filled


@given(st.lists(st.fixed_dictionaries({"containerPort": st.integers(1, 9)}, optional={"protocol": st.just("UDP")})))
def test_filling_in_twice_is_filling_in_once_and_leaves_the_manifest_as_it_was(ports):
    manifest = {"kind": "Pod", "spec": a_pod_spec(*ports)}
    before = repr(manifest)

    once = with_protocols(manifest)

    assert with_protocols(once) == once
    assert repr(manifest) == before
