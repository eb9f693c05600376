"""The command line logs people in, keeps what it got to itself, and leaves nothing behind in CI."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIMIT_S = 60


@dataclass
class Terminal:
    """A person's account on a machine."""

    home: Path
    site: Any

    @property
    def folder(self) -> Path:
        return self.home / ".config" / "borealis"

    def environment(self, extra):
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {**kept, "HOME": str(self.home), "NO_COLOR": "1", "BOREALIS_KEYRING": "off", **extra}

    @asynccontextmanager
    async def started(self, *arguments, **extra):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "borealis_cli",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment(extra),
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def run(self, *arguments, **extra):
        """Exit code, output, and the rest."""
        async with self.started(*arguments, **extra) as process, asyncio.timeout(LIMIT_S):
            out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    async def ended(self, process, shown=""):
        async with asyncio.timeout(LIMIT_S):
            out, err = await process.communicate()
        assert process.returncode == 0, shown + err.decode()
        return out.decode()

    def where(self):
        """What leads to the server."""
        site = self.site
        return [f"localhost:{site.running.grpc_port}", "--web", site.issuer, "--ca-file", str(site.ca_file)]

    async def log_in(self, browser, *options):
        """By a browser on the same machine; what the command says."""
        async with self.started("login", *self.where(), "--no-browser", *options, DISPLAY=":0") as process:
            address = await until(process, r"(https://\S+)")
            page = await browser.get(address)
            back = await browser.submit(page, "/oauth/authorize/decision", ("decision", "allow"))
            async with aiohttp.ClientSession() as session, session.get(back.url) as response:
                assert "Go back to your terminal" in await response.text()
            return await self.ended(process)

    def expire(self):
        """Let the kept access token be over."""
        file = self.folder / "credentials.json"
        kept = json.loads(file.read_text())
        for tokens in kept.values():
            tokens["expires_at"] = 0
        file.write_text(json.dumps(kept))


async def until(process, pattern):
    """What the pattern finds on standard error, once it is there."""
    seen = ""
    async with asyncio.timeout(LIMIT_S):
        while not (found := re.search(pattern, seen)):
            line = await process.stderr.readline()
            assert line, f"ended before {pattern}: {seen}"
            seen += line.decode()
    return found[1]


@pytest.fixture
def terminal(site, tmp_path):
    return Terminal(tmp_path / "home", site)


async def test_a_person_logs_in_with_a_browser_and_out_again(terminal, ana):
    welcome = await terminal.log_in(ana)
    assert "Welcome Ana Lopez of Shop, in the tenant main." in welcome

    code, out, err = await terminal.run("whoami")
    assert (code, "Ana Lopez" in out) == (0, True), err
    code, out, _ = await terminal.run("context", "list", "-o", "json")
    (context,) = json.loads(out)["contexts"]
    assert (context["name"], context["isCurrent"], context["user"]) == ("localhost", True, "Ana Lopez")

    kept = json.loads((terminal.folder / "credentials.json").read_text())["localhost"]["refresh_token"]
    code, out, err = await terminal.run("logout", "--yes")
    assert (code, "logged out" in out, err) == (0, True, "")
    form = {"grant_type": "refresh_token", "client_id": "borealis-cli", "refresh_token": kept}
    status, body = await terminal.site.post("/oauth/token", form)
    assert (status, body["error"]) == (400, "invalid_grant")
    code, out, err = await terminal.run("whoami")
    assert code == 4
    assert "borealis server" in err
    assert (await terminal.run("logout"))[:2] == (0, "not logged in; nothing to do\n")


async def test_cl_06_what_is_kept_is_its_owners_alone_and_folders_are_made(terminal, ana):
    await terminal.log_in(ana)

    assert terminal.folder.stat().st_mode & 0o777 == 0o700
    for name in ("credentials.json", "contexts.json"):
        assert (terminal.folder / name).stat().st_mode & 0o777 == 0o600
    assert "token" not in (terminal.folder / "contexts.json").read_text()


async def test_ia_02_a_person_logs_in_with_a_browser_on_another_machine(terminal, ana):
    async with terminal.started("login", *terminal.where(), "--device") as process:
        code = await until(process, r"type the code\s+(\S+)")
        page = await ana.get(f"{terminal.site.issuer}/device")
        page = await ana.submit(page, "/device", user_code=code.lower())
        page = await ana.submit(page, "/device/decision", ("decision", "allow"))
        assert page.title == "Done", page.text
        out = await terminal.ended(process)

    assert "Welcome Ana Lopez" in out
    assert "Ana Lopez" in (await terminal.run("whoami"))[1]


async def test_over_ssh_the_device_code_is_chosen_by_itself(terminal):
    async with terminal.started("login", *terminal.where(), SSH_CONNECTION="x", DISPLAY=":0") as process:
        assert await until(process, r"type the code\s+(\S+)")


async def test_ia_03_a_login_changes_its_tenant_without_a_browser(terminal, ana):
    await terminal.log_in(ana)
    before = json.loads((await terminal.run("whoami", "-o", "json"))[1])["tenant"]
    code, _, err = await terminal.run("tenant", "create", "payments")
    assert code == 0, err

    code, out, err = await terminal.run("login", *terminal.where(), "--tenant", "payments")
    assert (code, "in the tenant payments" in out) == (0, True), err
    after = json.loads((await terminal.run("whoami", "-o", "json"))[1])["tenant"]
    assert after != before
    code, _, err = await terminal.run("login", *terminal.where(), "--tenant", "nowhere")
    assert code == 4
    assert "main, payments" in err


async def test_many_processes_renew_a_token_once(terminal, ana):
    await terminal.log_in(ana)
    for _ in range(2):
        terminal.expire()
        async with asyncio.TaskGroup() as group:
            runs = [group.create_task(terminal.run("whoami")) for _ in range(4)]
        assert [run.result()[0] for run in runs] == [0] * 4, [run.result()[2] for run in runs]


async def test_a_login_that_has_ended_says_how_to_begin_anew(terminal, ana):
    await terminal.log_in(ana)
    page = await ana.get(f"{terminal.site.issuer}/account")
    while "/account/sessions" in page.text:
        page = await ana.submit(page, "/account/sessions")
    terminal.expire()

    code, _, err = await terminal.run("whoami")

    assert code == 4
    assert "borealis login localhost" in err


async def test_refusing_in_the_browser_ends_the_command(terminal, ana):
    async with terminal.started("login", *terminal.where(), "--no-browser", DISPLAY=":0") as process:
        page = await ana.get(await until(process, r"(https://\S+)"))
        back = await ana.submit(page, "/oauth/authorize/decision", ("decision", "deny"))
        async with aiohttp.ClientSession() as session, session.get(back.url):
            pass
        async with asyncio.timeout(LIMIT_S):
            _, err = await process.communicate()

    assert process.returncode == 4
    assert "the person refused" in err.decode()


async def test_cl_05_in_ci_nobody_logs_in_and_nothing_is_left_behind(terminal):
    site = terminal.site
    where = {
        "CI": "true",
        "BOREALIS_SERVER": f"localhost:{site.running.grpc_port}",
        "BOREALIS_CA_FILE": str(site.ca_file),
    }
    who = {
        "BOREALIS_CLIENT_ID": site.running.client.client_id,
        "BOREALIS_CLIENT_SECRET": site.running.client.client_secret,
    }
    terminal.home.mkdir()

    code, out, err = await terminal.run("whoami", **where, **who)
    assert (code, "local-admin" in out) == (0, True), err
    code, _, err = await terminal.run("whoami", **where)
    assert code == 4
    assert "BOREALIS_CLIENT_ID" in err
    assert "BOREALIS_TOKEN" in err
    code, _, err = await terminal.run("login", *terminal.where(), **where)
    assert code == 2
    assert "CI" in err
    assert list(terminal.home.rglob("*")) == []


async def test_who_is_invited_opens_the_link_and_logs_in(terminal, browser):
    site = terminal.site
    local = {"BOREALIS_CONTEXT_FILE": str(site.running.client_file)}
    asked = ("invitation", "create", "vera@home.example", "Deployments Full Access", "--name", "Vera")
    code, link, err = await terminal.run(*asked, **local)
    assert code == 0, err
    page = await browser.get(link.strip())
    assert "vera@home.example" in page.text
    page = await browser.submit(page, page.forms[0].action, password="correct horse battery staple")
    page = await browser.set_up(page, "vera@home.example")
    assert (page.path, page.title) == ("/account", "Vera")

    assert "Welcome Vera of Home" in await terminal.log_in(browser)
    assert (await browser.get(link.strip())).status == 404
