"""What is wrong is said, all at once, with what to do; and nothing is started."""

from __future__ import annotations

import json
import time
from textwrap import dedent

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kit.shop import SET_25, deploy_file, manifests

GOOD = deploy_file("shop", SET_25)

CASES = [
    pytest.param("targets: [\n", ["SYNTAX"], id="broken YAML"),
    pytest.param(
        GOOD.replace("strategy: careful", "stratgey: careful"), ["UNKNOWN_FIELD", "strategy"], id="unknown field"
    ),
    pytest.param(GOOD.replace("strategy: careful", "strategy: bold"), ["UNKNOWN_STRATEGY", "careful"], id="strategy"),
    pytest.param(
        GOOD.replace("strategy: careful}", "strategy: careful, constraints: {dependsOn: [prod]}}"),
        ["DEPENDENCY_CYCLE", "prod"],
        id="cycle",
    ),
    pytest.param(GOOD.replace("shop.yaml", "nowhere.yaml"), ["nowhere.yaml"], id="missing manifest"),
    pytest.param(
        GOOD.replace("account: cluster-1", "account: cluster-9"), ["UNKNOWN_ACCOUNT", "cluster-9"], id="account"
    ),
]


@pytest.mark.parametrize(("text", "words"), CASES)
async def test_a_faulty_file_is_refused_with_its_place_and_starts_nothing(server_only, text, words):
    server_only.write("shop.yaml", manifests("1"))
    path = server_only.write("deploy.yaml", text)

    answer = await server_only.cli("deploy", "-f", path)

    assert answer.code == 7, answer.err
    assert answer.out == ""
    assert "deploy.yaml:" in answer.err
    for word in words:
        assert word in answer.err
    assert (await server_only.cli("list", "-o", "json")).json()["deployments"] == []


async def test_all_faults_come_at_once_with_line_and_column(server_only):
    text = dedent("""\
        application: shop
        colour: blue
        targets:
          prod: {account: c, namespace: shop, strategy: bold}
        manifests:
          - inline: ""
        strategies:
          careful: {canary: {steps: [setWeight: {weight: 101}]}}
        """)
    path = server_only.write("faulty.yaml", text)

    answer = await server_only.cli("deploy", "-f", path)

    assert answer.code == 7
    for place in ("faulty.yaml:2:1", "faulty.yaml:4:", "faulty.yaml:6:", "faulty.yaml:8:"):
        assert place in answer.err, answer.err


async def test_a_deployment_that_does_not_exist_is_not_found(server_only):
    answer = await server_only.cli("status", "nosuchdeploy")

    assert answer.code == 6
    assert "nosuchdeploy" in answer.err


def forged(claims: dict[str, object]) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": "stranger"})


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(forged({"sub": "clients/admin", "exp": time.time() + 600}), id="forged"),
        pytest.param(forged({"sub": "clients/admin", "exp": time.time() - 600}), id="expired"),
        pytest.param(jwt.encode({"sub": "clients/admin"}, "", algorithm="none"), id="unsigned"),
        pytest.param("nonsense", id="nonsense"),
    ],
)
async def test_a_token_that_is_not_ours_is_refused(server_only, token):
    answer = await server_only.cli("list", env={"BOREALIS_TOKEN": token})

    assert answer.code == 4, answer.err
    assert "token" in answer.err


async def test_an_agent_with_a_wrong_credential_says_so_and_stays_out(server_only, real_api):
    made = await server_only.cli("agent", "create", "outsider", "--out", str(server_only.folder / "outsider.json"))
    assert made.code == 0, made.err
    file = server_only.folder / "outsider.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "client_secret": "wrong"}))

    server_only.start_agent("outsider", real_api.kubeconfig)
    agent = server_only.agents["outsider"]
    agent.wait_until(lambda: "refused" in agent.log_tail(), what="refusal in its log", limit_s=20)

    assert "credential" in agent.log_tail()
    assert agent.exit_code is None
    assert (await server_only.agent("outsider"))["state"] == "STATE_DISCONNECTED"
    agent.stop()


async def test_an_unreachable_control_plane_is_named(server_only):
    answer = await server_only.cli("list", env={"BOREALIS_SERVER": "localhost:1", "BOREALIS_TOKEN": "any"})

    assert answer.code == 14
    assert "localhost:1" in answer.err
