"""The templates of a run with their values, at the moment of use. Pure; what comes out may hold secrets.

Values go in as they are, and escaped where the text is JSON. A file's own variables may name secrets, a step's
anything; what somebody gave at the start is taken as it is, so that nobody from outside draws secrets out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from borealis_deployfile.model import Analysis, DeployFile, RunWebhook, Webhook
from borealis_deployfile.templates import SECRETS, Escape, UnresolvedError, parse_template, render
from borealis_deployfile.variables import OLD_REPLICA_SET, PREVIEW, REPLICA_SET, REPLICA_SETS, Values
from borealis_server.domain.deployment import Deployment, TargetRun

_CONTENT_TYPE = "content-type"
_JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A webhook's request, as it is sent."""

    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


def own_values(deployment: Deployment, run: TargetRun) -> dict[str, str]:
    """The platform's variables that a step of a target has now, addresses of previews among them.

    Windows and callbacks are others' to add.
    """
    values = {
        "applicationName": deployment.application,
        "deploymentId": deployment.key.id,
        "targetDeploymentId": f"{deployment.key.id}/{run.name}",
        "environmentName": run.name,
        "accountName": run.account,
        "namespace": run.namespace,
    }
    loads = sorted(run.workloads, key=lambda load: load.name)
    if loads:
        values[REPLICA_SET] = loads[0].new_name
    links = (link for step in run.steps if step.exposure for link in step.exposure.links)
    values |= {f"{PREVIEW}{link.service}": link.url for link in links}
    if loads and loads[0].old_name:
        values[OLD_REPLICA_SET] = loads[0].old_name
    return values | {f"{REPLICA_SETS}{load.name}": load.new_name for load in loads}


def with_context(values: Values, file: DeployFile, step: RunWebhook | Analysis) -> Values:
    """The values with the users' variables that the step sees.

    Errors: UnresolvedError when one of them names what has no value.
    """
    only_secrets = Values(secrets=values.secrets)
    base = {name: _rendered(text, only_secrets) for name, text in file.context.items()} | dict(file.given_context)
    below = replace(values, context=base)
    own = {name: _rendered(text, below) for name, text in step.context.items()}
    return replace(values, context=base | own | dict(file.given_context))


def render_call(webhook: Webhook, values: Values) -> Call:
    """The request of a webhook. Errors: UnresolvedError with every name that has no value."""
    missing: list[str] = []

    def text(template: str, escape: Escape = Escape.NONE) -> str:
        try:
            return render(parse_template(template), values.get, escape=escape).text
        except UnresolvedError as error:
            missing.extend(error.names)
            return ""

    url = text(webhook.uri)
    headers = [(text(name), text(value)) for name, value in webhook.headers]
    kinds = [value for name, value in headers if name.lower() == _CONTENT_TYPE]
    if webhook.body and not kinds:
        headers.append(("Content-Type", _JSON))
    is_json = not kinds or any("json" in kind.lower() for kind in kinds)
    body = text(webhook.body or "", Escape.JSON if is_json else Escape.NONE)
    if missing:
        raise UnresolvedError(tuple(dict.fromkeys(missing)))
    return Call(method=webhook.method, url=url.strip(), headers=tuple(headers), body=body.encode())


def secrets_of_webhook(webhook: Webhook, file: DeployFile, step: RunWebhook) -> frozenset[str]:
    """The names of the secrets that a call of the webhook by the step may use."""
    texts = (webhook.uri, webhook.body or "", *(text for pair in webhook.headers for text in pair))
    return secrets_in((*texts, *file.context.values(), *step.context.values()))


def secrets_in(texts: Iterable[str]) -> frozenset[str]:
    """The names of the secrets in templates."""
    return frozenset(_secrets(texts))


def _secrets(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        if "{{" in text:
            yield from (name.removeprefix(SECRETS) for name in parse_template(text).names if name.startswith(SECRETS))


def _rendered(template: str, values: Values) -> str:
    return render(parse_template(template), values.get).text if "{{" in template else template
