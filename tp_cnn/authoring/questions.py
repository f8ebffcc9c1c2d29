"""The index of questions and the README's table of notebooks, both derived from the sources."""

import itertools
import json
from collections import Counter
from pathlib import Path

from tp_cnn.authoring import saved
from tp_cnn.authoring.markers import KINDS
from tp_cnn.authoring.report_notebook import read_notebook
from tp_cnn.authoring.source import Source, find_root, project_root, read_sources, select
from tp_cnn.authoring.start import nearest
from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write

BEGIN, END = "<!-- notebooks -->", "<!-- /notebooks -->"


def questions(root: Path | None = None, names: list[str] | None = None) -> list[dict]:
    """One row a question, in the order of the course; without a checkout, of the notebooks here.

    Keys: number (as in the lab sheet, or None), id, kind, star, bonus, points, notebook, title.
    """
    root = root or find_root()
    if root is None:
        paths = select(nearest()[1], names)
        return [row for path in paths for row in _of_notebook(path)]
    return [
        {
            "number": question.number,
            "id": question.id,
            "kind": question.kind,
            "star": question.star,
            "bonus": question.bonus,
            "points": question.points,
            "notebook": source.name,
            "title": question.title,
        }
        for source in read_sources(names, root)
        for question in source.questions
    ]


def _of_notebook(path: Path) -> list[dict]:
    """The rows of a built notebook, for those who have no source."""
    cells = saved.read(path.read_bytes()).cells
    rows = []
    for entry in read_notebook(path).entries:
        first = next(n for n, cell in enumerate(cells) if cell.name == f"{entry.id}-enonce")
        below = itertools.takewhile(
            lambda cell: not cell.name.endswith("-enonce"), cells[first + 1 :]
        )
        details = cells[first].source.split("\n")[2:3]
        rows.append(
            {
                "number": entry.number,
                "id": entry.id,
                "kind": entry.kind,
                "star": entry.star,
                "bonus": bool(details) and details[0].endswith("bonus*"),
                "points": sum(cell.grading.get("points", 0) for cell in below),
                "notebook": path.stem,
                "title": entry.title,
            }
        )
    return rows


def as_table(rows: list[dict]) -> str:
    """The rows as text in columns, for a terminal."""
    header = ("number", "id", "kind", "★", "points", "notebook", "title")
    lines = [header]
    for row in rows:
        marks = ("★" if row["star"] else "") + (" bonus" if row["bonus"] else "")
        points = f"{row['points']:g}"
        number = row["number"] or "-"
        lines.append(
            (number, row["id"], row["kind"], marks.strip(), points, row["notebook"], row["title"])
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def as_json(rows: list[dict]) -> str:
    """The rows as a JSON list."""
    return json.dumps(rows, ensure_ascii=False, indent=2)


def readme_table(sources: list[Source]) -> str:
    """The README's table of notebooks, in Markdown."""
    lines = [
        "| notebook | title | duration | questions | kinds |",
        "|---|---|---|---|---|",
    ]
    for source in sources:
        counts = Counter(question.kind for question in source.questions)
        kinds = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])
        link = f"[`{source.name}`](notebooks/{source.name}.ipynb)"
        lines.append(
            f"| {link} | {source.title} | {source.duration} | {len(source.questions)} | {kinds} |"
        )
    return "\n".join(lines)


def updated_readme(root: Path | None = None) -> str:
    """The README's text, its table of notebooks made again from the sources.

    Raises:
        CourseError: the README has no place for the table.
    """
    root = root or project_root()
    text = (root / "README.md").read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise CourseError(f"README.md: expected a line {BEGIN} and below it a line {END}")
    return f"{before}{BEGIN}\n{readme_table(read_sources(root=root))}\n{END}{after}"


def update_readme(root: Path | None = None) -> bool:
    """Write the table of notebooks into the README; True if that changed it."""
    root = root or project_root()
    path = root / "README.md"
    new = updated_readme(root)
    if new == path.read_text(encoding="utf-8"):
        return False
    with atomic_write(path) as temporary:
        temporary.write_text(new, encoding="utf-8")
    return True
