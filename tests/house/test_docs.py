"""The documents hold: links lead somewhere, decisions are listed, examples pass the rules, pages say what code says."""

from __future__ import annotations

import re
import runpy
import shlex
from collections import defaultdict
from pathlib import PurePosixPath

import pytest
import typer

from borealis_cli.main import app
from borealis_deployfile.manifests import FileContent, check_manifests, collect_paths
from borealis_deployfile.parse import check
from borealis_deployfile.report import render

ADR_SECTIONS = ["Context", "Decision", "Consequences", "Refused"]
ADR_LINES = 80
_LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"\A# ([\w./-]+\.ya?ml)\n")
_PATH_IN_CODE = re.compile(r"`((?:agent|clients|protos|server|tests|docs)/[\w./-]+)`")
_PATH_IN_SERVER = re.compile(r"`((?:transport|adapters|services|ports|domain)/[\w/]+\.py)`")


@pytest.fixture(scope="module")
def pages(repository):
    return {path: text for path, text in repository.texts() if path.endswith(".md")}


def anchor(heading):
    """How a heading is linked to, as code hosts do it."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


def prose(text):
    return _FENCE.sub("", text)


def test_the_pages_a_reader_starts_from_exist(pages):
    assert {"README.md", "CHANGELOG.md", "docs/architecture.md", "docs/first-deploy.md", "docs/settings.md"} <= set(
        pages
    )


def test_every_link_leads_to_a_file_and_a_heading_that_exist(pages, repository):
    broken = []
    for page, text in pages.items():
        for link in _LINK.findall(prose(text)):
            if link.startswith(("https://", "http://", "mailto:")):
                continue
            path, _, fragment = link.partition("#")
            target = _resolved(page, path)
            headings = {anchor(heading) for heading in _HEADING.findall(prose(pages.get(target, "")))}
            if not (repository.root / target).exists() or (fragment and fragment not in headings):
                broken.append(f"{page}: {link}")

    assert broken == []


def _resolved(page, path):
    parts: list[str] = []
    for part in (*PurePosixPath(page).parent.parts, *PurePosixPath(path).parts) if path else (page,):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def test_every_path_that_a_page_names_exists(pages, repository):
    """Decisions and maps that name files which are gone mislead more than none."""
    named = [
        (page, path)
        for page, text in pages.items()
        for path in (
            *_PATH_IN_CODE.findall(prose(text)),
            *(f"server/borealis_server/{path}" for path in _PATH_IN_SERVER.findall(prose(text))),
        )
    ]

    assert len(named) > 50
    assert [f"{page}: {path}" for page, path in named if not (repository.root / path).exists()] == []


def decisions(pages):
    return sorted(PurePosixPath(page).name for page in pages if re.match(r"docs/adr/\d", page))


def test_decisions_are_numbered_without_gaps_and_listed_in_order(pages):
    names = decisions(pages)
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", pages["docs/adr/README.md"])

    assert [name[:4] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]
    assert len(names) >= 10
    assert listed == names


def test_every_decision_says_what_was_asked_decided_followed_and_refused_on_one_page(pages):
    for name in decisions(pages):
        text = pages[f"docs/adr/{name}"]
        title, *sections = _HEADING.findall(text)

        assert title.startswith(f"{name[:4]} "), name
        assert sections == ADR_SECTIONS, name
        assert len(text.splitlines()) <= ADR_LINES, name
        assert re.search(r"^Status: (accepted|superseded by \[\d{4}\])", text, re.MULTILINE), name


def examples(text):
    """Fenced YAML files of a page, by the name that their first line gives; deploy files without one are numbered."""
    named, deploy_files = {}, {}
    for number, (language, body) in enumerate(_FENCE.findall(text)):
        title = _TITLE.match(body)
        if language != "yaml":
            continue
        named[title[1] if title else f"block-{number}.yaml"] = body
        if re.search(r"^targets:", body, re.MULTILINE):
            deploy_files[title[1] if title else f"block-{number}.yaml"] = body
    return named, deploy_files


def test_every_deploy_file_in_the_documents_passes_the_rules_with_its_manifests(pages):
    seen = 0
    for page, text in pages.items():
        named, deploy_files = examples(text)
        for name, body in deploy_files.items():
            seen += 1
            result = check(body, file_name=f"{page}: {name}")
            assert not result.faults, render(result.faults, body)
            assert not result.warnings, render(result.warnings, body)
            assert result.file is not None
            checked = check_manifests(result.file, _contents(collect_paths(result.file), named))
            assert not checked.faults, [fault.message for fault in checked.faults]
            assert all(checked.objects_by_target[target.name] for target in result.file.targets)

    assert seen >= 2


def test_every_deploy_file_that_is_shipped_passes_the_rules_with_its_manifests(repository):
    paths = [path for path in repository.matching("/deploy.yaml") if not path.startswith("tests/")]

    assert paths
    for path in map(PurePosixPath, paths):
        named = {
            str(PurePosixPath(other).relative_to(path.parent)): (repository.root / other).read_text(encoding="utf-8")
            for other in repository.paths
            if PurePosixPath(other).is_relative_to(path.parent)
        }
        result = check(named[path.name], file_name=str(path))
        assert not result.faults, render(result.faults, named[path.name])
        assert result.file is not None
        checked = check_manifests(result.file, _contents(collect_paths(result.file), named))
        assert not checked.faults, [fault.message for fault in checked.faults]


def _contents(paths, named):
    """What the page shows at each path: the file itself, or every file below a folder."""
    found: defaultdict[str, tuple[FileContent, ...]] = defaultdict(tuple)
    for path in paths:
        for name, body in named.items():
            if name == path or name.startswith(f"{path.rstrip('/')}/"):
                found[path] += (FileContent(name=name, content=body.encode()),)
    return found


def test_pages_made_from_code_say_what_the_code_says(repository):
    """Run `python tests/house/reference_pages.py` when this fails."""
    made = runpy.run_path(str(repository.root / "tests/house/reference_pages.py"))["pages"]()

    for name, text in made.items():
        assert (repository.root / "docs" / name).read_text(encoding="utf-8") == text


def test_every_variable_that_programs_read_or_set_is_explained(repository):
    page = (repository.root / "docs/settings.md").read_text(encoding="utf-8")
    read = {
        name
        for path, text in repository.texts()
        if path.endswith(".py") and not path.startswith("tests/")
        for name in re.findall(r"\bBOREALIS_[A-Z_]*[A-Z]\b", text)
    }

    assert len(read) >= 8
    assert [name for name in sorted(read) if f"| `{name}` |" not in page] == []


def test_every_setting_says_what_it_means(repository):
    page = (repository.root / "docs/settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(BOREALIS_\w+)` \| .+ \| (.*) \|$", page, re.MULTILINE)

    assert len(rows) > 25
    assert [name for name, meaning in rows if len(meaning) < 20 or not meaning.endswith(".")] == []


def test_a_note_for_the_changelog_is_one_sentence_of_a_known_kind(pages):
    notes = {page: text for page, text in pages.items() if page.startswith(".changes/") and "README" not in page}
    kinds = re.compile(r"\.changes/[\w-]+\.(added|changed|fixed|removed|security)\.md")

    assert [page for page in notes if not kinds.fullmatch(page)] == []
    assert [page for page, text in notes.items() if not text.strip() or text.strip().count("\n")] == []


def test_the_changelog_has_a_part_for_what_is_not_released(pages):
    headings = _HEADING.findall(pages["CHANGELOG.md"])

    assert headings[0] == "Changelog"
    assert headings[1] == "Unreleased"


def command_lines(pages):
    """Every `borealis ...` that a page shows in a shell block, as words; comments and redirections cut off."""
    for page, text in pages.items():
        for language, body in _FENCE.findall(text):
            lines = body.splitlines() if language in ("sh", "text") else []
            for line in (one.removeprefix("$ ") for one in lines):
                if line.startswith("borealis "):
                    yield page, shlex.split(line, comments=True)[1:]


def test_every_command_that_the_documents_show_is_one_that_the_cli_takes(pages):
    """Parsed, not run: a command or option that does not exist raises here."""
    root = typer.main.get_command(app)
    shown = list(command_lines(pages))

    assert len(shown) > 10
    for _, words in shown:
        command, rest = root, words
        while rest and hasattr(command, "commands"):
            command, rest = command.commands[rest[0]], rest[1:]
        command.make_context(command.name, rest)
