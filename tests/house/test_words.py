"""What the files of the project say: nothing of one machine, no loose ends, links that last."""

from __future__ import annotations

import re

LASTING_HOSTS = {
    "api.osv.dev",
    "127.0.0.1",
    "api.datadoghq.com",
    "api.newrelic.com",
    "creativecommons.org",
    "cloud.armory.io",  # in the name of a claim that tools of the reference platform look for
    "cloud.google.com",
    "datatracker.ietf.org",
    "github.com",
    "google.aip.dev",
    "grpc.io",
    "json-schema.org",
    "keepachangelog.com",
    "kubernetes.io",
    "localhost",
    "semver.org",
    "www.apache.org",
    "www.rfc-editor.org",
}
_URL = re.compile(r"https?://(\[[0-9a-f:]+\]|[A-Za-z0-9.-]+)")
_SLASH = "/"  # this file must not contain what it looks for
_MACHINE = re.compile(rf"(?<![\w.~$}}-]){_SLASH}(?:root|work|home{_SLASH}\w+|Users{_SLASH}\w+){_SLASH}\w")
_LOOSE_END = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|HA" r"CK)\b(?!\(?[^\n]{0,20}#\d+)")


def places(repository, pattern):
    """`path:line text` of everything that `pattern` finds."""
    return [
        f"{path}:{number} {line.strip()[:120]}"
        for path, text in repository.texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_file_names_a_path_of_one_machine(repository):
    assert places(repository, _MACHINE) == []


def test_a_loose_end_names_its_issue(repository):
    assert places(repository, _LOOSE_END) == []


def test_links_go_to_places_that_last(repository):
    """Anything else is an example name, a name of one machine, or an address that belongs into a setting."""
    found = {
        (path, host)
        for path, text in repository.texts()
        for host in _URL.findall(text)
        if host not in LASTING_HOSTS and not _is_example(host)
    }

    assert found == set()


def _is_example(host):
    reserved = host.endswith((".example", "example.com", "example.org", ".test", ".invalid", ".svc", ".localhost"))
    return reserved or "." not in host


def test_the_lock_has_hashes_and_no_addresses(repository):
    lock = (repository.root / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9][^\s]*==[^\s]+", lock, re.MULTILINE)

    assert len(pins) > 50
    assert lock.count("--hash=sha256:") >= len(pins)
    assert "//" not in lock
    assert "index" not in lock
