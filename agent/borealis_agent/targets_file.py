"""The targets file: the agent's allow-list as its operator writes it, in TOML. Reads; what it means is the policy's."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from borealis_agent.targets.policy import KubeRule, Policy, faults_of

if TYPE_CHECKING:
    from pathlib import Path


class TargetsFault(ValueError):  # noqa: N818 - it names what is wrong with the file
    """The targets file cannot be used. The text has one line for each fault, with its place."""


def read_targets(path: Path) -> Policy:
    """The allow-list in a file.

    Errors: TargetsFault with all faults.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TargetsFault(f"cannot read {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise TargetsFault(f"{path} is not TOML: {error}") from error
    try:
        policy = TypeAdapter(Policy).validate_python(given)
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise TargetsFault("\n".join(lines)) from error
    faults = faults_of(policy)
    if faults:
        raise TargetsFault("\n".join(f"{path}: {fault}" for fault in faults))
    return policy


def kube_alone(paths: tuple[str, ...]) -> Policy:
    """The allow-list without a file: the Kubernetes API, with what its RBAC gives the agent, below `paths`."""
    return Policy(kube=KubeRule(paths=paths))
