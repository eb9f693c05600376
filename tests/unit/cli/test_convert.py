"""`borealis convert trafficsplit`: from a file to YAML, with remarks beside it."""

from __future__ import annotations

SPLIT = """\
apiVersion: split.smi-spec.io/v1alpha4
kind: TrafficSplit
metadata: {name: shop}
spec:
  service: shop
  matches: [{kind: HTTPRouteGroup, name: users}]
  backends: [{service: stable, weight: 3}, {service: canary, weight: 1}]
"""
ROOT = "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {ports: [{port: 8080}]}\n"


def test_splits_become_routes_and_what_is_lost_is_told(offline, tmp_path):
    file = tmp_path / "splits.yaml"
    file.write_text(f"{SPLIT}---\n{ROOT}---\n{SPLIT.replace('name: shop}', 'name: api}')}")

    outcome = offline("convert", "trafficsplit", "-f", str(file))

    assert outcome.code == 0, outcome.err
    assert outcome.out.count("kind: HTTPRoute\n") == 2
    assert outcome.out.count("---") == 1
    assert "weight: 75" in outcome.out
    assert "port: 8080" in outcome.out
    assert "shop: matches are not carried over" in outcome.err


def test_a_port_that_nobody_names_is_asked_for(offline, tmp_path):
    file = tmp_path / "split.yaml"
    file.write_text(SPLIT)

    assert "--port" in offline("convert", "trafficsplit", "-f", str(file)).err
    outcome = offline("convert", "trafficsplit", "-f", str(file), "--port", "80", "--gateway", "door")
    assert (outcome.code, "name: door" in outcome.out) == (0, True)


def test_files_that_hold_none_are_refused(offline, tmp_path):
    for number, text in enumerate((ROOT, "a: [", SPLIT.replace("weight: 3", "weight: much"))):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        assert offline("convert", "trafficsplit", "-f", str(file), "--port", "80").code == 7
    assert offline("convert", "trafficsplit", "-f", str(tmp_path / "gone.yaml")).code == 7
