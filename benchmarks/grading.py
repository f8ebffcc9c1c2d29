"""How long `tp-cnn grade` takes a submission; results in ``results/grading.md``.

    python benchmarks/grading.py --notebook 01 --submissions 20 --jobs 1 2

The submissions hold the solution's answers, a fifth of the code ones left out in turn.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from common import write_report

from tp_cnn.authoring import editions
from tp_cnn.authoring.source import read_sources
from tp_cnn.display import markdown_table
from tp_cnn.grading.grade import grade


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notebook", default="01")
    parser.add_argument("--submissions", type=int, default=20)
    parser.add_argument("--note", nargs="*", default=[], help="what the report says besides")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    (source,) = read_sources([options.notebook])
    rows = []
    for jobs in options.jobs:
        one, many = (seconds(source, count, jobs) for count in (1, options.submissions))
        more = (many - one) / (options.submissions - 1)
        rows.append([source.name, jobs, *(f"{value:.1f}" for value in (one, many)), f"{more:.2f}"])
        print(rows[-1], flush=True)
    header = ["notebook", "jobs", "1 submission, s", f"{options.submissions} submissions, s"]
    notes = [
        "Start, control and pages included; *one more* is what each further submission adds",
        "One cold kernel a submission",
        *options.note,
    ]
    table = markdown_table([*header, "one more, s"], rows)
    write_report("grading", "Grading a class", table, notes)


def seconds(source, count: int, jobs: int) -> float:
    """How long grading so many submissions takes; each must be graded."""
    with tempfile.TemporaryDirectory() as folder:
        write_submissions(source, count, Path(folder) / "submissions")
        start = time.perf_counter()
        batch = grade(
            source.number,
            Path(folder) / "submissions",
            Path(folder) / "out",
            jobs=jobs,
            say=lambda line: None,
        )
        taken = time.perf_counter() - start
    for one in batch.outcomes:
        assert one.status == "graded", (one.student, one.status, one.reasons, one.notes)
    return taken


def write_submissions(source, count: int, folder: Path) -> None:
    """Notebooks of students who each left out other blanks."""
    folder.mkdir()
    solution = {cell.id: cell for cell in editions.notebook(source, "solution").cells}
    for number in range(count):
        notebook = editions.notebook(source, "student")
        for place, cell in enumerate(notebook.cells):
            if not cell.metadata.get("nbgrader", {}).get("solution"):
                continue
            if cell.cell_type == "markdown":
                cell.source = f"Réponse {number} à {cell.id}."
            elif (place + number) % 5:
                cell.source = solution[cell.id].source
        (folder / f"Étudiante {number:03}.ipynb").write_text(json.dumps(notebook), "utf-8")


if __name__ == "__main__":
    main()
