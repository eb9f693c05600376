"""Exceptions from the rules of security have reasons, and the locked dependencies are looked at."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("server", "agent", "clients", "protos/wire", "protos/deployfile", "protos/fetch", "tests")
EXCEPTION = re.compile(r"# (?:ruff: )?noqa: [A-Z0-9, ]*\bS\d{3}\b(.*)")


def audit(*arguments: str, url: str = "http://127.0.0.1:1") -> tuple[int, str]:
    """Exit status and output of the audit; nobody answers at `url` unless a test makes it so."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests/house/audit.py", *arguments],
        env={"BOREALIS_AUDIT_URL": url, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_every_exception_from_a_rule_of_security_says_why():
    bare = [
        f"{file.relative_to(ROOT)}:{number}"
        for folder in SOURCES
        for file in (ROOT / folder).rglob("*.py")
        if "node_modules" not in file.parts
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if (found := EXCEPTION.search(line)) and len(found[1].strip(" -")) < 3
    ]

    assert bare == []


def test_the_rules_of_security_are_on():
    settings = (ROOT / "pyproject.toml").read_text()
    ignored = settings.partition("ignore = [")[2].partition("\n]")[0]

    assert 'select = ["ALL"]' in settings
    assert re.findall(r'"S\d+"', ignored) == []


def test_nothing_in_the_lock_has_an_advisory_on_file_and_an_unreachable_database_is_told():
    code, told = audit()

    assert code == 0, told
    assert "the OSV database was not asked" in told
    assert audit("--online")[0] == 2


def test_a_version_with_an_advisory_on_file_fails(tmp_path):
    lock = tmp_path / "old.lock"
    lock.write_text("h11==0.14.0 \\\n    --hash=sha256:00\nPyYAML==6.0.2\n")

    code, told = audit("--lock", str(lock))

    assert code == 1
    assert "h11 0.14.0: CVE-2025-43859" in told
    assert "take 0.16.0 or newer" in told
    assert "pyyaml" not in told


@pytest.fixture
def database():
    """A database that knows something about h11."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            results = [{"vulns": [{"id": "OSV-1"}]} if one["package"]["name"] == "h11" else {} for one in queries]
            body = json.dumps({"results": results}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_the_database_knows_fails(database):
    code, told = audit("--online", url=database)

    assert code == 1
    assert re.search(r"h11 [\d.]+: OSV-1", told)
    assert "was not asked" not in told
