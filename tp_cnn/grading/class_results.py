"""What the class got: the points of a question, the totals, which questions were missed."""

from dataclasses import dataclass
from statistics import mean

from tp_cnn.grading.model import Batch, GradedQuestion, Mark, Outcome

BARS = 10  # of the histogram


@dataclass(frozen=True)
class Score:
    """What one student got for one question."""

    marks: list[Mark]  # at least one

    @property
    def points(self) -> float:
        """Those given so far."""
        return sum(mark.earned or 0 for mark in self.marks)

    @property
    def begun(self) -> bool:
        return any(mark.earned is not None for mark in self.marks)

    @property
    def waiting(self) -> bool:
        """Whether a person has still something to mark."""
        return any(mark.earned is None for mark in self.marks)


def score(outcome: Outcome, question: GradedQuestion) -> Score | None:
    """None where nothing of that question was graded."""
    marks = [mark for mark in outcome.marks if mark.question == question.id]
    return Score(marks) if marks else None


def graded(batch: Batch) -> list[Outcome]:
    return [outcome for outcome in batch.outcomes if outcome.status == "graded"]


def success(batch: Batch, question: GradedQuestion) -> float | None:
    """The share of the points of a question that the graded students got, 0 to 1."""
    points = _points(batch, question)
    return mean(points) / question.points if points else None


def _points(batch: Batch, question: GradedQuestion) -> list[float]:
    """Those of each graded student for whom the question is marked in full.

    [] as long as a person has marked none of those who answered: the blanks alone say nothing.
    """
    scores = [found for outcome in graded(batch) if (found := score(outcome, question))]
    done = [found for found in scores if not found.waiting]
    waiting = len(done) < len(scores)
    if waiting and all(mark.manual is None and mark.by_hand for one in done for mark in one.marks):
        return []
    return [found.points for found in done]


def histogram(batch: Batch) -> list[int]:
    """How many graded students have a total in each tenth of the points; [] without any."""
    totals = [outcome.total for outcome in graded(batch)]
    if not totals or not batch.points:
        return []
    bars = [0] * BARS
    for total in totals:
        bars[min(BARS - 1, max(0, int(BARS * total / batch.points)))] += 1
    return bars


def shares(batch: Batch) -> list[tuple[GradedQuestion, float, int, int]]:
    """Question, success, students marked, students with all the points; the hardest one first."""
    found = [(question, _points(batch, question)) for question in batch.questions]
    rows = [
        (
            question,
            mean(points) / question.points,
            len(points),
            sum(one >= question.points for one in points),
        )
        for question, points in found
        if points
    ]
    return sorted(rows, key=lambda row: row[1])
