"""The discovery document: what this issuer can do and where. Source: OpenID Connect Discovery 1.0, RFC 8414, 9207."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from borealis_server.domain.login.clients import SCOPES

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIENT_CREDENTIALS: Final = "client_credentials"
AUTHORIZATION_CODE: Final = "authorization_code"
REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105 - a word of the protocol
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - as above

DISCOVERY_PATHS: Final = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
KEYS_PATH: Final = "/oauth/jwks"
AUTHORIZE_PATH: Final = "/oauth/authorize"
TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
DEVICE_PATH: Final = "/oauth/device/code"
REVOKE_PATH: Final = "/oauth/revoke"
USERINFO_PATH: Final = "/oauth/userinfo"
END_SESSION_PATH: Final = "/logout"


def discovery_document(issuer: str) -> Mapping[str, Any]:  # Any: values of JSON
    """What clients read first; Authlib has checked it. Errors: ValueError when it breaks the specification."""
    secrets = ["client_secret_basic", "client_secret_post"]
    document = {
        "issuer": issuer,
        "jwks_uri": issuer + KEYS_PATH,
        "authorization_endpoint": issuer + AUTHORIZE_PATH,
        "token_endpoint": issuer + TOKEN_PATH,
        "device_authorization_endpoint": issuer + DEVICE_PATH,
        "revocation_endpoint": issuer + REVOKE_PATH,
        "userinfo_endpoint": issuer + USERINFO_PATH,
        "end_session_endpoint": issuer + END_SESSION_PATH,
        "grant_types_supported": [AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS, DEVICE_CODE, TOKEN_EXCHANGE],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": list(SCOPES),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "sid", "nonce", "name", "email"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": [*secrets, "none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
    }
    AuthorizationServerMetadata(document).validate()
    return document
