"""What every benchmark writes beside its figures: machine, versions, date, command."""

import datetime
import platform
import sys
from pathlib import Path

import torch

from tp_cnn import runtime
from tp_cnn.files import atomic_write

RESULTS = Path(__file__).parent / "results"


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
