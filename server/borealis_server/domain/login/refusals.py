"""How logging in is refused: to people in a sentence, to programs in the words of OAuth.

These never cross the gRPC door, so they are not among the reasons of its contract.
"""
# ruff: noqa: N818 - the names are outcomes, as in `errors.py`

from __future__ import annotations

from enum import StrEnum


class GrantFault(StrEnum):
    """The error codes of RFC 6749, 8628 and 8693 that we use."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    INVALID_SCOPE = "invalid_scope"
    INVALID_TARGET = "invalid_target"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
    ACCESS_DENIED = "access_denied"
    AUTHORIZATION_PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - an error code
    LOGIN_REQUIRED = "login_required"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"


class GrantRefused(Exception):
    """A program does not get what it asked for."""

    def __init__(self, fault: GrantFault, description: str) -> None:
        super().__init__(description)
        self.fault = fault
        self.description = description
        """In ASCII, without quotes or backslashes: RFC 6749, section 5.2."""


class LoginRefused(Exception):
    """A person does not get in. The text is for them, and the same for every reason that others must not learn."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class LoginDelayed(LoginRefused):
    """Too many tries: whoever it is may try again after `wait_s`."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("There were too many tries. Please wait a moment and try again.")
        self.wait_s = wait_s


class LoginBusy(LoginDelayed):
    """So many log in at once that this one has to come back."""

    def __init__(self) -> None:
        super().__init__(2.0)
        self.message = "Many people are logging in just now. Please try again in a moment."


class LoginExpired(LoginRefused):
    """The browser's login has come to nothing and begins anew."""

    def __init__(self) -> None:
        super().__init__("This took too long, or was begun in another browser. Please log in again.")
