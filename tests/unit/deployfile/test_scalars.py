"""Plain YAML values mean what they mean to Kubernetes' own tools."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_deployfile.nodes import Scalar
from borealis_deployfile.scalars import is_text, resolve, value_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("nUll", "nUll"),
        ("true", True),
        ("yes", True),
        ("on", True),
        ("y", True),
        ("NO", False),
        ("Off", False),
        ("oFF", "oFF"),
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("012", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0b101", -5),
        ("1_000", 1000),
        ("089", 89),
        ("08.5", 8.5),
        ("1e3", 1000),
        ("1.", 1),
        (".5", 0.5),
        ("1.0", 1),
        ("-1.5e-3", -0.0015),
        ("12:30", "12:30"),
        ("1:20:30.5", "1:20:30.5"),
        ("2024-01-31", "2024-01-31"),
        ("2024-01-31T00:00:00Z", "2024-01-31T00:00:00Z"),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        (".", "."),
        ("1e", "1e"),
        ("0x", "0x"),
        ("_1", "_1"),
        ("250m", "250m"),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 18446744073709551616),
        ("-9223372036854775809", -9223372036854775808),
        ("1e21", 1e21),
        ("1e999", "1e999"),
        ("." * 65, "." * 65),
        ("9" * 65, "9" * 65),
        ("<<", "<<"),
        ("=", "="),
    ],
)
def test_plain_text_has_the_type_that_kubernetes_gives_it(text, value):
    resolved = resolve(text)

    assert resolved == value
    assert type(resolved) is type(value)


@pytest.mark.parametrize(("text", "sign"), [(".inf", 1), ("-.Inf", -1)])
def test_infinities_keep_their_sign(text, sign):
    assert resolve(text) == sign * math.inf


def test_not_a_number_is_a_number():
    assert math.isnan(float(str(resolve(".nan"))))


def scalar(text: str, *, tag: str | None = None, is_plain: bool = True) -> Scalar:
    return Scalar(text, is_plain, tag and f"tag:yaml.org,2002:{tag}", 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        pytest.param(scalar("12", is_plain=False), "12", id="quotes-make-text"),
        pytest.param(scalar("12", tag="str"), "12", id="str"),
        pytest.param(scalar("2024-01-31", tag="timestamp"), "2024-01-31", id="timestamps-stay-text"),
        pytest.param(scalar("12", tag="int", is_plain=False), 12, id="int"),
        pytest.param(scalar("12", tag="float"), 12.0, id="float-of-a-whole-number"),
        pytest.param(scalar("1.5", tag="float"), 1.5, id="float"),
        pytest.param(scalar("no", tag="bool"), False, id="bool"),
        pytest.param(scalar("", tag="null"), None, id="null"),
    ],
)
def test_tags_and_quotes_decide_over_the_text(written, value):
    assert value_of(written) == value


@pytest.mark.parametrize(
    "written",
    [scalar("x", tag="int"), scalar("1", tag="bool"), scalar("x", tag="binary"), Scalar("x", True, "!env", 1, 1, 1, 1)],
)
def test_a_tag_that_does_not_fit_is_refused(written):
    with pytest.raises(ValueError, match="does not fit"):
        value_of(written)


@pytest.mark.parametrize(
    ("written", "is_it"),
    [
        (scalar("12"), False),
        (scalar("12", is_plain=False), True),
        (scalar("shop"), True),
        (scalar("12", tag="str"), True),
        (scalar("12", tag="int"), False),
    ],
)
def test_text_is_what_is_no_number_boolean_or_nothing(written, is_it):
    assert is_text(written) is is_it


@given(st.text(max_size=70))
def test_any_text_resolves(text):
    resolve(text)
