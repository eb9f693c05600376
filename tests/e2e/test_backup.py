"""A backup is taken while the server runs, and restored to another day: everything that was then goes on."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from kit.platform import Platform


@pytest.fixture
def platform_of_its_own(tmp_path):
    with Platform(tmp_path) as platform:
        yield platform


async def server_command(platform: Platform, *arguments: str) -> tuple[int, str]:
    """Exit status and output of the server's program."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "borealis_server",
        *("--data-dir", str(platform.folder / "server"), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={name: value for name, value in os.environ.items() if not name.startswith("BOREALIS_")},
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_a_backup_of_a_running_server_is_restored_with_its_secrets_and_its_audit(platform_of_its_own):
    platform, file = platform_of_its_own, platform_of_its_own.folder / "backup.db"
    await platform.cli("secret", "set", "early", stdin="1")

    backed_up = await server_command(platform, "--backup", str(file))
    await platform.cli("secret", "set", "late", stdin="2")
    head = (await platform.cli("audit", "verify")).out.split()[-1]
    refused = await server_command(platform, "--restore", str(file))
    assert platform.server
    platform.server.stop()
    restored = await server_command(platform, "--restore", str(file))
    platform.start_server()
    listed = await platform.cli("secret", "list", "-o", "json")
    rotated = await platform.cli("secret", "rotate-key", "-o", "json")
    whole = await platform.cli("audit", "verify")
    shorter = await platform.cli("audit", "verify", "--head", head)

    assert backed_up[0] == 0, backed_up[1]
    assert refused[0] == 1
    assert "another server" in refused[1]
    assert restored[0] == 0, restored[1]
    assert [secret["name"] for secret in listed.json()["secrets"]] == ["tenants/main/secrets/early"]
    assert (rotated.json()["encrypted"], rotated.json()["unreadable"]) == (1, [])
    assert whole.code == 0, whole.err
    assert shorter.code == 16, "the entries that the restored store has not are missed"
