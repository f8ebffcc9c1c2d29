"""One page a question that a person marks: all answers side by side, under the rubric."""

from collections import defaultdict
from dataclasses import dataclass

from tp_cnn.grading.html import environment, page
from tp_cnn.grading.manual import NAME, digest
from tp_cnn.grading.model import Batch, GradedQuestion, Mark, Outcome

Copy = tuple[Outcome, Mark]
environment.filters["digest"] = digest
environment.globals |= {
    "STEP": 0.25,  # points
    "NAMED": 6,  # other students of the same answer
}


@dataclass(frozen=True)
class Sheet:
    """A free-text answer of all the students."""

    question: GradedQuestion
    cell: str
    points: float
    copies: list[Copy]  # in the order of the students

    @property
    def left(self) -> int:
        """How many are still to mark."""
        return sum(mark.earned is None for _, mark in self.copies)


def sheets(batch: Batch) -> list[Sheet]:
    """One for each cell that a person marks, in the order of the notebook."""
    by_cell: dict[str, list[Copy]] = defaultdict(list)
    for outcome in batch.outcomes:
        for mark in outcome.marks:
            if mark.by_hand:
                by_cell[mark.cell].append((outcome, mark))
    places = {question.id: place for place, question in enumerate(batch.questions)}
    found = [
        Sheet(batch.questions[places[copies[0][1].question]], cell, copies[0][1].points, copies)
        for cell, copies in by_cell.items()
    ]
    return sorted(found, key=lambda sheet: places[sheet.question.id])  # stable within a question


def manual_page(sheet: Sheet, before: Sheet | None, after: Sheet | None) -> str:
    """The page of ``sheet``, with links to its neighbours."""
    return page(
        "manual.html.j2",
        script="manual.js",
        sheet=sheet,
        before=before,
        after=after,
        rubric=sheet.question.rubrics.get(sheet.cell, ""),
        blank=[outcome.student for outcome, mark in sheet.copies if _is_blank(mark)],
        cards=_cards([copy for copy in sheet.copies if not _is_blank(copy[1])]),
        file=NAME,
    )


def _is_blank(mark: Mark) -> bool:
    """Whether nothing was written; a person may have given points for it all the same."""
    return mark.automatic is not None and mark.manual is None


def _cards(copies: list[Copy]) -> list[tuple[Outcome, Mark, list[str]]]:
    """Each answer, and the students of the same, which stand together; else the given order.

    Answers are the same whatever their spaces and capitals.
    """
    groups: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        groups[" ".join(copy[1].answer.casefold().split())].append(copy)
    return [
        (outcome, mark, [other.student for other, _ in group if other is not outcome])
        for group in groups.values()
        for outcome, mark in group
    ]
