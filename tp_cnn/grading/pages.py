"""The pages of a grading: one for the grader, one a student, one a question marked by hand."""

import re
from pathlib import Path

from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write
from tp_cnn.grading.feedback_page import feedback_page
from tp_cnn.grading.index_page import index_page
from tp_cnn.grading.manual_page import manual_page, sheets
from tp_cnn.grading.model import Batch


def write_pages(batch: Batch, folder: Path) -> None:
    """Write ``index.html``, ``feedback/<id>.html`` and ``questions/<cell>.html`` into ``folder``.

    Raises:
        CourseError: an identifier is no safe name of a file.
    """
    known = [outcome for outcome in batch.outcomes if outcome.marks or any(outcome.reasons)]
    by_hand = sheets(batch)
    for place, sheet in enumerate(by_hand):
        before = by_hand[place - 1] if place else None
        after = by_hand[place + 1] if place + 1 < len(by_hand) else None
        _write(manual_page(sheet, before, after), folder / "questions", sheet.cell)
    for outcome in known:
        _write(feedback_page(batch, outcome), folder / "feedback", outcome.id)
    _write(index_page(batch, by_hand, {outcome.id for outcome in known}), folder, "index")
    _keep_only({outcome.id for outcome in known}, folder / "feedback")
    _keep_only({sheet.cell for sheet in by_hand}, folder / "questions")


def _keep_only(names: set[str], folder: Path) -> None:
    """Remove the pages of an earlier run whose student or question is no longer there."""
    for page in folder.glob("*.html"):
        if page.stem not in names:
            page.unlink()


def _write(text: str, folder: Path, name: str) -> None:
    if not re.fullmatch(r"[\w-]+", name):
        raise CourseError(
            f"no page for {name!r}: an identifier is made of letters, digits, - and _; "
            "rename what was handed in"
        )
    with atomic_write(folder / f"{name}.html") as temporary:
        temporary.write_text(text, encoding="utf-8")
