"""The server's certificate: made, renewed, and read from files."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from borealis_server.adapters.pki import open_given_certificate, open_own_certificate
from borealis_server.domain.startup import StartRefusedError

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOSTS = ("localhost", "127.0.0.1", "::1", "hub.example.com")


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def certificate_in(file: Path | None):
    assert file is not None
    return x509.load_pem_x509_certificate(file.read_bytes())


def test_a_certificate_names_every_host_and_was_issued_by_the_authority(tmp_path):
    made = open_own_certificate(tmp_path, HOSTS, NOON)

    certificate = certificate_in(made.certificate_file)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    certificate.verify_directly_issued_by(certificate_in(made.authority_file))
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "hub.example.com"]
    assert set(names.get_values_for_type(x509.IPAddress)) == {
        ipaddress.ip_address("127.0.0.1"),
        ipaddress.ip_address("::1"),
    }
    assert made.expires_at == certificate.not_valid_after_utc == NOON + timedelta(days=365)


def test_everything_is_its_owners_alone(tmp_path):
    open_own_certificate(tmp_path / "tls", HOSTS, NOON)

    assert all(file.stat().st_mode & 0o077 == 0 for file in (tmp_path / "tls").iterdir())


@pytest.mark.parametrize("days", [0, 1, 334])
def test_a_good_certificate_is_kept(tmp_path, days):
    open_own_certificate(tmp_path, HOSTS, NOON)
    before = contents(tmp_path)

    open_own_certificate(tmp_path, HOSTS, NOON + timedelta(days=days))

    assert contents(tmp_path) == before


@pytest.mark.parametrize("days", [335, 364, 400])
def test_a_certificate_is_renewed_30_days_before_its_end_by_the_same_authority(tmp_path, days):
    open_own_certificate(tmp_path, HOSTS, NOON)
    before = contents(tmp_path)
    later = NOON + timedelta(days=days)

    renewed = open_own_certificate(tmp_path, HOSTS, later)

    after = contents(tmp_path)
    assert renewed.expires_at == later + timedelta(days=365)
    assert {name for name in after if after[name] != before[name]} == {"server.pem", "server.key"}


def test_another_list_of_hosts_makes_another_certificate(tmp_path):
    open_own_certificate(tmp_path, HOSTS, NOON)
    before = contents(tmp_path)

    open_own_certificate(tmp_path, (*HOSTS, "new.example.com"), NOON)

    after = contents(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"server.pem", "server.key"}


@pytest.mark.parametrize("damaged", ["server.pem", "server.key"])
def test_a_damaged_pair_is_replaced(tmp_path, damaged):
    open_own_certificate(tmp_path, HOSTS, NOON)
    (tmp_path / damaged).write_text("damaged")

    made = open_own_certificate(tmp_path, HOSTS, NOON)

    open_given_certificate(made.certificate_file, made.key_file, made.authority_file, NOON)


def test_a_certificate_of_a_lost_authority_is_replaced(tmp_path):
    open_own_certificate(tmp_path, HOSTS, NOON)
    (tmp_path / "ca.key").unlink()

    made = open_own_certificate(tmp_path, HOSTS, NOON)

    certificate_in(made.certificate_file).verify_directly_issued_by(certificate_in(made.authority_file))


def test_a_damaged_authority_is_not_replaced_in_silence(tmp_path):
    open_own_certificate(tmp_path, HOSTS, NOON)
    (tmp_path / "server.pem").unlink()
    (tmp_path / "ca.key").write_text("damaged")

    with pytest.raises(StartRefusedError, match="backup"):
        open_own_certificate(tmp_path, HOSTS, NOON)


def test_an_authority_with_another_ones_key_is_refused(tmp_path):
    open_own_certificate(tmp_path / "one", HOSTS, NOON)
    open_own_certificate(tmp_path / "two", HOSTS, NOON)
    (tmp_path / "one" / "server.pem").unlink()
    (tmp_path / "one" / "ca.key").write_bytes((tmp_path / "two" / "ca.key").read_bytes())

    with pytest.raises(StartRefusedError, match="is not the key of"):
        open_own_certificate(tmp_path / "one", HOSTS, NOON)


def test_given_files_are_taken_as_they_are(tmp_path):
    made = open_own_certificate(tmp_path, HOSTS, NOON)

    given = open_given_certificate(made.certificate_file, made.key_file, None, NOON)

    assert given.authority_file is None
    assert given.certificate_file == made.certificate_file


def test_given_files_that_do_not_belong_together_are_refused(tmp_path):
    one = open_own_certificate(tmp_path / "one", HOSTS, NOON)
    two = open_own_certificate(tmp_path / "two", HOSTS, NOON)

    with pytest.raises(StartRefusedError, match="is not the private key of"):
        open_given_certificate(one.certificate_file, two.key_file, None, NOON)


@pytest.mark.parametrize("when", [NOON - timedelta(days=1), NOON + timedelta(days=365)], ids=["early", "late"])
def test_a_given_certificate_that_is_not_valid_now_is_refused(tmp_path, when):
    made = open_own_certificate(tmp_path, HOSTS, NOON)

    with pytest.raises(StartRefusedError, match="valid now"):
        open_given_certificate(made.certificate_file, made.key_file, None, when)
