"""One submission from its bytes to its marks, and the control: the solution must get them all."""

import hashlib
import re
import time
from dataclasses import dataclass, field

from tp_cnn import display
from tp_cnn.authoring import editions
from tp_cnn.authoring.source import Source
from tp_cnn.errors import CourseError
from tp_cnn.grading import points, preparation
from tp_cnn.grading.apart import BeyondLimits, apart
from tp_cnn.grading.model import GradedQuestion, Mark, Outcome, Submission
from tp_cnn.grading.rebuild import Rebuilt
from tp_cnn.grading.sandbox.execution import Execution, Executor
from tp_cnn.grading.sandbox.process import START
from tp_cnn.grading.selection import is_given, is_solution
from tp_cnn.grading.steps import Step, is_test, tests

LONGEST_MESSAGE = 2000  # characters
TOO_MUCH = "le processus qui juge a dépassé sa mémoire ou son temps"


@dataclass
class Exam:
    """A notebook to grade: what every submission is rebuilt from, and compared with."""

    source: Source
    assignment: object  # the notebook, hidden tests inside
    tests: dict[str, list[Step]]  # what each test cell asks for
    others: dict[str, set[str]] = field(default_factory=dict)  # other notebooks: their grade ids

    @classmethod
    def of(cls, source: Source, others: list[Source] = ()) -> "Exam":
        known = {
            other.name: {cell.id for cell in other.cells if cell.role in ("answer", "test")}
            for other in others
            if other.name != source.name
        }
        assignment = editions.notebook(source, "assignment")
        return cls(source, assignment, tests(assignment), known)

    @property
    def questions(self) -> list[GradedQuestion]:
        """The questions that have points."""
        return [_question(one) for one in self.source.questions if one.points]

    @property
    def solutions(self) -> dict[str, str]:
        """The text of each answer with its solution."""
        cells = editions.notebook(self.source, "solution").cells
        return {cell.id: cell.source for cell in cells if is_solution(cell)}

    def likeness(self, content: bytes) -> int:
        """How much a file looks like an answer to this notebook; see `preparation.likeness`."""
        return preparation.likeness(self.assignment, content, self.others)

    def digest(self, submission: Submission) -> str:
        """What a grading depends on: the submission and the notebook."""
        digest = hashlib.sha256(submission.content or submission.problem.encode())
        digest.update(editions.serialise(self.assignment).encode())
        return digest.hexdigest()[:16]


def _question(question) -> GradedQuestion:
    cells = question.cells
    rubrics = {
        cell.id: _rubric(cell.text)
        for cell in cells
        if cell.role == "answer" and cell.type == "markdown"
    }
    return GradedQuestion(
        id=question.id,
        number=question.number,
        title=question.title,
        kind=question.kind,
        star=question.star,
        bonus=question.bonus,
        points=question.points,
        statement=editions.statement(cells[0].text, question),
        rubrics=rubrics,
    )


def _rubric(text: str) -> str:
    inside = re.search(r"### BEGIN MARK SCHEME\n(.*?)### END MARK SCHEME", text, re.DOTALL)
    return inside[1].strip() if inside else text


def check_control(exam: Exam, executor: Executor) -> None:
    """Grade the solution.

    Raises:
        CourseError: the solution does not get all the points, or the kernel does not start.
    """
    content = editions.serialise(editions.notebook(exam.source, "solution")).encode()
    rebuilt, prepared = preparation.prepare(exam.assignment, content, {}, exam.solutions)
    if prepared is None:
        raise CourseError(f"the solution of {exam.source.name}: {'; '.join(rebuilt.reasons)}")
    execution = _execute(rebuilt, prepared, executor, exam)
    tried = Tried(Outcome("_control", "_control", "", "graded"), rebuilt, execution.notebook)
    if not execution.failure:
        mark(tried, exam)
    lost = [one for one in tried.outcome.marks if not one.by_hand and one.earned != one.points]
    if execution.failure or execution.stops or execution.doubts or lost:
        stops = [f"{stop.cell}: {stop.detail}" for stop in execution.stops] + execution.doubts
        lines = [f"{mark.cell}: {' '.join(mark.messages)[:500]}" for mark in lost[:1]]
        why = execution.failure or "; ".join(stops or lines)
        raise CourseError(
            f"the solution of {exam.source.name} does not get all its points here, so that no "
            f"submission was graded. {why}\nCheck the machine with `tp-cnn doctor`, and the "
            f"solution with `tp-cnn run {exam.source.number}`"
        )


@dataclass
class Tried:
    """A submission that was executed, to be marked; ``notebook`` is None where it could not be."""

    outcome: Outcome
    rebuilt: Rebuilt | None = None
    notebook: object = None


def attempt(submission: Submission, exam: Exam, executor: Executor) -> Tried:
    """Rebuild and execute one submission; never raises because of what is in it."""
    start = time.perf_counter()
    outcome = Outcome(
        submission.id,
        submission.student,
        submission.file,
        "graded",
        notes=list(submission.notes),
        digest=exam.digest(submission),
    )
    if submission.content is None:
        outcome.status = "missing" if submission.missing else "not-graded"
        outcome.reasons.append(submission.problem)
        return Tried(outcome)
    rebuilt, prepared = preparation.prepare(
        exam.assignment, submission.content, exam.others, exam.solutions
    )
    outcome.repairs, outcome.reasons = gathered(rebuilt.repairs), gathered(rebuilt.reasons)
    if rebuilt.notebook is None:
        outcome.status = "not-graded"
        return Tried(outcome)
    execution = _execute(rebuilt, prepared, executor, exam)
    if execution.failure:
        outcome.status, outcome.digest = "not-graded", ""  # ours, not the student's: try again
        outcome.reasons.append(execution.failure)
        return Tried(outcome)
    outcome.notes += [f"cellule « {stop.cell} » : {stop.detail}" for stop in execution.stops]
    outcome.reasons += execution.doubts
    outcome.status = "suspicious" if outcome.reasons else "graded"
    outcome.seconds = time.perf_counter() - start
    return Tried(outcome, rebuilt, execution.notebook)


def gathered(sentences: list[str]) -> list[str]:
    """« cellule « a » : x » and « cellule « b » : x » become « cellules « a », « b » : x »."""
    cells: dict[str, list[str]] = {}
    for sentence in sentences:
        match = re.fullmatch(r"cellule (« [^»]+ ») : (.+)", sentence, re.DOTALL)
        cells.setdefault(match[2] if match else sentence, []).append(match[1] if match else "")
    return [_together(names, what) for what, names in cells.items()]


def _together(names: list[str], what: str) -> str:
    if names == [""]:
        return what
    if len(names) == 1:
        return f"cellule {names[0]} : {what}"
    more = f" et {len(names) - 3} autres" if len(names) > 3 else ""
    return f"cellules {', '.join(names[:3])}{more} : {what}"


def mark(tried: Tried, exam: Exam) -> None:
    """Compute the points of an executed notebook."""
    outcome, executed = tried.outcome, tried.notebook
    blank = {cell.id: cell.source for cell in exam.assignment.cells}
    cells = {cell.id: cell for cell in executed.cells}
    outcome.marks = [
        _mark(question, cell, cells, points.earned(cells[cell.id], blank[cell.id]), tried.rebuilt)
        for question in exam.source.questions
        for cell in question.cells
        if cell.points
    ]


def _execute(rebuilt: Rebuilt, prepared, executor: Executor, exam: Exam) -> Execution:
    """Execute what `preparation` made; put what it shows into the whole notebook."""
    limits = executor.limits
    seconds = (1 + limits.withdrawals) * START + 2 * limits.notebook_seconds
    try:
        execution = apart(executed, (executor, prepared, exam.tests), seconds, limits.memory)
    except BeyondLimits:
        return Execution(prepared, failure=TOO_MUCH)
    for cell in filter(is_test, execution.notebook.cells):
        if not points.are_shown(cell):
            _fail(cell)  # the notebook was stopped before it, or the kernel told nonsense
    done = {cell.id: cell for cell in execution.notebook.cells if not is_given(cell)}
    execution.notebook.cells = [done.get(cell.id, cell) for cell in rebuilt.notebook.cells]
    return execution


def executed(executor: Executor, prepared, tests: dict[str, list[Step]]) -> Execution:
    """Execute a notebook and carry out its tests, in the process where this is called."""
    from tp_cnn.grading.judge import Bench  # imports PyTorch

    return executor.execute(prepared, Bench(tests))


def _fail(cell) -> None:
    from nbformat import v4

    cell.outputs = [v4.new_output("error", ename="NotExecuted", evalue="", traceback=[])]


def _mark(question, cell, cells: dict, automatic: float | None, rebuilt: Rebuilt) -> Mark:
    by_hand = cell.role == "answer"
    blanks = [
        cells[one.id]
        for one in question.cells
        if one.role == "answer" and one.type == "code" and one.id in cells
    ]
    stopped = [f"votre cellule s'arrête : {text}" for one in blanks for text in errors(one)]
    if automatic == cell.points:
        stopped = []
    return Mark(
        cell=cell.id,
        question=question.id,
        points=cell.points,
        by_hand=by_hand,
        automatic=automatic,
        answer=cells[cell.id].source if by_hand else "\n\n".join(one.source for one in blanks),
        messages=[] if by_hand else [*stopped, *messages(cells[cell.id])],
        pictures=rebuilt.figures.get(question.id, []) if by_hand else [],
    )


def messages(test) -> list[str]:
    """Each verdict of a test once, what it printed, and its error without the hidden code."""
    found = [_said(output).strip("\n")[:LONGEST_MESSAGE] for output in test.outputs]
    return [*dict.fromkeys(filter(None, found)), *errors(test)]


def _said(output) -> str:
    if output.output_type == "stream" and output.name == "stdout":
        return output.text
    return output.data.get("text/plain", "") if "status" in display.facts(output) else ""


def errors(cell) -> list[str]:
    """The errors that a cell shows, without their tracebacks."""
    found = [one for one in cell.outputs if one.output_type == "error"]
    return [f"{one.ename} : {one.evalue}"[:LONGEST_MESSAGE].rstrip(" :") for one in found]
