"""Clients that are not ours: grpcurl (or buf curl) by reflection, and a script on the SDK's own gRPC stack."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from kit.shop import SET_25, deploy_file, manifests

pytestmark = pytest.mark.timeout(120)
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "clients" / "python" / "examples" / "deploy_and_follow.py"
SERVICES = (
    "borealis.agent.v1.AgentService",
    "borealis.deployment.v1.DeploymentService",
    "borealis.identity.v1.IdentityService",
    "borealis.tunnel.v1.TunnelService",
)


def grpcurl_path() -> str:
    found = subprocess.run([ROOT / "tests/tools/install-grpcurl.sh"], check=True, capture_output=True, text=True)
    return found.stdout.strip()


def run_curl(platform, *arguments: str, token: str = "") -> subprocess.CompletedProcess[str]:
    """`grpcurl` where it can be had, else `buf curl`; arguments: a symbol, or `list`."""
    program, ca, address = grpcurl_path(), platform.client["ca_file"], platform.address
    header = ["-H", f"authorization: Bearer {token}"] if token else []
    if program:
        command = [program, "-cacert", ca, *header, address, *arguments]
    else:
        url = f"https://{address}"
        target = ["--list-services", url] if arguments == ("list",) else [f"{url}/{arguments[0]}"]
        command = ["buf", "curl", "--protocol", "grpc", "--cacert", ca, *header, *target]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def a_token(platform) -> str:
    """From the token endpoint, as any OAuth client gets it."""
    client = platform.client
    form = {
        "grant_type": "client_credentials",
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
    }
    context = ssl.create_default_context(cafile=client["ca_file"])
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(f"{platform.web}/oauth/token", body, timeout=20, context=context) as answer:  # noqa: S310 - https
        return str(json.load(answer)["access_token"])


async def test_grpcurl_lists_the_services_only_with_a_token(server_only):
    refused = await asyncio.to_thread(run_curl, server_only, "list")
    token = await asyncio.to_thread(a_token, server_only)

    listed = await asyncio.to_thread(run_curl, server_only, "list", token=token)

    assert refused.returncode != 0
    assert "token" in refused.stderr.lower()
    assert listed.returncode == 0, listed.stderr
    assert set(SERVICES) <= set(listed.stdout.split())


async def test_grpcurl_calls_an_rpc_only_with_a_token(server_only):
    token = await asyncio.to_thread(a_token, server_only)

    answered = await asyncio.to_thread(
        run_curl, server_only, "borealis.deployment.v1.DeploymentService/ListDeployments", token=token
    )
    refused = await asyncio.to_thread(
        run_curl, server_only, "borealis.deployment.v1.DeploymentService/ListDeployments", token="forged"
    )

    assert answered.returncode == 0, answered.stderr
    assert json.loads(answered.stdout) == {}
    assert refused.returncode != 0


async def test_the_sdk_example_starts_a_deployment_and_follows_it_to_its_end(platform, kube_namespace):
    platform.write("shop.yaml", manifests("1"))
    path = platform.write("deploy.yaml", deploy_file(kube_namespace, SET_25))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        EXAMPLE,
        path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=platform.environment(),
    )

    async with asyncio.timeout(60):
        out, _ = await process.communicate()

    assert process.returncode == 0, out.decode()
    assert "SUCCEEDED" in out.decode()
