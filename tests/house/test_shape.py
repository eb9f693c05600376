"""Files and functions stay small enough to be read in one go, and packages look alike."""

from __future__ import annotations

import ast
import re
import statistics
from itertools import chain, pairwise
from pathlib import PurePosixPath

FILE_LINES = 400
FUNCTION_LINES = 60
BANNED = {
    "monkeypatch.setattr",
    "pytest.importorskip",
    "pytest.mark.skip",
    "pytest.mark.skipif",
    "pytest.mark.xfail",
    "pytest.skip",
    "pytest.xfail",
}
_SILENCED = re.compile(r"# (?:type: ignore(?:\[[\w, -]+\])?|noqa(?:: [A-Z0-9, ]+)?)\s*$")
_EXCUSE = re.compile(r"^# Long on purpose: .{20,}", re.MULTILINE)


def functions(module):
    return [node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def lines_of(function):
    """Lines from `def` to the end, the docstring left out."""
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def test_there_is_code_to_look_at(modules):
    assert len(modules) > 100
    assert {module.path.split("/")[0] for module in modules} >= {"agent", "clients", "protos", "server", "tests"}


def test_no_file_is_longer_than_400_lines_unless_it_says_why(modules):
    """A file that is better long says so in a comment of its own: `# Long on purpose: ...`."""
    sizes = {module.path: len(module.text.splitlines()) for module in modules if not _EXCUSE.search(module.text)}

    assert {path: size for path, size in sizes.items() if size > FILE_LINES} == {}


def test_no_function_is_longer_than_60_lines(modules):
    sizes = {
        f"{module.path}:{function.lineno} {function.name}": lines_of(function)
        for module in modules
        for function in functions(module)
    }

    assert {place: size for place, size in sizes.items() if size > FUNCTION_LINES} == {}


def test_functions_are_short_as_a_rule(modules):
    sizes = [lines_of(function) for module in modules if module.is_in_package for function in functions(module)]

    assert statistics.median(sizes) <= 8
    assert statistics.quantiles(sizes, n=10)[-1] <= 30


def test_no_module_has_a_name_that_says_nothing(modules):
    says_nothing = re.compile(r"(^|_)(utils?|helpers?|common|base|managers?|misc|stuff)($|_)")
    parts = {module.path: [PurePosixPath(part).stem for part in PurePosixPath(module.path).parts] for module in modules}

    assert [path for path, names in parts.items() if any(says_nothing.search(name) for name in names)] == []


def test_every_shipped_module_says_what_it_owns(modules):
    silent = [module.path for module in modules if module.is_in_package and not ast.get_docstring(module.tree)]

    assert silent == []


def test_package_files_hold_a_docstring_and_nothing_else_except_the_public_api(modules):
    """Only `borealis_client` re-exports: everywhere else a name has one path."""
    packages = [module for module in modules if module.is_in_package and module.path.endswith("/__init__.py")]
    crowded = [module.path for module in packages if len(module.tree.body) > 1]

    assert crowded == ["clients/python/borealis_client/__init__.py"]


def test_every_package_is_typed(repository):
    roots = {str(PurePosixPath(path).parent) for path in repository.matching("/__init__.py")}
    packages = {path for path in roots if PurePosixPath(path).name.startswith("borealis_")}

    assert len(packages) == 8
    assert [path for path in sorted(packages) if f"{path}/py.typed" not in repository.paths] == []


def test_tests_have_no_packages_and_stand_on_a_known_floor(repository):
    tests = [path for path in repository.paths if path.startswith("tests/")]
    floors = {path.split("/")[1] for path in tests if path.endswith(".py")} - {"conftest.py", "kit"}

    assert [path for path in tests if path.endswith("__init__.py") and path != "tests/kit/__init__.py"] == []
    assert floors <= {
        "bench",
        "conformance",
        "contract",
        "e2e",
        "fault",
        "house",
        "integration",
        "kube",
        "model",
        "unit",
    }


def test_data_is_kept_in_slots(modules):
    loose = [
        f"{module.path}:{node.lineno} {node.name}"
        for module in modules
        if module.is_in_package
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and not all(map(_has_slots, filter(_is_dataclass, node.decorator_list)))
    ]

    assert loose == []


def _is_dataclass(decorator):
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(name, ast.Name) and name.id == "dataclass"


def _has_slots(decorator):
    keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
    return any(word.arg == "slots" and ast.unparse(word.value) == "True" for word in keywords)


def test_whoever_silences_a_tool_says_why(modules):
    """On the same line after the code of the rule, or in a comment on the line above."""
    silent = [
        f"{module.path}:{number} {line.strip()}"
        for module in modules
        if module.is_in_package
        for number, (above, line) in enumerate(pairwise(["", *module.text.splitlines()]), start=1)
        if _SILENCED.search(line) and not above.lstrip().startswith("#")
    ]

    assert silent == []


def test_tests_patch_nothing_skip_nothing_and_do_not_sleep_in_threads(modules):
    found = [
        f"{module.path}:{line} {name}"
        for module in modules
        if module.path.startswith("tests/")
        for line, name in chain(_imports(module.tree), _attributes(module.tree))
        if name in BANNED
        or name.startswith(("unittest.mock", "mock."))
        or (name == "time.sleep" and module.path.startswith("tests/unit/"))
    ]

    assert found == []


def _imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _attributes(tree):
    """Dotted names with a suspicious end; writing out every attribute would be slow."""
    ends = {name.rpartition(".")[2] for name in BANNED} | {"sleep"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ends:
            yield node.lineno, ast.unparse(node)
