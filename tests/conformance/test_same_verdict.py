"""The command line and the server never disagree about a deploy file: same faults, same places, same refusals."""

from __future__ import annotations

import io
import json
import random
import runpy
from collections import defaultdict
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from shutil import copytree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from borealis_cli.main import main
from borealis_client import gather
from borealis_deployfile.language.examples import complete, fragment_of
from borealis_deployfile.language.paths import entries
from borealis_deployfile.language.reference import to_yaml
from borealis_deployfile.manifests import FileContent, collect_addresses, collect_paths
from borealis_deployfile.parse import check
from borealis_server.domain.errors import DeployFileInvalid
from borealis_server.domain.start import StartRequest, checked
from kit.corpus import BAD, GOOD

MUTATED = runpy.run_path(str(Path(__file__).with_name("fuzz.py")))["_mutated"]
TEXTS = [file.read_bytes() for file in (*GOOD, *BAD)]
EXAMPLES = [to_yaml(complete(fragment_of(entry))).encode() for entry in entries()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the manifests of the corpus."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("k8s", "manifests"):
        copytree(GOOD[0].parent / name, folder / name)
    return folder


def by_command_line(path: Path):
    """Exit code and faults as `borealis validate` tells them, what is not supported among them."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["validate", "-f", str(path), "-o", "json"])
    out.seek(0)
    document = json.loads(out.read())
    faults = [*document["faults"], *document["not_supported"]]
    assert document["startable"] == (not faults)
    assert document["valid"] == (code == 0) == (not document["faults"])
    return {(one["file"], one["line"], one["column"], one["code"]) for one in faults}, len(document["warnings"])


def by_server(path: Path):
    """Faults as the server tells them to whoever sends what the command line would send."""
    gathered = gather(path)
    files: defaultdict[str, tuple[FileContent, ...]] = defaultdict(tuple)
    for one in gathered.manifest_files:
        files[one.path] += (FileContent(name=one.name, content=one.content),)
    accounts = {target.account for target in gathered.file.targets} if gathered.file else Everything()
    request = StartRequest(
        tenant="main", actor="test", deploy_file=gathered.content, file_name=gathered.file_name, files=files
    )
    try:
        start = checked(request, accounts)
    except DeployFileInvalid as error:
        return {(one.file, one.line, one.column, one.code) for one in error.faults}, None
    return set(), len(start.warnings)


class Everything(frozenset):
    """Has every account."""

    def __contains__(self, _name):
        return True


def assert_same(path: Path):
    file = check(path.read_bytes(), file_name=str(path)).file
    below = [(path.parent / one).resolve() for one in (collect_paths(file) if file else ())]
    if not all(one.is_relative_to(path.parent) for one in below) or (file and collect_addresses(file)):
        return  # a path that leads out of the folder would read the machine, an address the network
    told, warnings = by_command_line(path)
    refused, server_warnings = by_server(path)

    assert told == refused
    assert server_warnings in {None, warnings}


@pytest.mark.parametrize("file", [*GOOD, *BAD], ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_both_agree_on_the_corpus(file):
    assert_same(file)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_both_agree_on_broken_files(folder, seed):
    """Files of the corpus and examples of every field, with a few mutations."""
    chance = random.Random(seed)  # noqa: S311 - the same text for the same seed
    path = folder / "deploy.yaml"
    path.write_bytes(MUTATED(chance, [*TEXTS, *EXAMPLES]))

    assert_same(path)


@settings(max_examples=150)
@given(data=st.data())
def test_both_agree_on_files_put_together_from_sound_parts(folder, data):
    """Any examples of fields together: names may dangle, traffic may clash, but both say the same."""
    document = complete({})
    for entry in data.draw(st.lists(st.sampled_from(entries()), max_size=5)):
        document |= fragment_of(entry)
    for name in data.draw(st.lists(st.sampled_from(sorted(document)), max_size=2)):
        document.pop(name, None)
    path = folder / "deploy.yaml"
    path.write_text(to_yaml(document), encoding="utf-8")

    assert_same(path)
