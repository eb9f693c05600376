"""A refusal says what to do, where something can be done."""

import pytest

from borealis_server.domain.kubernetes.refusals import Cause, explained, managers_in

BY_ANA = 'conflict with "ana" using v1'


@pytest.mark.parametrize(
    ("code", "causes", "detail", "expected"),
    [
        pytest.param(
            409,
            [Cause(field=".data.a", message=BY_ANA), Cause(field=".data.b", message=BY_ANA)],
            "",
            "X x has fields of somebody else (.data.a, .data.b belongs to ana): take them out of the manifest, "
            "write the values they have, or let that manager give them up",
            id="conflict",
        ),
        pytest.param(
            422,
            [Cause(field="spec.selector", message="Invalid value: {}: field is immutable")],
            "",
            "X x cannot be changed in place: spec.selector is immutable (Invalid value: {}: field is immutable); "
            "give the object another name, or delete it and start again",
            id="immutable",
        ),
        pytest.param(
            404,
            [],
            'namespaces "n" not found',
            'X x needs a namespace that does not exist (namespaces "n" not found): create it, or add it to the '
            "manifests",
            id="namespace",
        ),
        pytest.param(409, [Cause(field="", message="the object has been modified")], "", "", id="other-conflict"),
        pytest.param(422, [Cause(field="spec.ports", message="Required value")], "", "", id="invalid"),
        pytest.param(404, [], "the server could not find the requested resource", "", id="not-found"),
    ],
)
def test_a_refusal_is_explained_where_that_helps(code, causes, detail, expected):
    assert explained(code, causes, detail, "X x") == expected


def test_the_managers_of_a_conflict_are_found():
    causes = [Cause(field=".a", message=BY_ANA), Cause(field=".b", message="other")]

    assert managers_in(causes) == {"ana"}
