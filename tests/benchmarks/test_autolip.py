"""AutoLip with certified norms on AlexNet's architecture stays within a minute and 4 GiB: `pytest -m benchmark`."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest


@pytest.mark.benchmark
def test_alexnet_within_a_minute_and_four_gibibytes() -> None:
    program = "from lipverify.bench import run; run('autolip', ['--iterations', '0'])"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    found = re.search(r"([\d.]+) s \(([\d.]+) s of CPU\), peak\s+(\d+) MiB", printed)
    assert found, printed
    wall, cpu, peak = (float(v) for v in found.groups())
    assert wall < 60 or cpu < 60  # a busy machine
    assert peak < 4096
    for pool in re.findall(r"max_pool2d\S*\s+\S\s+max_pool2d\s+\S\s+([\d.]+)", printed):
        assert float(pool) == 2.0
