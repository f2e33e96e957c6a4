"""The doctor's time grows with the rows and not faster, and its memory hardly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

# The peak is that of this process's own memory: getrusage counts that of who started it, too.
MEASURE = """
import re, sys, time
from pathlib import Path
from hftransfer.data import check
began = time.process_time()
report = check(sys.argv[1])
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(time.process_time() - began, peak, report["rows"])
"""


def written(path: Path, rows: int) -> Path:
    """Texts of a few words; one in ten is a template with another number, one in twenty a copy."""
    rng = np.random.default_rng(0)
    words = [f"w{number:x}" for number in range(5000)]
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            text = " ".join(words[place] for place in np.sort(rng.zipf(1.3, 14) % 5000))
            if number % 10 == 3:
                text = f"your order {number} was sent today from the house by the river, to be there in {number} hours"
            if number % 20 == 7:
                text = f"a copy that stands there every now and then, number {number % 400}"
            file.write(json.dumps({"text": text, "label": f"c{number % 7}"}) + "\n")
    return path


def measured(path: Path, home: Path) -> tuple[float, float, int]:
    """Seconds, megabytes and rows of a check that finds nothing kept from another."""
    env = {**os.environ, "HFTRANSFER_HOME": str(home)}
    command = [sys.executable, "-c", MEASURE, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    seconds, megabytes, rows = done.stdout.split()
    return float(seconds), float(megabytes), int(rows)


def quietest(folder: Path, rows: int) -> tuple[float, float, int]:
    """The quicker of two: what else the machine does shall not count."""
    path = written(folder / f"{rows}.jsonl", rows)
    return min(measured(path, folder / f"home-{rows}-{turn}") for turn in range(2))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc, which tells a process's peak")
def test_time_grows_with_the_rows(tmp_path: Path) -> None:
    sizes = (25_000, 50_000, 100_000)
    found = {rows: quietest(tmp_path, rows) for rows in sizes}
    for fewer, more in zip(sizes, sizes[1:], strict=False):
        assert found[more][0] < 2.6 * found[fewer][0], found
    assert found[100_000][1] < 1000 and found[100_000][2] == 100_000
