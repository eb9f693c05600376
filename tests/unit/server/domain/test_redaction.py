"""No form of a secret stays in a text."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.redaction import Redactor

VALUE = 'pä/ss "w&rd+<1>\\'
SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=40)

FORMS = [
    pytest.param(lambda value: value, id="as-it-is"),
    pytest.param(json.dumps, id="json"),
    pytest.param(lambda value: json.dumps(value, ensure_ascii=False), id="json-in-utf-8"),
    pytest.param(lambda value: json.dumps(value).replace("/", "\\/"), id="json-with-escaped-slashes"),
    pytest.param(quote, id="path-of-a-url"),
    pytest.param(lambda value: quote(value, safe=""), id="part-of-a-url"),
    pytest.param(lambda value: quote(value, safe="").replace("%C3", "%c3"), id="part-of-a-url-in-lower-case"),
    pytest.param(quote_plus, id="form"),
    pytest.param(lambda value: urlencode({"a": "b", "token": value}), id="whole-form"),
    pytest.param(html.escape, id="html"),
    pytest.param(lambda value: base64.b64encode(value.encode()).decode(), id="base64"),
    pytest.param(lambda value: base64.urlsafe_b64encode(value.encode()).decode(), id="base64-of-urls"),
    pytest.param(lambda value: base64.b64encode(f"u:{value}".encode()).decode(), id="basic-authentication"),
    pytest.param(lambda value: base64.b64encode(f"me:{value}!".encode()).decode(), id="in-the-middle-of-base64"),
    pytest.param(lambda value: value.encode().hex(), id="hexadecimal"),
    pytest.param(lambda value: json.dumps(json.dumps({"a": value})), id="json-in-json"),
    pytest.param(lambda value: quote(quote(value, safe=""), safe=""), id="address-in-an-address"),
    pytest.param(lambda value: html.escape(json.dumps(value)), id="json-in-html"),
    pytest.param(lambda value: base64.b64encode(json.dumps({"a": value}).encode()).decode(), id="json-in-base64"),
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_goes(form):
    sent = form(VALUE)
    shown = Redactor([VALUE]).redact(f"before {sent} after")

    assert "****" in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    left = shown.removeprefix("before ").removesuffix(" after").replace("****", "")
    around = form("nothing of it")
    pieces = {left[start : start + 6] for start in range(max(len(left) - 5, 0))}
    assert [piece for piece in pieces if piece in sent and piece not in around] == []


@given(SECRETS, st.sampled_from([param.values[0] for param in FORMS]), st.text(max_size=20), st.text(max_size=20))
def test_no_form_of_any_secret_stays(value, form, before, after):
    shown = Redactor([value]).redact(f"{before}{form(value)}{after}")

    assert "****" in shown
    assert value not in shown.replace("****", "\x00\x01\x02\x03") or set(value) <= {"*"}


@given(st.lists(SECRETS, min_size=1, max_size=4), st.data())
def test_what_overlaps_goes_whole(values, data):
    order = data.draw(st.permutations(values))

    assert Redactor(values).redact("".join(order)) == "****"


@given(SECRETS, st.text())
def test_a_text_without_secrets_stays_as_it_is(value, text):
    redactor = Redactor([value])
    shown = redactor.redact(text)

    assert shown == text or "****" in shown
    assert Redactor([]).redact(text) == text


def test_a_value_within_another_one_leaves_nothing_of_either():
    assert Redactor(["abcd", "xxabcdyy", "dyyz"]).redact("1 xxabcdyyz 2 abcd") == "1 **** 2 ****"


def test_short_values_go_where_they_are_words():
    assert Redactor(["ab"]).redact("ab, cab (ab) abc") == "****, cab (****) abc"


def test_each_line_of_a_key_goes():
    key = "-----BEGIN KEY-----\n  MIIabcdef\nxy\n-----END KEY-----\n"

    assert Redactor([key]).redact("it is MIIabcdef, not xy") == "it is ****, not xy"


def test_a_value_that_the_end_of_the_text_cuts_goes_too():
    redactor = Redactor(["s3cr3t-value"])

    assert redactor.redact("token: s3cr3t-v", is_cut=True) == "token: ****"
    assert redactor.redact("token: s3cr3t-v") == "token: s3cr3t-v"
    assert redactor.redact("tokens", is_cut=True) == "tokens"
