"""Does time grow as the number of images, of runs, of submissions, and no faster? And memory?

Each line is a command in a process of its own, at three sizes, each twice the one before. Seconds
are those of the processors, so that what else runs on the machine counts little; memory is the most
that one process of the command held. *One more* is what each further image, run or submission takes
since the size above: twice about the same where time is linear.
"""

import argparse
import contextlib
import ctypes
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import common
from grading import write_submissions

from tp_cnn.authoring.source import read_sources
from tp_cnn.display import markdown_table

DOUBLED = (1, 2, 4)
PR_SET_CHILD_SUBREAPER = 36  # of Linux


class Case(NamedTuple):
    what: str
    smallest: int
    command: Callable[[int, Path], list[str]]


class Cost(NamedTuple):
    """What a command took."""

    seconds: float  # of processors, but for what a sandbox ends
    clock: float
    megabytes: float


def train(images: int, folder: Path) -> list[str]:
    network = ["--model", "cifarnet", "--crop", "28", "--flip"]
    return ["train", "--dataset", "cifar10", *network, "--epochs", "1", "--images", str(images)]


def compare(runs: int, folder: Path) -> list[str]:
    network = ["base", "--dataset", "digits", "--model", "lenet5", "--epochs", "3"]
    return ["compare", *network, "--seeds", str(runs), "--results", str(folder / "results")]


def grade(submissions: int, folder: Path) -> list[str]:
    (source,) = read_sources(["01"])
    write_submissions(source, submissions, folder / "submissions")
    return ["grade", source.number, str(folder / "submissions"), "-o", str(folder / "marks")]


CASES = {
    "images": Case(
        "`tp-cnn train` of CifarNet on CIFAR-10, one epoch, and its 10,000 test images",
        6_250,
        train,
    ),
    "runs": Case(
        "`tp-cnn compare` of one configuration, LeNet-5 on the embedded digits, 3 epochs a run",
        10,
        compare,
    ),
    "submissions": Case("`tp-cnn grade 01`, one at once, the control included", 1, grade),
}


def measure(arguments: list[str]) -> Cost:
    """Run `tp-cnn` with these arguments, and what it starts, to the end."""
    command = [sys.executable, "-m", "tp_cnn.cli", *arguments]
    quiet = {**os.environ, "TP_CNN_PROGRESS": "0"}
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=quiet)
    ended, uses = {}, []
    with contextlib.suppress(ChildProcessError):  # there is none left to wait for
        while True:
            pid, status, used = os.wait4(-1, 0)
            ended[pid] = os.waitstatus_to_exitcode(status)
            uses.append(used)
    process.returncode = ended[process.pid]
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: ended with {process.returncode}")
    seconds = sum(used.ru_utime + used.ru_stime for used in uses)
    megabytes = max(used.ru_maxrss for used in uses) / 1024  # Linux counts in kB
    return Cost(seconds, time.perf_counter() - start, megabytes)


def rows(name: str) -> list[list[str]]:
    """A line a size."""
    _, smallest, command = CASES[name]
    lines, before = [], None
    for factor in DOUBLED:
        size = smallest * factor
        with tempfile.TemporaryDirectory() as folder:
            cost = measure(command(size, Path(folder)))
        more = (cost.seconds - before.seconds) / (size - size // 2) if before else 0
        one = f"{1000 * more:,.2f} ms" if before else ""
        clock, memory = f"{cost.clock:.1f}", f"{cost.megabytes:,.0f}"
        lines.append([f"{size:,}", f"{cost.seconds:.1f}", one, clock, memory])
        print(*lines[-1], flush=True)
        before = cost
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", help=f"among {', '.join(CASES)}; default: all")
    chosen = parser.parse_args().cases or CASES
    # What a command leaves behind when it ends becomes ours to wait for, and is counted.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    for name in chosen:
        table = markdown_table([name, "s", "one more", "s by the clock", "memory, MB"], rows(name))
        notes = [
            CASES[name].what,
            "Seconds of processors, without those of kernels in a sandbox, which end with it",
        ]
        common.write_report(f"growth_{name}", f"Growth: {name}", table, notes)


if __name__ == "__main__":
    main()
