"""Deploy files, manifests and bodies by their address: fetched, checked and sent like files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import borealis_client
from borealis_client import SettingsError, gather
from kit import web as kit
from kit.web import serving

if TYPE_CHECKING:
    from pathlib import Path

    from kit.scripted_server import ScriptedServer

ALLOW = "--allow-private-addresses"


@pytest.fixture
def web(deploy_file: Path):
    """The deploy file and its manifest, as a server answers them."""
    with serving() as running:
        running.answers = {
            "/team/deploy.yaml?key=hidden": kit.text(deploy_file.read_text()),
            "/team/manifests/web.yaml": kit.text((deploy_file.parent / "manifests" / "web.yaml").read_text()),
            "/page": kit.text("<html>", kind="text/html"),
        }
        yield running


def test_a_deploy_file_by_its_address_starts_the_same(cli, server: ScriptedServer, web, deploy_file: Path):
    """DF-20"""
    assert cli("deploy", "-f", f"{web.root}/team/deploy.yaml?key=hidden", ALLOW).code == 0
    assert cli("deploy", "-f", str(deploy_file)).code == 0

    by_address, by_path = server.called("StartDeployment")
    assert by_address.deploy_file == by_path.deploy_file
    assert by_address.deploy_file_name == f"{web.root}/team/deploy.yaml"
    assert [(one.path, one.content) for one in by_address.manifest_files] == [
        (one.path, one.content) for one in by_path.manifest_files
    ]
    assert by_address.manifest_files[0].name == f"{web.root}/team/manifests/web.yaml"


def test_its_plan_is_the_same_too(offline, web, deploy_file: Path):
    by_address = offline("plan", "-f", f"{web.root}/team/deploy.yaml?key=hidden", ALLOW, "-o", "json")

    assert by_address.out == offline("plan", "-f", str(deploy_file), "-o", "json").out


def test_manifests_and_bodies_of_a_file_on_disk_may_be_addresses(cli, server: ScriptedServer, web, deploy_file: Path):
    web.answers["/w.json"] = kit.text('{"a": 1}')
    address = f"{web.root}/team/manifests/web.yaml"
    hook = f"webhooks: [{{name: w, uriTemplate: 'https://a.example', bodyTemplate: {{path: '{web.root}/w.json'}}}}]\n"
    deploy_file.write_text(deploy_file.read_text().replace("manifests/web.yaml", address) + hook)

    assert cli("deploy", "-f", str(deploy_file), ALLOW).code == 0

    (request,) = server.called("StartDeployment")
    assert [one.path for one in request.manifest_files] == [address, f"{web.root}/w.json"]


def test_private_machines_are_refused_with_the_way_to_allow_them(offline, web, deploy_file: Path, monkeypatch):
    deploy_file.write_text(deploy_file.read_text().replace("manifests/web.yaml", f"{web.root}/team/manifests/web.yaml"))

    refused = offline("validate", "-f", str(deploy_file))
    whole = offline("validate", "-f", f"{web.root}/team/deploy.yaml?key=hidden")

    assert (refused.code, whole.code) == (7, 2)
    for outcome in (refused, whole):
        assert "127.0.0.1 is a loopback address" in outcome.err
        assert "--allow-private-addresses" in outcome.err
        assert "hidden" not in outcome.err
    assert web.asked == []
    monkeypatch.setenv("BOREALIS_ALLOW_PRIVATE_ADDRESSES", "1")
    assert offline("validate", "-f", str(deploy_file)).code == 0


def test_what_cannot_be_fetched_is_a_fault_at_its_path(offline, web, deploy_file: Path):
    names = [f"{web.root}/{name}" for name in ("gone.yaml?key=hidden", "page")]
    deploy_file.write_text(
        deploy_file.read_text().replace("- path: manifests/web.yaml", f"- path: {names[0]}\n  - path: {names[1]}")
    )

    outcome = offline("validate", "-f", str(deploy_file), ALLOW)

    assert outcome.code == 7
    assert f"{deploy_file}:18:11" in outcome.err
    assert f"{web.root}/gone.yaml cannot be fetched: it answers 404 Not Found" in outcome.err
    assert "name the address of the raw file" in outcome.err
    assert "hidden" not in outcome.err.replace(deploy_file.read_text().splitlines()[17], "")
    assert outcome.err.count("error[MANIFEST_NOT_FOUND]") == 2


def test_a_folder_beside_an_address_cannot_be_read(offline, web):
    web.answers["/d.yaml"] = kit.text(
        "application: a\ntargets: {qa: {account: c, namespace: n}}\nmanifests: [{path: k8s/}]\n"
    )

    outcome = offline("validate", "-f", f"{web.root}/d.yaml", ALLOW)

    assert outcome.code == 7
    assert f"{web.root}/k8s/ cannot be fetched" in outcome.err
    assert "name single files" in outcome.err


def test_a_deploy_file_that_cannot_be_fetched_is_named_without_its_key(offline, web):
    outcome = offline("plan", "-f", f"{web.root}/none.yaml?key=hidden", ALLOW)

    assert outcome.code == 2
    assert f"cannot fetch the deploy file {web.root}/none.yaml: it answers 404 Not Found." in outcome.err
    assert "hidden" not in outcome.err


def test_passwords_in_an_address_are_refused(offline, web):
    outcome = offline("plan", "-f", web.root.replace("://", "://ana:hunter2@") + "/x.yaml", ALLOW)

    assert outcome.code == 2
    assert "may not hold a user or a password" in outcome.err
    assert "hunter2" not in outcome.err


def test_everything_together_stays_within_what_a_server_takes(web, deploy_file: Path):
    part = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n#" + "x" * (9 * 2**20)
    for name in ("a", "b"):
        web.answers[f"/{name}.yaml"] = kit.text(part.replace("NAME", name))
    entries = f"- path: {web.root}/a.yaml\n  - path: {web.root}/b.yaml"
    deploy_file.write_text(deploy_file.read_text().replace("- path: manifests/web.yaml", entries))

    (fault,) = gather(deploy_file, allows_private=True).faults

    assert "b.yaml cannot be fetched: it has more than" in fault.message


async def test_the_sdk_starts_from_an_address(server: ScriptedServer, environment, web, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    async with borealis_client.connect() as borealis:
        address = f"{web.root}/team/deploy.yaml?key=hidden"
        await borealis.deployments.start(address, allows_private=True)
        with pytest.raises(SettingsError, match="not public"):
            await borealis.deployments.start(address)

    assert len(server.called("StartDeployment")) == 1
