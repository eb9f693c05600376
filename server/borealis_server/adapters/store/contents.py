"""Texts by their content: what deployments are made of is kept once for each tenant, named by its SHA-256.

Pure; the store does the writing. The names also prove that what is read is what was written.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from borealis_server.domain.deployment import DeploymentInputs


def addressed(inputs: DeploymentInputs) -> tuple[DeploymentInputs, dict[str, str]]:
    """The inputs with digests in the place of texts, and the texts by digest."""
    contents = {_digest(text): text for text in _texts(inputs)}
    names = {text: digest for digest, text in contents.items()}
    return _mapped(inputs, names), contents


def digests_in(inputs: DeploymentInputs) -> tuple[str, ...]:
    """The digests that addressed inputs name, each once."""
    return tuple(dict.fromkeys(_texts(inputs)))


def resolved(inputs: DeploymentInputs, contents: Mapping[str, str]) -> DeploymentInputs:
    """Addressed inputs with their texts. Errors: ValueError when a text is missing or is not what its digest names."""
    for digest in digests_in(inputs):
        if digest not in contents or _digest(contents[digest]) != digest:
            raise ValueError(f"the store has lost or changed the content {digest}")
    return _mapped(inputs, contents)


def _texts(inputs: DeploymentInputs) -> Iterator[str]:
    yield inputs.deploy_file
    for texts in inputs.objects.values():
        yield from texts
    for files in inputs.files.values():
        yield from (one.content for one in files)


def _mapped(inputs: DeploymentInputs, names: Mapping[str, str]) -> DeploymentInputs:
    return replace(
        inputs,
        deploy_file=names[inputs.deploy_file],
        objects={target: tuple(names[text] for text in texts) for target, texts in inputs.objects.items()},
        files={
            path: tuple(replace(one, content=names[one.content]) for one in files)
            for path, files in inputs.files.items()
        },
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
