"""Texts become trees with places, and every fault of a text has its place too."""

from __future__ import annotations

import itertools

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from borealis_deployfile.faults import MAX_FAULTS, Code
from borealis_deployfile.nodes import Mapping, Scalar, Sequence
from borealis_deployfile.source import MAX_SIZE_BYTES, lines_of, read
from borealis_deployfile.trees import MAX_ALIASED_NODES, StopReadingError, TreeBuilder


def faults_of(text: bytes | str):
    return [
        (fault.code.value, fault.line, fault.column, fault.end_column) for fault in read(text, file_name="f").faults
    ]


def test_nodes_know_their_places():
    root = read("a: [b,\n  'c d']\n", file_name="f").roots[0]

    assert isinstance(root, Mapping)
    value = root.entries["a"].value
    assert isinstance(value, Sequence)
    first, second = value.items
    assert isinstance(second, Scalar)
    assert (value.line, value.column, value.end_line, value.end_column) == (1, 4, 2, 9)
    assert (first.line, first.column, first.end_column) == (1, 5, 6)
    assert (second.line, second.column, second.end_column, second.text, second.is_plain) == (2, 3, 8, "c d", False)


def test_documents_are_told_apart_and_empty_ones_are_nothing():
    documents = read("a: 1\n---\n---\n# only a comment\n---\nb: 2\n", file_name="f")

    assert [root is None for root in documents.roots] == [False, True, True, False]
    assert documents.first_lines == [1, 2, 3, 5]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("a:\n\t- b\n", ("SYNTAX", 2, 1, 2), id="tab"),
        pytest.param(b"a: caf\xe9", ("ENCODING", 1, 7, 8), id="latin-1"),
        pytest.param("a: 1\nb: x\x00y", ("ENCODING", 2, 5, 6), id="null-byte"),
        pytest.param("\ud800", ("ENCODING", 1, 1, 2), id="half-a-character"),
        pytest.param("a: 1\na: 2\n", ("DUPLICATE_KEY", 2, 1, 2), id="duplicate-key"),
        pytest.param("a: *nobody\n", ("SYNTAX", 1, 4, 11), id="undefined-alias"),
        pytest.param("a: &a [*a]\n", ("SYNTAX", 1, 8, 10), id="alias-in-its-own-anchor"),
        pytest.param("? {a: 1}\n: b\n", ("WRONG_TYPE", 1, 3, 9), id="map-as-key"),
        pytest.param("a: {<<: [1]}\n", ("WRONG_TYPE", 1, 10, 11), id="merge-of-a-number"),
        pytest.param("[" * 101, ("SYNTAX", 1, 101, 102), id="too-deep"),
        pytest.param("%YAML 3.0\n---\na: 1", ("SYNTAX", 1, 1, 2), id="other-yaml-version"),
    ],
)
def test_faults_of_the_text_have_their_place(text, fault):
    assert faults_of(text) == [fault]


def test_every_duplicate_key_is_noted_and_the_first_value_stays():
    documents = read("a: 1\nb: {c: 1, c: 2}\na: 3\n", file_name="f")

    assert [fault.line for fault in documents.faults] == [2, 3]
    root = documents.roots[0]
    assert isinstance(root, Mapping)
    first = root.entries["a"].value
    assert isinstance(first, Scalar)
    assert first.text == "1"


def test_a_map_takes_over_entries_that_it_does_not_write_itself():
    root = read("x: &x {a: 1, b: 2}\ny: &y {c: 3}\nz: {<<: [*x, *y], b: 9}\n", file_name="f").roots[0]

    assert isinstance(root, Mapping)
    merged = root.entries["z"].value
    assert isinstance(merged, Mapping)
    texts = {name: entry.value.text for name, entry in merged.entries.items() if isinstance(entry.value, Scalar)}
    assert texts == {"b": "9", "a": "1", "c": "3"}


def test_anchors_end_with_their_document():
    assert faults_of("a: &x 1\n---\nb: *x\n") == [("SYNTAX", 3, 4, 6)]


def test_a_file_beyond_the_limit_is_refused_unread():
    assert faults_of(b"#" * (MAX_SIZE_BYTES + 1)) == [("TOO_LARGE", 1, 1, 2)]
    assert faults_of(b"#" * MAX_SIZE_BYTES) == []


def test_aliases_may_not_unfold_without_limit():
    few = "a: &a [1, 2, 3]\nb: [" + ", ".join(["*a"] * 1000) + "]\n"
    many = "a: &a [" + "x, " * 1000 + "x]\nb: [" + ", ".join(["*a"] * (MAX_ALIASED_NODES // 1000)) + "]\n"

    assert faults_of(few) == []
    assert [code for code, *_ in faults_of(many)] == ["ALIAS_LIMIT"]


def test_aliases_may_not_nest_without_limit():
    chain = "".join(f"k{n}: &n{n} [*n{n - 1}]\n" for n in range(1, 200))

    assert [code for code, *_ in faults_of("k0: &n0 []\n" + chain)] == ["SYNTAX"]


def test_a_text_may_not_hold_values_without_limit():
    builder = TreeBuilder("f", max_nodes=10)

    with pytest.raises(StopReadingError, match="more than 10 values") as caught:
        builder.take(yaml.parse("[x, x, x, x, x,\nx, x, x, x, x, x]"))

    assert (caught.value.fault.code, caught.value.fault.line) == (Code.TOO_LARGE, 2)


def test_endless_faults_of_the_text_are_cut():
    codes = [code for code, *_ in faults_of("a: 1\n" * 5000)]

    assert len(codes) == MAX_FAULTS + 1
    assert codes[-1] == "TOO_MANY_FAULTS"


def test_a_bomb_is_refused_at_once():
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    letters = "abcdefghijklmnop"
    bomb += "".join(f"{c}: &{c} [{', '.join(['*' + p] * 10)}]\n" for p, c in itertools.pairwise(letters))

    codes = [code for code, *_ in faults_of(bomb)]

    assert codes == ["ALIAS_LIMIT"]  # expanded, it would be 10 to the 16th parts and never end


def test_lines_are_counted_as_yaml_counts_them():
    assert lines_of("a\r\nb\rc\x85d\u2028e\n") == ["a", "b", "c", "d", "e", ""]


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=200), st.text(max_size=200), st.text(alphabet="a:-[]{}&*!|>'\"#%@ \n\t,?<", max_size=60)
    )
)
def test_no_text_raises(text):
    documents = read(text, file_name="f")

    assert len(documents.roots) == len(documents.first_lines)
