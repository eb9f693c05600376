"""Exit codes of the command line. Scripts depend on them: a code never changes its meaning."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    """Done; with `--watch`, deployed."""
    UNEXPECTED = 1
    """Something that nobody foresaw."""
    USAGE = 2
    """The command line is wrong."""
    IN_PROGRESS = 3
    """The application has a deployment in progress already."""
    NOT_LOGGED_IN = 4
    """No server, no credential, or one that is refused."""
    NOT_ALLOWED = 5
    """The caller lacks a permission."""
    NOT_FOUND = 6
    """What was named does not exist."""
    INVALID_FILE = 7
    """The deploy file, a manifest or the configuration has faults; nothing was started or changed."""
    FAILED = 10
    """The deployment failed."""
    ROLLED_BACK = 11
    """The deployment failed, and the old version was brought back."""
    CANCELLED = 12
    """A person ended the deployment, nobody approved it in time, or a newer one took its place in the queue."""
    TIMED_OUT = 13
    """`--timeout` passed; the deployment goes on."""
    SERVER_UNREACHABLE = 14
    """The control plane does not answer."""
    AGENT_UNREACHABLE = 15
    """The agent of the cluster does not answer."""
    AUDIT_BROKEN = 16
    """An entry of the audit is not what was written."""
    DETACHED = 130
    """Ctrl-C; the deployment goes on."""
