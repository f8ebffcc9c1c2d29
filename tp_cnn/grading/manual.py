"""The marks and comments that a person gives: a CSV file that is completed, and never lost.

One row for each answer to read: ``cell,id,student,points,comment,answer``; ``points`` stays empty
until a person fills it, in a spreadsheet or on the pages of the questions. A row for a test cell
replaces the points that the tests gave. ``answer`` is a digest of the answer that the points were
given for.
"""

import csv
import hashlib
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write
from tp_cnn.grading import tables
from tp_cnn.grading.model import Mark, Outcome
from tp_cnn.grading.tables import spreadsheet_safe

NAME = "manual_marks.csv"
COLUMNS = ("cell", "id", "student", "points", "comment", "answer")
Key = tuple[str, str]  # cell, student's id


@dataclass(frozen=True)
class MarkRow:
    """One line of the file, as text: what a person typed is kept even if it cannot be read."""

    cell: str
    id: str
    student: str = ""
    points: str = ""
    comment: str = ""
    answer: str = ""

    @property
    def key(self) -> Key:
        return self.cell, self.id


def digest(text: str) -> str:
    """What tells an answer from a later one."""
    return hashlib.sha256(text.strip().encode("utf-8", "replace")).hexdigest()[:12]


def read(path: Path) -> dict[Key, MarkRow]:
    """Read the file; commas or semicolons, as spreadsheets write them.

    Raises:
        CourseError: the file has no such columns, or is no text.
    """
    if not path.exists():
        return {}
    header, *lines = tables.read(path).rows or [[]]
    header = [title.strip() for title in header]
    missing = [name for name in COLUMNS[:2] + COLUMNS[3:4] if name not in header]
    if missing:
        raise CourseError(
            f"{path}: no column {', '.join(missing)} in {','.join(header)[:80]!r}; expected "
            f"{','.join(COLUMNS)}. Mend its first line, or move the file away"
        )
    rows: dict[Key, MarkRow] = {}
    for number, line in enumerate(lines, 2):
        if len(line) > len(header):
            raise CourseError(
                f"{path}, line {number}: {len(line)} cells, expected {len(header)}; "
                'between commas write 1.5 or "1,5" for one and a half, and a comment in quotes'
            )
        cells = dict(zip(header, (cell.strip() for cell in line), strict=False))
        row = MarkRow(**{name: cells.get(name, "") for name in COLUMNS})
        row = replace(row, comment=re.sub(r"^'(?=[=+@-])", "", row.comment))
        if not row.cell or not row.id:
            continue
        if rows.get(row.key, row).points not in ("", row.points):
            raise CourseError(
                f"{path}, line {number}: {row.points} points for {row.cell}, {row.id}, which has "
                f"{rows[row.key].points} points further up; keep one of the two lines"
            )
        rows[row.key] = row
    return rows


def write(rows: dict[Key, MarkRow], path: Path) -> None:
    """Write the file, question by question."""
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in rows.values():
            safe = {name: spreadsheet_safe(getattr(row, name)) for name in COLUMNS}
            writer.writerow({**safe, "points": row.points}.values())


def gather(folder: Path) -> tuple[dict[Key, MarkRow], list[Path]]:
    """The rows of ``manual_marks.csv`` and of the files that the questions' pages saved beside it.

    The most recent file wins where two have points, or a comment, for one answer. Returns the
    rows, and the files beside, to be put away once the rows are written.

    Raises:
        CourseError: see `read`.
    """
    files = sorted(folder.glob("manual_marks*.csv"), key=lambda path: path.stat().st_mtime)
    rows: dict[Key, MarkRow] = {}
    for path in files:
        for key, row in read(path).items():
            known = rows.get(key, row)
            marked = row if row.points else known
            rows[key] = replace(marked, comment=row.comment or known.comment)
    return rows, [path for path in files if path.name != NAME]


def merge(folder: Path) -> None:
    """Put everything that was marked in ``folder`` into ``manual_marks.csv``.

    Raises:
        CourseError: see `read`; nothing is changed then.
    """
    rows, extra = gather(folder)
    write(rows, folder / NAME)
    put_away(extra, folder)


def put_away(files: list[Path], folder: Path) -> None:
    """Move files that are merged into ``folder/merged``, under free names."""
    for path in files:
        (folder / "merged").mkdir(exist_ok=True)
        target = folder / "merged" / path.name
        number = 1
        while target.exists():
            number += 1
            target = target.with_name(f"{path.stem}-{number}.csv")
        path.replace(target)


def number(text: str) -> float | None:
    """The points typed, with a decimal point or comma; None if there are none.

    Raises:
        ValueError: this is no number.
    """
    return float(text.replace(",", ".")) if text else None


def with_zeros(rows: dict[Key, MarkRow], outcomes: list[Outcome]) -> dict[Key, MarkRow]:
    """The rows, under the identifiers whose leading zeros a spreadsheet took away."""
    known = {outcome.id for outcome in outcomes}
    shortened = Counter(id.lstrip("0") for id in known)
    whole = {id.lstrip("0"): id for id in known if shortened[id.lstrip("0")] == 1}
    mended = dict(rows)
    for key, row in rows.items():
        found = replace(row, id=whole.get(row.id.lstrip("0"), row.id))
        if row.id not in known and found.id != row.id:
            there = mended.get(found.key, found)
            if there.points in ("", found.points):
                mended[found.key] = found
                del mended[key]
    return mended


def apply(rows: dict[Key, MarkRow], outcomes: list[Outcome]) -> list[str]:
    """Put the marks and comments into the outcomes; say what could not be used."""
    problems = []
    for outcome in outcomes:
        for mark in outcome.marks:
            row = rows.get((mark.cell, outcome.id))
            if row:
                mark.comment = row.comment
                problem = _apply(row, mark)
                if problem:
                    problems.append(f"{mark.cell}, {outcome.student}: {problem}")
    known = {(mark.cell, outcome.id) for outcome in outcomes for mark in outcome.marks}
    for key, row in rows.items():
        if key not in known and row.points:
            problems.append(f"{row.cell}, {row.student or row.id}: no such answer; the row is kept")
    return problems


def _apply(row: MarkRow, mark: Mark) -> str:
    try:
        points = number(row.points)
    except ValueError:
        return f"{row.points!r} is no number of points; not counted"
    if points is None:
        return ""
    if not 0 <= points <= mark.points:
        return f"{row.points} points, expected 0 to {mark.points:g}; not counted"
    mark.manual = points
    if row.answer and row.answer != digest(mark.answer):
        return "the answer changed after it was marked; please read it again"
    return ""


def complete(rows: dict[Key, MarkRow], outcomes: list[Outcome]) -> dict[Key, MarkRow]:
    """The rows to write: those for each answer to read, question by question, then all the others.

    A row that has points keeps the digest of the answer they were given for.
    """
    students = {outcome.id: outcome.student for outcome in outcomes}
    wanted = [
        (mark.cell, outcome.id, digest(mark.answer))
        for outcome in outcomes
        for mark in outcome.marks
        if mark.by_hand and (mark.automatic is None or mark.manual is not None)
    ]
    order = {cell: place for place, cell in enumerate(dict.fromkeys(cell for cell, *_ in wanted))}
    wanted.sort(key=lambda one: order[one[0]])  # stable: students stay in their order
    completed = {}
    for cell, student, answer in wanted:
        row = rows.get((cell, student), MarkRow(cell, student))
        kept = row.answer if row.points and row.answer else answer
        completed[row.key] = replace(row, student=students[student], answer=kept)
    return {**completed, **{key: row for key, row in rows.items() if key not in completed}}
