"""Deploy files whose steps run webhooks."""

from __future__ import annotations

from typing import Final

from kit.shop import deploy_file

CALL: Final = "runWebhook: {name: job}"
"""A step that waits for its callback."""
FIRE: Final = "runWebhook: {name: fire}"
"""A step that is done as soon as its call is."""
BODY: Final = '{"uri": "{{armory.callbackUri}}/callback", "token": "{{armory.callbackToken}}"}'


def webhook_file(
    *steps: str,
    uri: str = "https://jobs.example/run",
    retries: int = 0,
    before: str = "",
    after: str = "",
    extra: str = "",
    body: str = BODY,
    namespace: str = "ns",
    head: str = "",
    **options: str,
) -> str:
    """A canary of `steps` with the webhooks `job` and `fire`.

    `before` and `after` are conditions of the target in YAML's flow style, `extra` more fields of both webhooks, and
    `head` more of the file.
    """
    text = deploy_file(namespace, *steps, **options)
    conditions = f"constraints: {{beforeDeployment: [{_items(before)}], afterDeployment: [{_items(after)}]}}"
    text = text.replace("strategy: careful}", f"strategy: careful, {conditions}}}")
    webhooks = "".join(_webhook(name, uri, retries, body, extra) for name in ("job", "fire"))
    return f"{text}{head}webhooks:\n{webhooks}"


def _items(conditions: str) -> str:
    return ", ".join(f"{{{one.strip()}}}" for one in conditions.split(";") if one.strip())


def _webhook(name: str, uri: str, retries: int, body: str, extra: str) -> str:
    more = "".join(f"    {line}\n" for line in extra.splitlines())
    return f"""\
  - name: {name}
    uriTemplate: "{uri}"
    retryCount: {retries}
    disableCallback: {str(name == "fire").lower()}
    bodyTemplate:
      inline: '{body}'
{more}"""
