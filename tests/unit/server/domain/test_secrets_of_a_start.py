"""What a start may know and use of secrets."""

from __future__ import annotations

import pytest

from borealis_deployfile.manifests import FileContent
from borealis_deployfile.model import RunWebhook
from borealis_deployfile.parse import check
from borealis_deployfile.variables import Values
from borealis_server.domain.errors import DeployFileInvalid
from borealis_server.domain.rendering import with_context
from borealis_server.domain.start import StartRequest, checked
from kit.shop import manifests
from kit.webhook_files import FIRE, webhook_file

HEADERS = "headers: [{key: Authorization, value: 'Bearer {{secrets.ci-token}}'}]"


def a_start(text):
    files = {"shop.yaml": (FileContent(name="shop.yaml", content=manifests("1").encode()),)}
    return StartRequest(tenant="main", actor="ana", deploy_file=text.encode(), file_name="deploy.yaml", files=files)


def test_df_18_a_secret_that_does_not_exist_is_told_at_the_start_with_the_one_that_was_meant():
    """DF-18, for secrets: the names of others are nobody's business."""
    request = a_start(webhook_file(FIRE, extra=HEADERS))

    with pytest.raises(DeployFileInvalid) as refused:
        checked(request, ("cluster-1",), secrets={"ci-tokens", "unrelated"})

    told = [(fault.code, fault.message, fault.help) for fault in refused.value.faults]
    assert set(told) == {("UNKNOWN_SECRET", 'the secret "ci-token" does not exist', 'did you mean "ci-tokens"?')}
    assert checked(request, ("cluster-1",), secrets={"ci-token"}).file.webhooks


def test_df_33_what_is_stored_of_a_start_shows_the_tag_and_no_value():
    """DF-33: the saved file is the one that was sent."""
    text = webhook_file(FIRE, extra=HEADERS)
    request = a_start(text)

    checked(request, ("cluster-1",), secrets={"ci-token"})

    assert b"{{secrets.ci-token}}" in request.deploy_file


def test_what_somebody_gives_at_the_start_draws_no_secret_out():
    found = check(
        webhook_file(FIRE, head="context: {own: '{{secrets.ci-token}}'}\n"),
        file_name="deploy.yaml",
        context={"given": "{{secrets.ci-token}}"},
    )
    assert found.file is not None, found.faults
    (step,) = found.file.strategies["careful"].steps
    assert isinstance(step, RunWebhook)

    values = with_context(Values(secrets={"ci-token": "the value"}), found.file, step)

    assert values.context["own"] == "the value"
    assert values.context["given"] == "{{secrets.ci-token}}"
