"""What packages import is declared, and the import contracts know every package."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

EXTRA_OF = {
    "borealis_agent": "agent",
    "borealis_cli": "cli",
    "borealis_client": None,
    "borealis_sandbox": "sandbox",
    "borealis_server": "server",
}
"""The extra that brings what a program needs; None is the base install."""

OPTIONAL = {
    "clients/python/borealis_client/kubernetes.py": "kubernetes",
    "clients/python/borealis_client/login/system_keyring.py": "cli",
}
"""Modules that nothing else imports, each with the extra that brings what it needs."""

FOUND_IN = {
    "google": "googleapis-common-protos",
    "google.protobuf": "protobuf",
    "google.rpc": "googleapis-common-protos",
}
"""Distributions of the one namespace that several share."""


@pytest.fixture(scope="module")
def project(repository):
    return tomllib.loads((repository.root / "pyproject.toml").read_text(encoding="utf-8"))


def package_of(module):
    return next((part for part in module.path.split("/") if part.startswith("borealis_")), "")


def imported(tree):
    """Full names of everything a module imports at run time or for types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module if node.module != "google" else f"google.{node.names[0].name}"


def test_every_package_of_the_wheel_stands_in_the_import_contracts(project):
    wheel = {path.split("/")[-1] for path in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}

    assert set(project["tool"]["importlinter"]["root_packages"]) == wheel - {"borealis"}


def test_every_import_contract_has_a_name_that_states_a_rule(project):
    contracts = project["tool"]["importlinter"]["contracts"]
    names = [contract["name"] for contract in contracts]

    assert len(set(names)) == len(names) > 10
    assert all(len(name.split()) >= 4 for name in names)
    assert not any("ignore_imports" in contract for contract in contracts), "an exception hides a broken rule"


def test_the_domain_imports_the_standard_library_and_the_deploy_file_only(modules):
    allowed = sys.stdlib_module_names | {"borealis_deployfile", "borealis_server"}
    foreign = [
        f"{module.path}: {name}"
        for module in modules
        if module.path.startswith("server/borealis_server/domain/")
        for name in imported(module.tree)
        if name.split(".")[0] not in allowed
    ]

    assert foreign == []


@pytest.mark.parametrize("program", EXTRA_OF)
def test_what_a_program_imports_is_declared_by_its_own_extra(program, modules, project):
    """Installed alone, `pip install borealis-cd[agent]` must run: what others bring does not count."""
    needed = third_party_of(program, modules)

    assert needed - declared(project, EXTRA_OF[program]) == set()


@pytest.mark.parametrize("path", OPTIONAL)
def test_an_optional_module_stands_alone_and_its_extra_brings_what_it_needs(path, modules, project):
    name = path.removesuffix(".py").split("/", 2)[2].replace("/", ".")
    importers = [module.path for module in modules if module.is_in_package and name in set(imported(module.tree))]
    (tree,) = (module.tree for module in modules if module.path == path)
    foreign = {one.split(".")[0] for one in imported(tree)} - sys.stdlib_module_names - {"borealis_client"}

    assert importers == []
    assert {normal(one) for one in foreign} <= declared(project, OPTIONAL[path])


def third_party_of(program, modules):
    """Distributions that a program needs, with those of our own packages that it imports."""
    distributions = packages_distributions()
    seen, waiting, needed = set(), {program}, set()
    while waiting:
        package = waiting.pop()
        seen.add(package)
        own = [module for module in modules if package_of(module) == package and module.path not in OPTIONAL]
        for name in (name for module in own for name in imported(module.tree)):
            top = name.split(".")[0]
            if top.startswith("borealis_"):
                waiting |= {top} - seen
            elif top == "borealis":
                needed.add("protobuf")
            elif top not in sys.stdlib_module_names:
                key = ".".join(name.split(".")[:2])
                needed.add(FOUND_IN.get(key) or FOUND_IN.get(top) or distributions[top][0])
    return {normal(name) for name in needed}


def declared(project, extra):
    lines = list(project["project"]["dependencies"])
    lines += project["project"]["optional-dependencies"][extra] if extra else []
    return {normal(re.split(r"[^A-Za-z0-9._-]", line)[0]) for line in lines} | BROUGHT_ALONG


BROUGHT_ALONG = {"yarl", "h2", "multidict", "pydantic"}
"""Parts of a declared library's own interface: aiohttp speaks yarl, grpclib h2, pydantic-settings pydantic."""


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()
