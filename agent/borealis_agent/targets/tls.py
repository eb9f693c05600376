"""TLS towards a target, from files that may be replaced at any time: certificates and authorities rotate."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """What to trust and what to show."""

    ca_file: Path | None = None
    """Authorities to trust; None trusts those of the system."""
    certificate_file: Path | None = None
    """Our certificate, if the target wants one."""
    key_file: Path | None = None
    """Its key."""
    server_name: str = ""
    """Name expected in the target's certificate; empty expects the target's host."""
    is_verified: bool = True
    """Whether the target's certificate is checked."""


class TlsSource:
    """Gives the TLS settings of the moment: read again when one of the files was replaced."""

    def __init__(self, files: TlsFiles) -> None:
        self.files = files
        self._stamp: tuple[object, ...] = ()
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """Settings for a new connection; TLS 1.2 or newer.

        Errors: OSError, also where a file has no certificate.
        """
        stamp = tuple(
            _stamp(path)
            for path in (self.files.ca_file, self.files.certificate_file, self.files.key_file)
            if path is not None
        )
        if self._context is None or stamp != self._stamp:
            self._context = self._read()
            self._stamp = stamp
        return self._context

    def _read(self) -> ssl.SSLContext:
        files = self.files
        context = ssl.create_default_context(cafile=str(files.ca_file) if files.ca_file else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if not files.is_verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if files.certificate_file is not None:
            context.load_cert_chain(files.certificate_file, files.key_file)
        return context


def _stamp(path: Path) -> tuple[object, ...]:
    status = Path(path).stat()
    return (str(path), status.st_mtime_ns, status.st_size, status.st_ino)
