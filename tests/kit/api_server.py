"""How a test reaches one Kubernetes API server, whichever kind it is; starts nothing."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServer:
    """Address and credentials of an API server that is ready."""

    kind: Literal["sandbox", "real"]
    """Which of the two implementations this is."""
    url: str
    """For example `https://127.0.0.1:40123`, without a slash at the end."""
    token: str
    """Bearer token of a cluster administrator."""
    ca_pem: bytes
    """Certificate of the authority that signed the server's certificate."""
    ca_file: Path
    """The same certificate in a file."""
    kubeconfig: Path
    """A kubeconfig with all of the above; any Kubernetes client can use it."""

    def ssl_context(self) -> ssl.SSLContext:
        """Trusts this server's authority and nothing else."""
        return ssl.create_default_context(cadata=self.ca_pem.decode("ascii"))

    @property
    def headers(self) -> dict[str, str]:
        """What a request must carry to be let in."""
        return {"Authorization": f"Bearer {self.token}"}
