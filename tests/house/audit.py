"""Looks for known vulnerabilities in the locked dependencies: `make check` runs it, and it says what it could not do.

First by the advisories in `advisories.toml`, which needs nobody. Then by one question to the OSV database, which needs
the network: where that is missing, it says so and goes on, unless `--online` demands the answer.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
OSV: Final = "https://api.osv.dev/v1/querybatch"
_LIMIT_S: Final = 10
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    """Version of each package in the text of a lock file."""
    return {name.lower().replace("_", "-"): version for name, version in _PIN.findall(lock)}


def known_faults(versions: Mapping[str, str], advisories: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """One line for each package that an advisory is about."""
    for one in advisories:
        version = versions.get(one["package"])
        if version is not None and _order(version) < _order(one["fixed"]):
            yield f"{one['package']} {version}: {one['id']}, {one['about']}; take {one['fixed']} or newer"


def asked_faults(versions: Mapping[str, str], address: str = OSV) -> list[str]:
    """One line for each package that the database knows something about. Errors: OSError when it does not answer."""
    queries = [
        {"package": {"ecosystem": "PyPI", "name": name}, "version": version} for name, version in versions.items()
    ]
    request = urllib.request.Request(  # noqa: S310 - the address is ours
        address, data=json.dumps({"queries": queries}).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=_LIMIT_S) as answer:  # noqa: S310 - as above
        results = json.load(answer)["results"]
    return [
        f"{name} {version}: {', '.join(one['id'] for one in result['vulns'])}"
        for (name, version), result in zip(versions.items(), results, strict=True)
        if result.get("vulns")
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when nothing is known, 1 when something is, 2 when `--online` could not be done."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--online", action="store_true", help="fail when the OSV database does not answer")
    parser.add_argument("--lock", type=Path, default=ROOT / "requirements.lock")
    options = parser.parse_args(arguments)
    versions = pins(options.lock.read_text())
    advisories = tomllib.loads((ROOT / "tests/house/advisories.toml").read_text())["advisory"]
    faults = list(known_faults(versions, advisories))
    try:
        faults += asked_faults(versions, os.environ.get("BOREALIS_AUDIT_URL", OSV))
    except (OSError, ValueError, KeyError) as error:
        told = f"the OSV database was not asked ({error}); {len(advisories)} advisories on file were"
        sys.stderr.write(f"audit: {told}\n")
        if options.online:
            return 2
    for fault in faults:
        sys.stderr.write(f"audit: {fault}\n")
    return 1 if faults else 0


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0]))


if __name__ == "__main__":
    sys.exit(main())
