"""One submission from its bytes to its marks, and the control: the solution must get them all."""

import copy
import hashlib
import re
import threading
import time
from dataclasses import dataclass, field

from tp_cnn import display
from tp_cnn.authoring import editions
from tp_cnn.authoring.source import Source
from tp_cnn.errors import CourseError
from tp_cnn.grading import canaries
from tp_cnn.grading.canaries import Canaries, is_test
from tp_cnn.grading.database import Gradebook
from tp_cnn.grading.model import GradedQuestion, Mark, Outcome, Submission
from tp_cnn.grading.rebuild import Rebuilt, rebuild
from tp_cnn.grading.sandbox.execution import Execution, Executor
from tp_cnn.grading.selection import is_given, needed

LONGEST_MESSAGE = 2000  # characters
# Python 3.11's `ast.parse` fails now and then in two threads at once (SystemError, "AST constructor
# recursion depth mismatch").
PARSING = threading.Lock()


@dataclass
class Exam:
    """A notebook to grade: what every submission is rebuilt from, and compared with."""

    source: Source
    assignment: object  # the notebook, hidden tests inside
    others: dict[str, set[str]] = field(default_factory=dict)  # other notebooks: their grade ids
    control: dict = field(default_factory=dict)  # what the solution's canaries show

    @classmethod
    def of(cls, source: Source, others: list[Source] = ()) -> "Exam":
        known = {
            other.name: {cell.id for cell in other.cells if cell.role in ("answer", "test")}
            for other in others
            if other.name != source.name
        }
        return cls(source, editions.notebook(source, "assignment"), known)

    @property
    def questions(self) -> list[GradedQuestion]:
        """The questions that have points."""
        return [_question(one) for one in self.source.questions if one.points]

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


def check_control(exam: Exam, executor: Executor, gradebook: Gradebook) -> None:
    """Grade the solution, and keep what its canaries show.

    Raises:
        CourseError: the solution does not get all the points, or the kernel does not start.
    """
    content = editions.serialise(editions.notebook(exam.source, "solution")).encode()
    rebuilt = rebuild(exam.assignment, content)
    execution, exam.control = _execute(rebuilt, executor)
    tried = Tried(Outcome("_control", "_control", "", "graded"), rebuilt, execution.notebook)
    if not execution.failure:
        mark(tried, exam, gradebook)
        gradebook.forget(tried.outcome.id)
    lost = [one for one in tried.outcome.marks if not one.by_hand and one.earned != one.points]
    if execution.failure or execution.stops or lost:
        stops = "; ".join(f"{stop.cell}: {stop.detail}" for stop in execution.stops)
        why = execution.failure or stops or f"{lost[0].cell}: {' '.join(lost[0].messages)[:500]}"
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
    with PARSING:
        rebuilt = rebuild(exam.assignment, submission.content, exam.others)
    outcome.repairs, outcome.reasons = gathered(rebuilt.repairs), gathered(rebuilt.reasons)
    if rebuilt.notebook is None:
        outcome.status = "not-graded"
        return Tried(outcome)
    execution, shown = _execute(rebuilt, executor)
    if execution.failure:
        outcome.status = "not-graded"
        outcome.reasons.append(execution.failure)
        return Tried(outcome)
    outcome.notes += [f"cellule « {stop.cell} » : {stop.detail}" for stop in execution.stops]
    outcome.reasons += canaries.compare(shown, exam.control)
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


def mark(tried: Tried, exam: Exam, gradebook: Gradebook) -> None:
    """Have nbgrader compute the points of an executed notebook. In one thread: it moves about."""
    outcome, executed = tried.outcome, tried.notebook
    points = {
        one.cell: one.points for one in gradebook.autograde(outcome.id, outcome.student, executed)
    }
    cells = {cell.id: cell for cell in executed.cells}
    outcome.marks = [
        _mark(question, cell, cells, points[cell.id], tried.rebuilt)
        for question in exam.source.questions
        for cell in question.cells
        if cell.points
    ]


def _execute(rebuilt: Rebuilt, executor: Executor) -> tuple[Execution, dict]:
    """Execute with canaries, without the given statements that no answer depends on."""
    whole = rebuilt.notebook
    prepared = copy.copy(whole)
    watch = Canaries.new()
    with PARSING:
        prepared.cells = needed(whole.cells)
        watch.put(prepared)
    execution = executor.execute(prepared)
    shown = watch.remove(execution.notebook)
    for cell in execution.notebook.cells:
        if is_test(cell) and not canaries.error(cell) and not _is_possible(cell):
            _fail(cell)  # nbgrader gives all the points to a test that shows nothing
    done = {cell.id: cell for cell in execution.notebook.cells if not is_given(cell)}
    execution.notebook.cells = [done.get(cell.id, cell) for cell in whole.cells]
    return execution, shown


def _is_possible(test) -> bool:
    """Whether a test shows a number of points that it can give."""
    try:
        return 0 <= float(canaries.result(test)) <= test.metadata["nbgrader"]["points"]
    except ValueError:
        return False


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
