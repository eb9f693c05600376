"""Feeds broken deploy files to the rules until a time is up: `python tests/conformance/fuzz.py --minutes 10`.

Looks for crashes, for texts that take too long, and for too much memory. A text that fails is kept and named by its
seed, so that it can be made again with `--seed N --count 1`.
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import sys
import time
from typing import TYPE_CHECKING, Final

from borealis_deployfile.annotations import to_annotations
from borealis_deployfile.manifests import FileContent, check_manifests, collect_paths
from borealis_deployfile.parse import check
from borealis_deployfile.planning.document import to_document
from borealis_deployfile.planning.planner import make_plan
from borealis_deployfile.report import render, to_json
from borealis_deployfile.sarif import to_sarif
from borealis_deployfile.unsupported import unsupported

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from kit.corpus import BAD, GOOD, ROOT

if TYPE_CHECKING:
    from types import FrameType

LIMIT_S: Final = 5
"""Longest time for one text; the slowest sound one of 10 MiB stays below it."""
LIMIT_BYTES: Final = 200 * 2**20
_MARKS: Final = "{{ }} {{{ { } [ ] : - & * << <<: | > ' \" # % @ ! ~ \t \\ \x00 \x85 \u2028"
_WORDS: Final = (
    "null true no 012 .nan .inf 1e999 -1 101 &a *a {{secrets.x}} {{context.y}} {{armory.z}} \u00e9 \U0001f600"
)
_TOKENS: Final = (*_MARKS.split(" "), *_WORDS.split(" "), "\n", "\n  ", "\n    ", "\n- ", ": ", " #")


def main() -> int:
    """Run until the time is up; 1 if anything was found."""
    arguments = _arguments()
    signal.signal(signal.SIGALRM, _too_long)
    texts = [file.read_bytes() for file in (*GOOD, *BAD)]
    manifests = tuple(
        FileContent(name=file.name, content=file.read_bytes()) for file in sorted((ROOT / "good").rglob("*/*.y*ml"))
    )
    end, seed, slowest_s, found = time.monotonic() + 60 * arguments.minutes, arguments.seed, 0.0, 0
    while (arguments.count is None or seed < arguments.seed + arguments.count) and time.monotonic() < end:
        text = _mutated(random.Random(seed), texts)  # noqa: S311 - the same text for the same seed
        start = time.perf_counter()
        found += not _survives(seed, text, manifests)
        slowest_s = max(slowest_s, time.perf_counter() - start)
        seed += 1
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    found += memory > LIMIT_BYTES
    sys.stdout.write(
        f"{seed - arguments.seed} texts, {found} problems, slowest {slowest_s:.2f} s, most memory {memory >> 20} MiB\n"
    )
    return 1 if found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=None, help="stop after so many texts")
    return parser.parse_args()


def _survives(seed: int, text: bytes, manifests: tuple[FileContent, ...]) -> bool:
    signal.alarm(LIMIT_S)
    try:
        _use(text, manifests)
    except Exception as error:  # noqa: BLE001 - the loop's top: everything that is raised is a find
        name = f"fuzz-{seed}.yaml"
        with open(name, "wb") as kept:  # noqa: PTH123 - beside whoever runs this
            kept.write(text)
        sys.stdout.write(f"seed {seed}: {type(error).__name__}: {error} (kept as {name})\n")
        return False
    finally:
        signal.alarm(0)
    return True


def _use(text: bytes, manifests: tuple[FileContent, ...]) -> None:
    """Everything that a client or a server does with a text."""
    result = check(text, file_name="f")
    assert (result.file is None) == bool(result.faults)
    faults = (*result.faults, *result.warnings)
    shown = text.decode(errors="replace")
    for write in (lambda: render(faults, shown), lambda: to_json(faults), lambda: to_annotations(faults)):
        assert isinstance(write(), str)
    assert to_sarif(faults, tool_version="0")
    # The same text as a manifest: hostile ones come from there as well.
    file = result.file or check(_PLAIN, file_name="f").file
    assert file is not None
    found = dict.fromkeys(collect_paths(file), (*manifests, FileContent(name="text", content=text)))
    objects = check_manifests(file, found)
    assert unsupported(file) is not None
    assert to_document(make_plan(file, {} if objects.faults else objects.objects_by_target))


def _mutated(chance: random.Random, texts: list[bytes]) -> bytes:
    text = chance.choice(texts).decode(errors="replace")
    for _ in range(chance.randint(1, 6)):
        text = chance.choice(_MUTATIONS)(chance, text, texts)
        if len(text) > 2**20:
            break
    content = text.encode(errors="surrogatepass")
    if chance.random() < 0.05:
        place = chance.randrange(len(content) + 1)
        content = content[:place] + chance.randbytes(3) + content[place:]
    return content


def _insert(chance: random.Random, text: str, _: list[bytes]) -> str:
    place = chance.randrange(len(text) + 1)
    return text[:place] + "".join(chance.choices(_TOKENS, k=chance.randint(1, 4))) + text[place:]


def _delete(chance: random.Random, text: str, _: list[bytes]) -> str:
    place = chance.randrange(len(text) + 1)
    return text[:place] + text[place + chance.randint(1, 40) :]


def _move_line(chance: random.Random, text: str, _: list[bytes]) -> str:
    lines = text.splitlines(keepends=True) or [""]
    line = chance.choice(lines)
    lines.insert(chance.randrange(len(lines) + 1), " " * chance.choice([0, 0, 2, 4, 8]) + line.lstrip())
    return "".join(lines)


def _splice(chance: random.Random, text: str, texts: list[bytes]) -> str:
    other = chance.choice(texts).decode(errors="replace")
    return text[: chance.randrange(len(text) + 1)] + other[chance.randrange(len(other) + 1) :]


def _repeat(chance: random.Random, text: str, _: list[bytes]) -> str:
    start = chance.randrange(len(text) + 1)
    part = text[start : start + chance.randint(1, 60)]
    return text[:start] + part * chance.choice([2, 10, 300]) + text[start:]


def _nest(chance: random.Random, text: str, _: list[bytes]) -> str:
    place = chance.randrange(len(text) + 1)
    opened, closed = chance.choice(["[]", "{}", ("{a: ", "}"), ("- ", "")])
    depth = chance.choice([5, 50, 150, 5000])
    return text[:place] + opened * depth + closed * depth + text[place:]


def _bomb(chance: random.Random, text: str, _: list[bytes]) -> str:
    width = chance.choice([2, 9])
    rows = ["metadata:", "  a0: &a0 [x]"]
    rows += [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, chance.choice([4, 20]))]
    return "\n".join(rows) + "\n" + text


def _swap_words(chance: random.Random, text: str, _: list[bytes]) -> str:
    words = text.split()
    if not words:
        return text
    return text.replace(chance.choice(words), chance.choice(words), chance.choice([1, -1]))


def _too_long(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"longer than {LIMIT_S} s")


_MUTATIONS: Final = (_insert, _insert, _delete, _delete, _move_line, _splice, _repeat, _nest, _bomb, _swap_words)
_PLAIN: Final = "application: a\ntargets: {t: {account: c, namespace: n}}\nmanifests: [{path: k}]\n"

if __name__ == "__main__":
    sys.exit(main())
