"""Certificates: our own little authority for installations without one, or files that somebody gives.

Owns making, renewing and checking the server's certificate. TLS itself is the doors' business.
"""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from borealis_server.adapters import private_files
from borealis_server.domain.startup import StartRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_AUTHORITY_LIFETIME = timedelta(days=3650)
_LEAF_LIFETIME = timedelta(days=365)
_RENEW_BEFORE_END = timedelta(days=30)
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCertificate:
    """What the server shows, and what its clients need to trust it."""

    certificate_file: Path
    """PEM of the certificate and whatever leads from it to the authority."""
    key_file: Path
    """PEM of its private key."""
    authority_file: Path | None
    """PEM of the authority that clients must trust; None when it is one that systems trust anyway."""
    expires_at: datetime
    """When the certificate ends."""


def open_own_certificate(directory: Path, host_names: Sequence[str], now: datetime) -> ServerCertificate:
    """A certificate for `host_names` from the authority in `directory`; both are made when missing.

    The certificate is renewed when it ends within 30 days or names other hosts; the authority stays, so clients go on
    trusting the server.
    """
    authority_file, authority_key_file = directory / "ca.pem", directory / "ca.key"
    if not authority_file.exists() or not authority_key_file.exists():
        _make_authority(authority_file, authority_key_file, now)
    certificate_file, key_file = directory / "server.pem", directory / "server.key"
    if not _is_usable(certificate_file, key_file, authority_file, host_names, now):
        authority = _Authority.read(authority_file, authority_key_file)
        _make_leaf(authority, certificate_file, key_file, host_names, now)
    return ServerCertificate(
        certificate_file=certificate_file,
        key_file=key_file,
        authority_file=authority_file,
        expires_at=_read_certificate(certificate_file).not_valid_after_utc,
    )


def open_given_certificate(
    certificate_file: Path, key_file: Path, authority_file: Path | None, now: datetime
) -> ServerCertificate:
    """The certificate in files that somebody else looks after.

    Errors: StartRefusedError when they cannot be used together, or the certificate is not valid now.
    """
    certificate = _read_certificate(certificate_file)
    private_files.read(key_file)
    if authority_file is not None:
        _read_certificate(authority_file)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate_file, key_file, password="")
    except (ssl.SSLError, OSError) as error:
        raise StartRefusedError(f"{key_file} is not the private key of {certificate_file}") from error
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise StartRefusedError(
            f"{certificate_file} is valid from {certificate.not_valid_before_utc:%Y-%m-%d} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d} only: give a certificate that is valid now"
        )
    return ServerCertificate(
        certificate_file=certificate_file.resolve(),
        key_file=key_file.resolve(),
        authority_file=authority_file.resolve() if authority_file else None,
        expires_at=certificate.not_valid_after_utc,
    )


@dataclass(frozen=True, slots=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def read(cls, certificate_file: Path, key_file: Path) -> _Authority:
        certificate = _read_certificate(certificate_file)
        try:
            key = serialization.load_pem_private_key(private_files.read(key_file), password=None)
        except ValueError as error:
            raise StartRefusedError(f"{key_file} holds no private key: restore it from a backup") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise StartRefusedError(f"{key_file} is not the key of {certificate_file}: restore both from a backup")
        return cls(certificate, key)


def _make_authority(certificate_file: Path, key_file: Path, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Borealis local authority {now:%Y-%m-%d}")])
    builder = (
        _builder(name, name, key.public_key(), now, _AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(is_authority=True), critical=True)
    )
    private_files.write(key_file, _pem(key))
    private_files.write(certificate_file, builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def _make_leaf(
    authority: _Authority, certificate_file: Path, key_file: Path, host_names: Sequence[str], now: datetime
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host_names[0][:64])])
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = (
        _builder(subject, authority.certificate.subject, key.public_key(), now, _LEAF_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in host_names]), critical=False)
        .add_extension(issuer_key, critical=False)
    )
    private_files.write(key_file, _pem(key))
    certificate = builder.sign(authority.key, hashes.SHA256())
    private_files.write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _is_usable(
    certificate_file: Path, key_file: Path, authority_file: Path, host_names: Sequence[str], now: datetime
) -> bool:
    if not certificate_file.exists() or not key_file.exists():
        return False
    try:
        certificate = _read_certificate(certificate_file)
        certificate.verify_directly_issued_by(_read_certificate(authority_file))
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        key = serialization.load_pem_private_key(private_files.read(key_file), password=None)
    except (StartRefusedError, InvalidSignature, x509.ExtensionNotFound, ValueError, TypeError):
        return False  # whatever is wrong with the pair, a new one is the answer
    is_pair = key.public_key() == certificate.public_key()
    return (
        is_pair
        and set(names) == {_general_name(name) for name in host_names}
        and certificate.not_valid_after_utc - now > _RENEW_BEFORE_END
    )


def _read_certificate(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(private_files.read(file))[0]
    except ValueError as error:
        raise StartRefusedError(f"{file} holds no PEM certificate") from error


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
