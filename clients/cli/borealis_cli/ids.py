"""Which deployment a person means: full name, id, the start of one, an application, or the latest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_cli.exit_codes import ExitCode
from borealis_cli.failures import CommandFailedError
from borealis_cli.render.text import short_id
from borealis_client import InvalidError, NotFoundError

if TYPE_CHECKING:
    from borealis_client import Borealis, Deployment

_NAME_SEGMENTS: Final = 4
_SEARCHED: Final = 1000
_PAGE: Final = 250
_LATEST: Final = "@latest"


def split_target(text: str) -> tuple[str, str]:
    """The deployment and the target of `ID/TARGET`; the target is empty when there is none."""
    if text.startswith("tenants/"):
        parts = text.split("/", _NAME_SEGMENTS)
        return "/".join(parts[:_NAME_SEGMENTS]), "".join(parts[_NAME_SEGMENTS:])
    deployment, _, target = text.partition("/")
    return deployment, target


async def find(borealis: Borealis, text: str) -> str:
    """The resource name of the one deployment that `text` means.

    Errors: CommandFailedError, NOT_FOUND when there is none and USAGE when there are several.
    """
    if text.startswith("tenants/"):
        return text
    if text.endswith(_LATEST):
        application = text.removesuffix(_LATEST)
        found = await _newest(borealis, application)
        return found.name if found else _nothing(f"no deployment of {application}" if application else "no deployment")
    return (
        await _by_id(borealis, text)
        or await _by_application(borealis, text)
        or await _by_prefix(borealis, text)
        or _nothing(f"no deployment and no application {text!r}")
    )


async def _by_id(borealis: Borealis, text: str) -> str:
    tenant = borealis.settings.tenant or (await borealis.identity.caller()).tenant
    try:
        return (await borealis.deployments.get(f"tenants/{tenant}/deployments/{text}")).name
    except (NotFoundError, InvalidError):
        return ""


async def _by_application(borealis: Borealis, text: str) -> str:
    found = await _newest(borealis, text)
    return found.name if found else ""


async def _by_prefix(borealis: Borealis, text: str) -> str:
    names: list[str] = []
    seen = 0
    async for one in borealis.deployments.list(page_size=_PAGE):
        seen += 1
        if short_id(one.name).startswith(text):
            names.append(one.name)
        if seen == _SEARCHED:
            break
    if len(names) > 1:
        ids = ", ".join(short_id(name) for name in names[:5])
        raise CommandFailedError(
            f"{text!r} is the start of several ids: {ids}", code=ExitCode.USAGE, advice="write more of it"
        )
    return names[0] if names else ""


async def _newest(borealis: Borealis, application: str) -> Deployment | None:
    async for one in borealis.deployments.list(application=application, page_size=1):
        return one
    return None


def _nothing(message: str) -> str:
    raise CommandFailedError(message, code=ExitCode.NOT_FOUND, advice="borealis list", reason="DEPLOYMENT_NOT_FOUND")
