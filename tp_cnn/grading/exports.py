"""The marks as CSV: ours, nbgrader's, and Moodle's grading worksheet filled in."""

import csv
import html
from datetime import datetime, timezone
from pathlib import Path

from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write
from tp_cnn.grading import tables
from tp_cnn.grading.class_results import score
from tp_cnn.grading.model import Batch, GradedQuestion, Outcome
from tp_cnn.grading.names import words
from tp_cnn.grading.roster import moodle_number, participant
from tp_cnn.grading.tables import spreadsheet_safe

COLUMNS = ("id", "student", "status", "why", "total", "out_of", "left_to_mark", "repairs")
# Of `nbgrader export`, in its order.
NBGRADER = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
)
# Of Moodle's "offline grading worksheet", which imports the identifier, the grade and the comments.
IDENTIFIER = {"Identifier", "Identifiant"}
NAME = {"Full name", "Nom complet"}
GRADE = {"Grade", "Note"}
MAXIMUM = {"Maximum Grade", "Maximum grade", "Note maximale"}
COMMENTS = {"Feedback comments", "Feedback par commentaires"}


def write_all(batch: Batch, folder: Path, worksheet: Path | None) -> str:
    """Write every file of marks; what to say of Moodle's, "" without it."""
    _write([[*COLUMNS, *(q.id for q in batch.questions), "file"], *_rows(batch)], folder / "grades")
    _write([NBGRADER, *_nbgrader_rows(batch)], folder / "nbgrader")
    return fill_worksheet(batch, worksheet, folder / "moodle.csv") if worksheet else ""


def _write(rows: list, path: Path) -> None:
    with (
        atomic_write(path.with_suffix(".csv")) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        csv.writer(file).writerows(rows)


def _rows(batch: Batch) -> list[list]:
    """A line a student: status and why, points by question, what is left to mark."""
    return [
        [
            one.id,
            spreadsheet_safe(one.student),
            one.status,
            spreadsheet_safe("; ".join(one.reasons)),
            f"{one.total:g}" if one.marks else "",
            f"{batch.points:g}",
            len(one.to_mark),
            len(one.repairs),
            *(_earned(one, question) for question in batch.questions),
            spreadsheet_safe(one.file),
        ]
        for one in batch.outcomes
    ]


def _earned(outcome: Outcome, question: GradedQuestion) -> str:
    """The points of a question, "" while a part of it is not marked."""
    found = score(outcome, question)
    return "" if not found or found.waiting else f"{found.points:g}"


def _nbgrader_rows(batch: Batch) -> list[list]:
    """A line a student, 0 for who handed in nothing, none for what could not be graded."""
    now = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
    return [
        [
            batch.notebook,
            "",
            "" if one.status == "missing" else now,
            one.id,
            spreadsheet_safe(one.student),
            "",
            "",
            float(one.total) if one.marks else 0.0,
            0.0,
            float(one.total) if one.marks else 0.0,
            float(batch.points),
        ]
        for one in batch.outcomes
        if one.marks or one.status == "missing"
    ]


def is_worksheet(header: list[str]) -> bool:
    return bool(IDENTIFIER & set(header) and GRADE & set(header))


def fill_worksheet(batch: Batch, worksheet: Path, path: Path) -> str:
    """Write Moodle's worksheet again, with the marks that are final; "" if it is another file.

    A mark is final when nothing is left to read, in a notebook that is not suspicious. It is given
    in the scale of the worksheet, and never above its maximum, which Moodle refuses.
    """
    table = tables.read(worksheet)
    if not table.rows or not is_worksheet(table.rows[0]):
        return ""
    header, *rows = table.rows
    place = {
        key: next((i for i, title in enumerate(header) if title in titles), None)
        for key, titles in (
            ("id", IDENTIFIER),
            ("name", NAME),
            ("grade", GRADE),
            ("maximum", MAXIMUM),
            ("comments", COMMENTS),
        )
    }
    by_number = {moodle_number(one): one for one in batch.outcomes}
    by_number.pop("", None)
    by_name = {words(one.student): one for one in batch.outcomes}
    written, filled = [header], 0
    for row in filter(any, rows):
        row = row + [""] * (len(header) - len(row))
        name = words(row[place["name"]]) if place["name"] is not None else None
        one = by_number.get(participant(row[place["id"]])) or by_name.get(name)
        safe = [spreadsheet_safe(text) for text in row]
        if one and one.marks and one.status == "graded" and not one.to_mark:
            safe[place["grade"]] = _scaled(one, batch, row, place["maximum"])
            if place["comments"] is not None:
                safe[place["comments"]] = _comments(one, batch)
            filled += 1
        written.append(safe)
    with atomic_write(path) as temporary:
        temporary.write_bytes(tables.encode(written, table))
    return f"{path.name}: {filled} marks of {len(written) - 1}; the others wait for a person"


def _scaled(outcome: Outcome, batch: Batch, row: list[str], maximum: int | None) -> str:
    most = batch.points
    if maximum is not None and row[maximum].strip():
        try:
            most = float(row[maximum].replace(",", "."))
        except ValueError:
            raise CourseError(
                f"Moodle's worksheet: {row[maximum]!r} is no maximum grade; the assignment must be "
                "graded with points, not with a scale"
            ) from None
    return f"{min(most, outcome.total * most / batch.points):.2f}"


def _comments(outcome: Outcome, batch: Batch) -> str:
    """The points by question, and what a person wrote: HTML, as Moodle's editor takes it."""
    parts = [
        f"{question.number or question.id} : {found.points:g}/{question.points:g}"
        for question in batch.questions
        if (found := score(outcome, question))
    ]
    comments = [html.escape(mark.comment) for mark in outcome.marks if mark.comment]
    return "<br>".join([" ; ".join(parts), *comments])
