"""What strangers write, as it is shown: no control sequences, no HTML, no links that do something."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.shown_text import body_text, markdown, plain, seconds_of

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        pytest.param("a **b** `c`\n- d", "a **b** `c`\n- d", id="markdown-stays"),
        pytest.param("<b>x</b>", "&lt;b>x&lt;/b>", id="tags"),
        pytest.param("<!-- x -->", "&lt;!-- x -->", id="comments"),
        pytest.param("1 < 2 and 3 > 2", "1 < 2 and 3 > 2", id="signs-are-no-tags"),
        pytest.param("<https://a.example/x>", "<https://a.example/x>", id="plain-address"),
        pytest.param("<javascript:alert(1)>", "&lt;javascript:alert(1)>", id="plain-address-of-another-scheme"),
        pytest.param("&lt;script>", "&lt;script>", id="tag-as-an-entity"),
        pytest.param("&amp;lt;script>", "&amp;lt;script>", id="entity-of-an-entity"),
        pytest.param("[x](https://a.example)", "[x](https://a.example)", id="link"),
        pytest.param("[x](mailto:a@b.example)", "[x](mailto:a@b.example)", id="mail"),
        pytest.param("[x](javascript:alert(1))", "[x](javascript :alert(1))", id="script-link"),
        pytest.param("[x]( JaVaScRiPt:alert(1))", "[x]( JaVaScRiPt :alert(1))", id="script-link-in-disguise"),
        pytest.param("[x](java&#115;cript:alert(1))", "[x](javascript :alert(1))", id="script-link-by-entity"),
        pytest.param("[x](&amp;#106;avascript:1)", "[x](&amp;#106;avascript:1)", id="script-link-by-two-entities"),
        pytest.param("[x]: data:text/html,1", "[x]: data :text/html,1", id="reference"),
        pytest.param("![x](data:image/png,1)", "![x](data :image/png,1)", id="picture"),
        pytest.param("time: 5:30 (see: a)", "time: 5:30 (see : a)", id="a-word-in-brackets-loses-little"),
        pytest.param("a\x1b[31mb\x07\u202ec", "a[31mbc", id="control-sequences"),
        pytest.param("a\r\nb\rc", "a\nb\nc", id="line-ends"),
    ],
)
def test_markdown_keeps_its_words_and_loses_its_powers(written, shown):
    assert markdown(written) == shown


@given(st.text(alphabet=st.sampled_from("<>&;#[]():/!ajvscript \n\x1b0x3C106lt"), max_size=60))
def test_no_text_comes_out_with_a_tag_or_a_link_that_does_something(text):
    shown = markdown(text)

    assert not re.search(r"<(?!https?://)[A-Za-z/!?]", shown)
    assert not re.search(r"\(\s*<?javascript:", shown, re.IGNORECASE)
    assert not re.search(r"&(?!lt;|amp;)#?\w+;", shown)
    assert "\x1b" not in shown


@given(st.text(max_size=40))
def test_what_was_cleaned_once_has_nothing_left_to_clean(text):
    assert plain(plain(text)) == plain(text)


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "kind", "shown"),
        [
            pytest.param(b"fine", "text/plain", "fine", id="text"),
            pytest.param(b"fine", "", "fine", id="no-type"),
            pytest.param('{"a": "ä"}'.encode(), "application/json; charset=utf-8", '{"a": "ä"}', id="json"),
            pytest.param("ä".encode("latin-1"), "text/html; charset=ISO-8859-1", "ä", id="charset"),
            pytest.param(b"x\xff", "text/plain", "x\ufffd", id="not-what-it-says"),
            pytest.param(b"x", "text/plain; charset=nonsense", "x", id="no-such-charset"),
            pytest.param(b"x", "text/plain; charset=hex", "x", id="charset-that-is-no-text"),
            pytest.param(b"\x89PNG", "image/png", "(4 bytes of image/png)", id="picture"),
            pytest.param(b"", "image/png", "", id="nothing"),
            pytest.param(b"a\x1b[2Jb", "text/plain", "a[2Jb", id="control-sequence"),
        ],
    )
    def test_a_body_is_text_where_it_can_be(self, body, kind, shown):
        assert body_text(body, kind, is_cut=False) == shown

    def test_half_a_character_at_a_cut_goes(self):
        assert body_text("aä".encode()[:2], "text/plain", is_cut=True) == "a"
        assert body_text(b"\x89PN", "image/png", is_cut=True) == "(more than 3 bytes of image/png)"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("99999999999999999999", 86400.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("Fri, 01 Jan 2027 12:00:00 GMT", 86400.0),
        ("", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("\u0665", 0.0),
    ],
)
def test_retry_after_is_a_number_or_a_date_or_nothing(value, seconds):
    assert seconds_of(value, NOW) == seconds


@given(st.text(max_size=30), st.datetimes(timezones=st.just(UTC)))
def test_retry_after_of_anybody_is_bounded(value, now):
    assert 0 <= seconds_of(value, now) <= timedelta(days=1).total_seconds()
