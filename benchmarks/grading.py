"""How long `tp-cnn grade` takes a submission; results in ``results/grading.md``.

    python benchmarks/grading.py --notebook 01 --submissions 20 --jobs 2

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
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    (source,) = read_sources([options.notebook])
    rows = []
    for count in (1, options.submissions):
        with tempfile.TemporaryDirectory() as folder:
            write_submissions(source, count, Path(folder) / "submissions")
            start = time.perf_counter()
            batch = grade(
                source.number,
                Path(folder) / "submissions",
                Path(folder) / "out",
                jobs=options.jobs,
                say=lambda line: None,
            )
            seconds = time.perf_counter() - start
        for one in batch.outcomes:
            assert one.status == "graded", (one.student, one.status, one.reasons, one.notes)
        rows.append([source.name, count, options.jobs, f"{seconds:.1f}", f"{seconds / count:.2f}"])
        print(rows[-1], flush=True)
    first, last = (float(row[3]) for row in rows)
    more = (last - first) / (options.submissions - 1)
    rows.append([source.name, "one more", options.jobs, f"{more:.2f}", f"{more:.2f}"])
    header = ["notebook", "submissions", "jobs", "seconds", "seconds a submission"]
    notes = ["Start, control, warm kernel and pages included; the last row is what one more costs"]
    write_report("grading", "Grading a class", markdown_table(header, rows), notes)


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
