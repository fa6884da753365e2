# SPDX-License-Identifier: Apache-2.0
"""Every command that the README shows in a fenced sh block and that starts with `build/strata` or `make help` runs."""

import re
import subprocess

import pytest

from program import CLEAN, ROOT

BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
COMMANDS = [line.split("  #")[0].strip() for block in BLOCKS for line in block.splitlines() if re.match(r"(build/strata|make help)\b", line)]


def test_there_are_commands():
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_readme(world, command):
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=ROOT,
        env={**CLEAN, "STRATA_URL": world.url},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, f"{done.returncode}\n{done.stderr}"
    assert done.stdout.strip()
