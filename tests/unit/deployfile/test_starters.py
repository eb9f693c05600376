"""Files to start from: every combination of features passes the rules, and only SMI is warned of."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from borealis_deployfile.faults import Code
from borealis_deployfile.parse import check
from borealis_deployfile.report import render
from borealis_deployfile.starters import Feature, StarterError, starter_file


def sets_of(features):
    return list(chain.from_iterable(combinations(features, size) for size in range(len(features) + 1)))


def clash(kind, features):
    meshes = set(features) & {Feature.TRAFFIC, Feature.SMI, Feature.ISTIO}
    return bool(meshes - {Feature.TRAFFIC}) if kind == "bluegreen" else Feature.ISTIO in meshes and len(meshes) > 1


@pytest.mark.parametrize("kind", ["canary", "bluegreen"])
@pytest.mark.parametrize("features", sets_of(list(Feature)), ids=lambda features: "+".join(features) or "none")
def test_every_starter_passes_the_rules_or_says_what_clashes(kind, features):
    if clash(kind, features):
        with pytest.raises(StarterError):
            starter_file(kind, features)
        return

    text = starter_file(kind, features)

    result = check(text, file_name="deploy.yaml")
    assert not result.faults, render(result.faults, text)
    is_old = kind == "canary" and Feature.SMI in features
    assert [one.code for one in result.warnings] == ([Code.DEPRECATED] if is_old else [])
    assert ("gatewayApi:" in text) == (kind == "canary" and Feature.TRAFFIC in features and not is_old)
    assert ("runWebhook" in text) == (Feature.WEBHOOK in features)
    assert ("queryTemplate" in text) == (Feature.AUTOMATED in features)
    assert ("istio:" in text) == (Feature.ISTIO in features)
    assert ("untilApproved" in text) == (Feature.MANUAL in features or not features)
    assert text.count("# ") >= 5
