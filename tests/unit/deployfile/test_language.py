"""The tables of the language, and everything made from them: schema, `explain`, reference page, examples."""

from __future__ import annotations

import json

import pytest

from borealis_deployfile.faults import Code
from borealis_deployfile.language.document import DOCUMENT
from borealis_deployfile.language.examples import complete, fragment_of
from borealis_deployfile.language.json_schema import deploy_file_schema
from borealis_deployfile.language.paths import entries, find_entry, inner_shape
from borealis_deployfile.language.reference import explain_entry, reference_page, to_yaml
from borealis_deployfile.parse import check
from borealis_deployfile.report import render
from kit.corpus import BAD, GOOD
from kit.json_schema import errors_of
from kit.yaml_json import documents_of

SCHEMA = deploy_file_schema()
# Faults that any schema can see; the rest needs to know what the parts mean together.
SHAPE_CODES = {Code.UNKNOWN_FIELD, Code.WRONG_TYPE, Code.WEIGHT_RANGE}
# What the rules say of these shapes, JSON cannot: they differ in YAML alone, or hang on what nobody wrote.
ONLY_IN_YAML = {"merge-of-text", "key-is-a-list", "names-alike-but-for-blanks", "wrong-tags"}


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.text)
def test_every_field_has_an_example_that_passes_the_rules_and_the_schema(entry):
    document = complete(fragment_of(entry))
    text = to_yaml(document)

    result = check(text, file_name=entry.text)

    assert not result.faults, render(result.faults, text)
    assert errors_of(SCHEMA, document) == []
    assert documents_of(text) == [document]
    assert json.dumps(entry.field.name) in json.dumps(fragment_of(entry))


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.text)
def test_every_field_can_be_explained_by_its_path(entry):
    found = find_entry(entry.text)

    assert found is not None
    assert (found.text, found.field) == (entry.text, entry.field)
    assert entry.field.summary.split("`")[0][:10] in explain_entry(found)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("targets", "targets"),
        ("Targets.Account", "targets.NAME.account"),
        ("targets.prod.account", "targets.NAME.account"),
        ("strategies.x.canary.steps[2].pause.unit", "strategies.NAME.canary.steps[].pause.unit"),
        ("manifests[0].path", "manifests[].path"),
        ("strategies.blueGreen.shutdownOldVersionAfter", "strategies.NAME.blueGreen.shutDownOldVersionAfter"),
    ],
)
def test_paths_are_found_as_people_write_them(text, path):
    found = find_entry(text)

    assert found is not None
    assert found.text == path


@pytest.mark.parametrize("text", ["", ".", "nothing", "targets.x.y.account", "application.name", "manifests.path.x"])
def test_what_is_no_path_is_not_found(text):
    assert find_entry(text) is None


def test_every_part_of_the_schema_has_its_own_name():
    shapes = {id(inner): inner for entry in entries() if (inner := inner_shape(entry.field.type))}

    assert len(SCHEMA["$defs"]) == len(shapes)


def test_every_field_of_the_schema_is_described():
    bare = [
        f"{name}.{field}"
        for name, part in {"": SCHEMA, **SCHEMA["$defs"]}.items()
        for field, schema in part.get("properties", {}).items()
        if not schema.get("description")
    ]

    assert bare == []
    assert set(SCHEMA["properties"]) == {one.name for one in DOCUMENT.fields}


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_schema_accepts_what_the_rules_accept(file):
    (document,) = documents_of(file.read_bytes())

    assert errors_of(SCHEMA, document) == []


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_schema_and_rules_agree_on_what_has_the_wrong_shape(file):
    result = check(file.read_bytes(), file_name=file.name)
    documents = documents_of(file.read_bytes())
    if len(documents) != 1 or file.stem in ONLY_IN_YAML:
        return

    refused = errors_of(SCHEMA, documents[0])

    assert bool(refused) or not {fault.code for fault in result.faults} & SHAPE_CODES, "the rules see more"
    assert bool(result.faults) or not refused, "the schema sees more"


def test_page_has_a_section_with_an_example_for_each_field():
    page = reference_page()

    for entry in {(id(entry.shape), entry.field.name): entry for entry in reversed(entries())}.values():
        assert f"### `{entry.text}`" in page
        assert to_yaml(fragment_of(entry)) in page
