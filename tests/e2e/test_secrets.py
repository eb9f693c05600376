"""Secrets as their owners use them: set by stdin, listed without values, deleted, and gone for everybody else."""

from __future__ import annotations

import json
from pathlib import Path

VALUE = 'a "value" that\nnobody may read\n'


async def test_a_secret_is_set_listed_and_deleted_and_never_shown(server_only):
    made = await server_only.cli("secret", "set", "ci-token", stdin=VALUE)
    again = await server_only.cli("secret", "set", "ci-token", "-o", "json", stdin=VALUE)
    listed = await server_only.cli("secret", "list")
    as_json = await server_only.cli("secret", "list", "-o", "json")
    rotated = await server_only.cli("secret", "rotate-key", "-o", "json")
    deleted = await server_only.cli("secret", "delete", "ci-token")
    gone = await server_only.cli("secret", "delete", "ci-token")

    assert [answer.code for answer in (made, again, listed, as_json, deleted)] == [0, 0, 0, 0, 0], made.err
    assert again.json()["name"] == "tenants/main/secrets/ci-token"
    assert listed.out.splitlines()[1].startswith("ci-token ")
    (secret,) = as_json.json()["secrets"]
    assert secret["updatedBy"] == "local-admin"
    assert rotated.json()["encrypted"] == 1
    assert rotated.json()["keyId"] != secret["keyId"]
    assert gone.code == 6
    answers = (made, again, listed, as_json, rotated, deleted, gone)
    assert not any("nobody may read" in answer.out + answer.err for answer in answers)
    store = b"".join(file.read_bytes() for file in (server_only.folder / "server").glob("borealis.db*"))
    log = (server_only.folder / "server.log").read_text()
    assert b"nobody may read" not in store
    assert "nobody may read" not in log


async def test_what_cannot_be_a_secret_is_refused_by_name(server_only):
    nothing = await server_only.cli("secret", "set", "empty", stdin="\n")
    bad_name = await server_only.cli("secret", "set", "no/name", "-o", "json", stdin="x")

    assert nothing.code != 0
    assert "must not be empty" in nothing.err
    assert "secret_id" in json.loads(bad_name.err)["error"]["message"]


async def test_no_command_takes_a_value_as_an_argument(server_only):
    answer = await server_only.cli("secret", "set", "ci-token", "the value")

    assert answer.code == 2
    assert "the value" not in answer.out


async def test_the_audit_is_exported_and_verified_with_and_without_the_server(server_only):
    await server_only.cli("secret", "set", "audited", stdin="never shown")
    listed = await server_only.cli("audit", "actions", "--limit", "1")
    file = str(server_only.folder / "audit.jsonl")
    written = await server_only.cli("audit", "export", "--out", file)
    exported = await server_only.cli("audit", "export")
    verified = await server_only.cli("audit", "verify")
    head = verified.out.split()[-1]
    offline = await server_only.cli("audit", "verify", file, "--head", head)
    cut = server_only.write("cut.jsonl", "".join(exported.out.splitlines(keepends=True)[:-1]))
    short = await server_only.cli("audit", "verify", cut, "--head", head)
    forged = server_only.write("forged.jsonl", exported.out.replace("SetSecret", "GetSecret"))
    wrong = await server_only.cli("audit", "verify", forged)

    assert listed.out.splitlines()[1].endswith("done")
    assert (written.code, Path(file).read_text()) == (0, exported.out)
    assert (verified.code, offline.code, offline.out) == (0, 0, verified.out)
    assert short.code == wrong.code == 16
    assert "which was kept elsewhere, is missing" in short.err
    assert "does not say what was written" in wrong.err
    assert "never shown" not in exported.out + listed.out
