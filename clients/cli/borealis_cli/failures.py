"""A command's own way to fail: with a text, advice and an exit code. Light, so that every command can import it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from borealis_cli.exit_codes import ExitCode


class CommandFailedError(Exception):
    """What went wrong and what to do about it."""

    def __init__(self, message: str, *, code: ExitCode, advice: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        """The next command, or what to change; may be empty."""
        self.code = code
        self.reason = reason
        """Stable word for programs; empty when there is none."""


class FilesInvalidError(CommandFailedError):
    """Faults in files, rendered already."""

    def __init__(self, message: str, *, code: ExitCode, report: str, violations: list[dict[str, object]]) -> None:
        super().__init__(message, code=code, reason="DEPLOY_FILE_INVALID")
        self.report = report
        """The faults as a compiler prints them."""
        self.violations = violations
        """The faults for programs."""
