"""Seconds of processor before anything begins: the help of the command, a notebook's imports.

Each line is the best of several new processes; what a notebook imports is compared with
``import torch`` alone, measured in turn. ``-X importtime`` then names what takes longest in it.
"""

import argparse
import ast
import os
import resource
import subprocess
import sys
from pathlib import Path

import common

from tp_cnn.display import markdown_table

SOLUTIONS = Path(__file__).parents[1] / "solutions"
HELP = "import sys; from tp_cnn.cli import main; sys.exit(main(['--help']))"


def imports(source: Path) -> str:
    """The import statements at the top level of a notebook's cells, its own and the package's."""
    lines = source.read_text(encoding="utf-8").splitlines()
    code = "\n".join("" if line.startswith(("%", "!")) else line for line in lines)
    statements = ast.parse(code).body
    wanted = [one for one in statements if isinstance(one, ast.Import | ast.ImportFrom)]
    return "\n".join(map(ast.unparse, wanted))


def run(code: str, *options: str) -> subprocess.CompletedProcess:
    """A new process; warm caches of files, no variable of OpenMP's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        env=clean,
        check=True,
    )


def seconds(code: str) -> float:
    """What a new process takes of a processor for ``code``, whatever it waits for others."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(code)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def slowest(code: str, count: int = 3) -> str:
    """What ``code`` imports, the longest first, torch and what it brings apart."""
    found = []
    for line in run(f"import torch\n{code}", "-X", "importtime").stderr.splitlines():
        own, _, name = line.removeprefix("import time:").rpartition("|")
        total = own.rpartition("|")[2].strip()
        found.append((name, int(total) / 1e6 if total.isdigit() else 0.0))
    # A module stands after those that it imports; only the outermost ones are not indented.
    after_torch = found[[name.strip() for name, _ in found].index("torch") + 1 :]
    outer = [(value, name.strip()) for name, value in after_torch if not name.startswith("   ")]
    return ", ".join(f"{name} {value:.2f}" for value, name in sorted(outer, reverse=True)[:count])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    cases = {
        "tp-cnn --help": HELP,
        "import torch": "import torch",
        "import tp_cnn": "import tp_cnn, torch",
        **{source.stem: imports(source) for source in sorted(SOLUTIONS.glob("*.py"))},
    }
    best = dict.fromkeys(cases, float("inf"))
    for _ in range(rounds):
        for name, code in cases.items():
            best[name] = min(best[name], seconds(code))
    rows = [
        [
            name,
            f"{value:.2f}",
            "" if name == "tp-cnn --help" else f"{value - best['import torch']:+.2f}",
            "" if code in (HELP, "import torch") else slowest(code),
        ]
        for (name, code), value in zip(cases.items(), best.values(), strict=True)
    ]
    header = ["what", "s", "more than torch, s", "slowest imports after torch, s"]
    notes = [f"Best of {rounds} new processes each, in turn"]
    common.write_report("startup", "Start-up", markdown_table(header, rows), notes)


if __name__ == "__main__":
    main()
