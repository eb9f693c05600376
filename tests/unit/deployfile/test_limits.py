"""Large and hostile files: checked in a blink, refused at once, and never with much memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from borealis_deployfile.faults import Code
from borealis_deployfile.parse import check
from kit.effort import effort_beside_yaml

HEAD = "application: a\nmanifests: [{path: k}]\n"
MEMORY_LIMIT_MIB = 200
# Checks one text of 10 MiB in a process of its own and prints the most memory that this took, in MiB. The kernel's own
# record of this program: the one of `getrusage` begins with what the process that forked it had.
MEASURE = """
import re
from borealis_deployfile.parse import check
result = check({text}, file_name="f")
kibibytes = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
print(kibibytes // 1024, len(result.faults))
"""
SIZE = 10 * 2**20 - 500


def whole_language(lines: int) -> str:
    """A sound file that uses every part of the language over and over."""
    parts = [HEAD, "context: {suite: fast}\ntargets:\n  t0: {account: a, namespace: n0, strategy: s0}\n"]
    hook = "{runWebhook: {name: w1, context: {region: eu}}}"
    parts += [
        f"  t{n}:\n    account: a\n    namespace: n{n}\n    strategy: s{n % 50}\n    constraints:\n"
        f"      dependsOn: [t{n - 1}]\n      afterDeployment:\n        - {hook}\n"
        for n in range(1, lines // 16)
    ]
    steps = "".join(
        f"        - setWeight:\n            weight: {weight}\n        - pause:\n            duration: 5\n"
        "            unit: minutes\n"
        "        - analysis: {interval: 1, units: minutes, numberOfJudgmentRuns: 2, queries: [q]}\n"
        for weight in range(1, 11)
    )
    parts += ["strategies:\n", *(f"  s{n}:\n    canary:\n      steps:\n{steps}" for n in range(50))]
    parts.append("analysis: {defaultMetricProviderName: p, queries: [{name: q, queryTemplate: x, upperLimit: 1}]}\n")
    parts.append("webhooks: [{name: w1, uriTemplate: 'https://a.example/{{context.suite}}/{{context.region}}'}]\n")
    text = "".join(parts)
    return text + "# end\n" * (lines - text.count("\n"))


def test_a_file_of_8000_lines_in_the_whole_language_is_checked_in_a_blink():
    text = whole_language(8000)
    assert text.count("\n") == 8000

    result = check(text, file_name="f")

    assert result.faults == result.warnings == ()
    assert effort_beside_yaml(lambda: check(text, file_name="f"), text) < 6  # measured 2.8, which is 0.2 s


def test_a_bomb_of_aliases_is_refused_at_once():
    rows = ["metadata:", "  a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]

    (fault,) = check(HEAD + "\n".join(rows), file_name="f").faults

    assert fault.code is Code.ALIAS_LIMIT  # expanded, it would be 9 to the 12th parts and never end


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{HEAD!r} + ''.join(f'k{{i:07}}: 1\\n' for i in range({SIZE // 12}))", id="keys"),
        pytest.param(f"{HEAD!r} + 'metadata: [' + 'a,' * {SIZE // 2} + ']'", id="a-long-list"),
        pytest.param(f"{HEAD!r} + \"context: {{a: '\" + '{{{{a.b}}}} ' * {SIZE // 8} + \"'}}\"", id="tags"),
        pytest.param(
            f"{HEAD!r} + 'targets:\\n' + ''.join(f'  t{{i:06}}: {{{{account: a, namespace: n, strategy: s}}}}\\n' "
            f"for i in range({SIZE // 52}))",
            id="targets",
        ),
    ],
)
def test_ten_mebibytes_take_little_memory(text):
    done = subprocess.run([sys.executable, "-c", MEASURE.format(text=text)], capture_output=True, text=True, check=True)

    mebibytes, faults = map(int, done.stdout.split())
    assert mebibytes < MEMORY_LIMIT_MIB
    assert faults
