"""Errors as people and programs see them on stderr, and the exit code of each."""

from __future__ import annotations

import json
import os
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import borealis_client as sdk
from borealis_cli.exit_codes import ExitCode
from borealis_cli.failures import CommandFailedError, FilesInvalidError
from borealis_cli.render.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

_CODES: Final[tuple[tuple[type[sdk.BorealisError], ExitCode], ...]] = (
    (sdk.DeploymentInProgressError, ExitCode.IN_PROGRESS),
    (sdk.DeployFileInvalidError, ExitCode.INVALID_FILE),
    (sdk.ConfigInvalidError, ExitCode.INVALID_FILE),
    (sdk.SettingsError, ExitCode.USAGE),
    (sdk.AgentUnavailableError, ExitCode.AGENT_UNREACHABLE),
    (sdk.RelayRefusedError, ExitCode.AGENT_UNREACHABLE),
    (sdk.ClusterBusyError, ExitCode.AGENT_UNREACHABLE),
    (sdk.UnauthenticatedError, ExitCode.NOT_LOGGED_IN),
    (sdk.DeniedError, ExitCode.NOT_ALLOWED),
    (sdk.NotFoundError, ExitCode.NOT_FOUND),
    (sdk.InvalidError, ExitCode.USAGE),
    (sdk.UnavailableError, ExitCode.SERVER_UNREACHABLE),
)
"""First match wins, so leaves stand before their kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An error, ready to print."""

    code: ExitCode
    text: str
    """For people: what, where, why, next command."""
    document: Mapping[str, Any]  # Any: JSON
    """The same for programs."""


def report(error: BaseException) -> Report:
    """The error as it should be shown; an unforeseen one as a bug to report."""
    error = _sole(error)
    match error:
        case FilesInvalidError():
            text = f"{error.report.rstrip()}\n\nerror: {error.message}"
            return Report(code=error.code, text=text, document=_document(error, violations=error.violations))
        case CommandFailedError():
            text = f"error: {error.message}" + (f"\n  help: {error.advice}" if error.advice else "")
            return Report(code=error.code, text=printable(text), document=_document(error, advice=error.advice))
        case sdk.BorealisError():
            return _from_sdk(error)
        case _:
            return _bug(error)


def exit_code(error: sdk.BorealisError) -> ExitCode:
    """The exit code for an error of the SDK."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.UNEXPECTED)


def _from_sdk(error: sdk.BorealisError) -> Report:
    violations = [
        {"field": one.field, "description": one.description, "reason": one.reason} for one in error.violations
    ]
    lines = [f"error: {error.message}"]
    lines += [f"  {one.field}: {one.description}" for one in error.violations]
    lines += [f"  help: {advice}" for advice in _advice(error)]
    lines += [f"  request id: {error.request_id}"] if error.request_id else []
    document = {
        "code": int(exit_code(error)),
        "reason": error.sent_reason,
        "message": error.message,
        "metadata": dict(error.metadata),
        "violations": violations,
        "requestId": error.request_id,
    }
    return Report(code=exit_code(error), text=printable("\n".join(lines)), document={"error": document})


def _advice(error: sdk.BorealisError) -> list[str]:
    """The next command, where there is one that the server cannot know."""
    match error:
        case sdk.DeploymentInProgressError():
            running = error.metadata.get("deployment", "").rsplit("/", 1)[-1]
            return [f"borealis watch {running}    or end it: borealis cancel {running}"] if running else []
        case sdk.CredentialRefusedError() | sdk.TokenRefusedError():
            return ["check BOREALIS_CLIENT_ID and BOREALIS_CLIENT_SECRET, BOREALIS_TOKEN, or the context file"]
        case sdk.DeploymentNotFoundError():
            return ["borealis list"]
        case sdk.AgentNotFoundError() | sdk.AgentUnavailableError():
            return ["borealis agent list"]
        case _:
            return []


def _bug(error: BaseException) -> Report:
    what = f"{type(error).__name__}: {error}"
    is_debugging = bool(os.environ.get("BOREALIS_DEBUG"))
    trace = "".join(traceback.format_exception(error)) if is_debugging else ""
    hint = "" if is_debugging else "\n  help: this is a bug; BOREALIS_DEBUG=1 shows where it is"
    document = {"error": {"code": int(ExitCode.UNEXPECTED), "reason": "", "message": what}}
    return Report(code=ExitCode.UNEXPECTED, text=f"{trace}error: unexpected {what}{hint}", document=document)


def _document(error: CommandFailedError, **more: object) -> Mapping[str, Any]:  # Any: JSON
    return {"error": {"code": int(error.code), "reason": error.reason, "message": error.message, **more}}


def _sole(error: BaseException) -> BaseException:
    """The one error in a task group's wrapping."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def to_json(found: Report) -> str:
    """The error as one line of JSON."""
    return json.dumps(found.document, ensure_ascii=False)
