"""Templates: what is a tag, what it becomes, and what is never shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_deployfile.templates import MAX_TAGS, Escape, UnresolvedError, Variable, parse_template, render
from borealis_deployfile.variables import OWN_VARIABLES, Scope, Values, is_for, own_name

VALUES = Values(
    own={"applicationName": "shop & co", "preview.my-svc": "https://x.example", "promQlStepInterval": "30s"},
    context={"a-b": 'say "hi"\n', "empty": ""},
    secrets={"token": "hunter2"},
)


def rendered(text, **options):
    return render(parse_template(text), VALUES.get, **options)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        pytest.param("plain {text} }} here", "plain {text} }} here", id="no-tag"),
        pytest.param("{{armory.applicationName}}", "shop & co", id="never-escaped-for-html"),
        pytest.param("<{{ armory.applicationName }}>", "<shop & co>", id="blanks-inside"),
        pytest.param("{{\tarmory.applicationName\t}}", "shop & co", id="tabs-inside"),
        pytest.param("{{armory.preview.my-svc}}/health", "https://x.example/health", id="hyphens"),
        pytest.param("{{{armory.applicationName}}}", "shop & co", id="three-braces"),
        pytest.param("{{ARMORY}}".replace("ARMORY", "armory.promqlstepinterval"), "30s", id="any-case"),
        pytest.param('{"a":{"b":{{context.empty}}1}}', '{"a":{"b":1}}', id="braces-of-json-around"),
        pytest.param("{{{context.empty}}", "{", id="a-brace-before-a-tag"),
        pytest.param("[{{context.empty}}]", "[]", id="an-empty-value-is-a-value"),
    ],
)
def test_tags_become_their_values(text, result):
    assert rendered(text).text == result


def test_values_are_escaped_in_a_json_text():
    text = rendered('{"say": "{{context.a-b}}", "n": "{{armory.applicationName}}"}', escape=Escape.JSON).text

    assert json.loads(text) == {"say": 'say "hi"\n', "n": "shop & co"}


def test_secrets_go_to_the_receiver_and_nowhere_else():
    result = rendered("Bearer {{secrets.token}} for {{armory.applicationName}}")

    assert result.text == "Bearer hunter2 for shop & co"
    assert result.shown == "Bearer **** for shop & co"
    assert "hunter2" not in repr(VALUES)


def test_all_names_without_a_value_are_told_at_once():
    with pytest.raises(UnresolvedError) as caught:
        rendered("{{context.x}} {{secrets.y}} {{context.x}} {{other.z}} {{armory.applicationName}}")

    assert caught.value.names == ("context.x", "secrets.y", "other.z")
    assert caught.value.reason == "UNRESOLVED_VARIABLE"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{#if}}x{{/if}}", "no sections"),
        ("{{^x}}", "no sections"),
        ("{{> part}}", "no partials"),
        ("{{! note }}", "no comments"),
        ("{{=<% %>=}}", "no other delimiters"),
        ("{{& x}}", "no unescaped variables"),
        ("{{ }}", "names no variable"),
        ("{{a b}}", "cannot be the name"),
        ("{{a", "not closed"),
        ("a {{ b {{c}}", "not closed"),
    ],
)
def test_what_is_no_tag_is_told_and_stays_as_it_is(text, problem):
    template = parse_template(text)

    assert problem in template.problems[0].message
    assert text.startswith("{{" if template.problems[0].start == 0 else "a ")


def test_hostile_texts_are_read_in_no_time():
    for text in ("{" * 1_000_000, "{{" * 400_000 + "}}", "{{{" * 300_000, "{{a}}" * 100_000):
        assert parse_template(text).parts


def test_a_text_of_too_many_tags_is_cut_and_told():
    template = parse_template("{{a}}" * (MAX_TAGS + 5))

    assert template.is_cut
    assert len(template.parts) == MAX_TAGS + 1
    assert "not more" in template.problems[0].message


@given(st.text(alphabet="{}a. -"))
def test_nothing_of_a_text_is_lost(text):
    template = parse_template(text)

    assert all(text[part.start :].startswith("{{") for part in template.parts if isinstance(part, Variable))
    marks = render(template, lambda name: f"<{name}>").text
    assert marks.count("a") == text.count("a")


@given(st.text(alphabet='xy{}"\\'))
def test_values_are_never_read_as_templates(value):
    template = parse_template("{{context.a}}|{{context.a}}")

    assert render(template, lambda _: value).text == f"{value}|{value}"


def test_every_own_variable_is_found_in_any_case_and_is_for_what_its_table_says():
    for one in OWN_VARIABLES:
        name = one.name.replace("SERVICE", "svc").replace("DEPLOYMENT", "web")
        assert own_name(f"armory.{name}") == name
        if "." not in name:
            assert own_name(f"armory.{name.upper()}") == name
        for scope in Scope:
            assert is_for(name, scope) == (scope in one.scopes)


@pytest.mark.parametrize("name", ["armory.", "armory.nothing", "armory.preview.", "context.x", "applicationName"])
def test_other_names_are_not_our_own(name):
    assert own_name(name) is None
