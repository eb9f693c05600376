"""The contract and the code that serves it agree: reasons, permissions, servicers."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING

import pytest
from google.protobuf.descriptor_pb2 import MethodOptions

from borealis.auth.v1 import permission_pb2
from borealis.errors.v1 import reason_pb2
from borealis_server.domain import errors
from borealis_server.domain.access import API_GRANTS, Permission
from borealis_server.domain.roles import SYSTEM_ROLES
from borealis_server.transport import servicers
from borealis_server.transport.errors import STATUS_CODES, to_status
from borealis_server.transport.interceptors.audit import is_audited
from borealis_server.transport.interceptors.auth import needed_permission
from kit.methods import all_methods

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def leaves() -> list[type[errors.BorealisError]]:
    """Every error with a reason of its own."""

    def below(kind: type[errors.BorealisError]) -> Iterator[type[errors.BorealisError]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    return [leaf for leaf in below(errors.BorealisError) if "reason" in vars(leaf)]


METHODS = all_methods()
METHOD_IDS = [method.full_name for method in METHODS]


def test_there_are_methods_to_look_at():
    assert len(METHODS) >= 15
    assert "borealis.tunnel.v1.TunnelService.Lane" in METHOD_IDS


@pytest.mark.parametrize("method", METHODS, ids=METHOD_IDS)
def test_every_rpc_names_the_permission_it_needs(method):
    permission = needed_permission(f"/{method.containing_service.full_name}/{method.name}")

    assert permission is not None, f"{method.full_name} names no permission, so that nobody may call it"


def test_only_getting_a_token_is_public():
    public = [
        method.full_name
        for method in METHODS
        if needed_permission(f"/{method.containing_service.full_name}/{method.name}") is Permission.PUBLIC
    ]

    assert public == ["borealis.identity.v1.IdentityService.IssueToken"]


@pytest.mark.parametrize("method", METHODS, ids=METHOD_IDS)
def test_every_rpc_has_a_servicer_method(method):
    proto = method.containing_service.file.name
    generated = importlib.import_module(f"{proto.removesuffix('.proto').replace('/', '.')}_pb2_grpc")
    parent = getattr(generated, f"{method.containing_service.name}Servicer")
    for module in pkgutil.iter_modules(servicers.__path__, f"{servicers.__name__}."):
        importlib.import_module(module.name)

    own = [child for child in parent.__subclasses__() if child.__module__.startswith(servicers.__name__)]

    assert len(own) == 1, f"{method.containing_service.full_name} needs exactly one servicer"
    assert method.name in vars(own[0]), f"{own[0].__name__} lacks {method.name}"


def test_every_rpc_that_may_change_something_is_audited():
    """Reads say that they are; what is public has no caller; agents and kubectl are audited call by call."""
    unaudited = {
        method.full_name
        for method in METHODS
        if method.GetOptions().idempotency_level != MethodOptions.NO_SIDE_EFFECTS
        and not is_audited(f"/{method.containing_service.full_name}/{method.name}")
    }

    assert unaudited == {
        "borealis.identity.v1.IdentityService.IssueToken",
        "borealis.kube.v1.KubeService.Exchange",
        "borealis.tunnel.v1.TunnelService.Lane",
    }


@pytest.mark.parametrize("method", METHODS, ids=METHOD_IDS)
def test_what_calls_itself_a_read_is_named_like_one(method):
    is_read = method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS

    assert is_read == method.name.startswith(("CanI", "Get", "List", "Watch", "Explain", "Export", "Verify"))


def test_a_method_that_names_nothing_is_for_nobody():
    assert needed_permission("/borealis.identity.v1.IdentityService/Nothing") is None
    assert needed_permission("/nobody.knows.It/Nothing") is None
    assert needed_permission("") is None


def test_permissions_are_those_of_the_contract():
    names = {name.removeprefix("PERMISSION_") for name in permission_pb2.Permission.DESCRIPTOR.values_by_name}

    assert {permission.name for permission in Permission} == names - {"UNSPECIFIED"}


def test_every_permission_is_given_by_a_grant_and_by_a_role_of_the_system():
    everybody = {Permission.PUBLIC, Permission.AUTHENTICATED}
    of_roles = [grant.gives() for role in SYSTEM_ROLES.values() for grant in role.grants]

    assert frozenset().union(*of_roles) == frozenset(Permission) - everybody
    assert all(gives for levels in API_GRANTS.values() for gives in levels.values())


def test_every_reason_has_exactly_one_class_and_the_other_way_round():
    named = sorted(leaf.reason for leaf in leaves())
    reasons = sorted(
        name.removeprefix("REASON_")
        for name in reason_pb2.Reason.DESCRIPTOR.values_by_name
        if name != "REASON_UNSPECIFIED"
    )

    assert named == reasons


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.__name__)
def test_every_error_is_of_exactly_one_kind_that_has_a_status(leaf):
    kinds = [kind for kind in STATUS_CODES if issubclass(leaf, kind)]

    assert len(kinds) == 1


SAMPLES: dict[Callable[..., errors.BorealisError], tuple[tuple[object, ...], dict[str, object]]] = {
    errors.InvalidArgument: (([errors.Violation(field="a", description="must be b")],), {}),
    errors.DeployFileInvalid: (
        ([errors.FileFault(file="d.yaml", line=3, column=7, code="X", message="no", help="yes")],),
        {},
    ),
    errors.ConfigInvalid: (([errors.FileFault(file="c.yaml", line=1, column=1, code="X", message="no")],), {}),
    errors.RelayRefused: (("west", "DENIED", "not allowed"), {"dispatched": False}),
    errors.AgentUnavailable: (("west",), {"dispatched": None}),
    errors.ClusterRefused: ((422, "Invalid", "spec is wrong"), {}),
}


def sample(leaf: Callable[..., errors.BorealisError]) -> errors.BorealisError:
    """An instance with a word for each parameter."""
    if leaf in SAMPLES:
        arguments, options = SAMPLES[leaf]
        return leaf(*arguments, **options)
    needed = [
        name
        for name, parameter in inspect.signature(leaf).parameters.items()
        if parameter.default is inspect.Parameter.empty
    ]
    return leaf(*needed)


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.__name__)
def test_every_error_says_what_to_do_and_becomes_a_status_with_its_reason(leaf):
    error = sample(leaf)

    status = to_status(error)

    assert status.code > 0
    assert status.message == error.message
    assert f'reason: "{leaf.reason}"' in str(status) or leaf.reason.encode() in status.details[0].value
    says_what_to_do = ":" in error.message or ";" in error.message or leaf in (errors.Internal, errors.InvalidArgument)
    assert says_what_to_do, error.message
