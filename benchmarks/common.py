"""What every benchmark writes beside its figures: machine, versions, date, command."""

import csv
import datetime
import os
import platform
import sys
from pathlib import Path

import torch
from joblib.externals.loky import get_reusable_executor

from tp_cnn import runtime
from tp_cnn.experiments import reference
from tp_cnn.experiments.comparison import compare
from tp_cnn.experiments.results import Run
from tp_cnn.files import atomic_write
from tp_cnn.training.recipe import Recipe

RESULTS = Path(__file__).parent / "results"
REFERENCE = RESULTS.parents[1] / "tp_cnn" / "experiments" / "reference"


def machine() -> str:
    """Processor, cores in use, Python and torch, in one line."""
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        processor = lines[0].split(": ")[1] if lines else processor
    device = runtime.device()
    where = f"{processor}, {runtime.describe_device(device)}"
    return f"{where}, Python {platform.python_version()}, torch {torch.__version__}"


def command() -> str:
    """The command line that runs this benchmark again."""
    return " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])


def write_report(name: str, title: str, table: str, notes: list[str]) -> None:
    """Print the report and write it to ``results/NAME.md``."""
    today = datetime.date.today().isoformat()
    about = [f"Command: `{command()}`", f"Machine: {machine()}", f"Date: {today}", *notes]
    text = "\n".join([f"# {title}", "", table, "", *[f"- {line}" for line in about], ""])
    with atomic_write(RESULTS / f"{name}.md") as temporary:
        temporary.write_text(text)
    print(text)


def compare_in(
    computes_in: str, wanted: dict[str, Recipe], seeds: int, folder: str, jobs: int
) -> list[Run]:
    """The runs of `compare` in one precision; what ``folder`` holds already is not done again."""
    os.environ["TP_CNN_PRECISION"] = computes_in
    runs = compare(wanted, seeds, folder, jobs=jobs, say=print)
    get_reusable_executor().shutdown()  # its processes would keep the variable
    return runs


def reference_rows(name: str) -> list[dict]:
    """The rows of a shipped table, none if it is not there yet."""
    file = REFERENCE / f"{name}.csv"
    return list(reference.parse(file.read_text(encoding="utf-8"))) if file.exists() else []


def add_to_reference(name: str, row: dict, keys: tuple[str, ...], data: str, note: str) -> None:
    """Write a shipped table again with ``row``, in place of the one that has the same keys.

    Args:
        data, note: what it was measured on, and how; students read the note.
    """
    rows = {tuple(old[key] for key in keys): old for old in reference_rows(name)}
    rows[tuple(row[key] for key in keys)] = row
    about = {
        "command": command(),
        "machine": machine(),
        "data": data,
        "date": datetime.date.today().isoformat(),
        "seeds": ", ".join(map(str, sorted({row["seed"] for row in rows.values()}))),
        "note": note,
        "seconds": "secondes de calcul, fils additionnés, et non d'horloge",
    }
    path = REFERENCE / f"{name}.csv"
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        file.writelines(f"# {key}: {value}\n" for key, value in about.items())
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[key] for key in sorted(rows))
    print(name, row, flush=True)
