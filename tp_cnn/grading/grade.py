"""`tp-cnn grade`: a folder of submissions in, marks, feedback and a list of what to read out."""

import csv
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import date
from pathlib import Path

from tp_cnn.authoring.source import Source, project_root, read_sources, select
from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write
from tp_cnn.grading import database, engine, manual, pages
from tp_cnn.grading.class_results import score
from tp_cnn.grading.engine import Exam, Tried
from tp_cnn.grading.manual import spreadsheet_safe
from tp_cnn.grading.model import Batch, GradedQuestion, Outcome, Submission
from tp_cnn.grading.sandbox import bubblewrap as sandboxes
from tp_cnn.grading.sandbox.bubblewrap import Limits
from tp_cnn.grading.sandbox.execution import Executor
from tp_cnn.grading.submissions import collect

COLUMNS = ("id", "student", "status", "why", "total", "out_of", "left_to_mark", "repairs")


def grade(
    name: str,
    submissions: str | Path,
    output: str | Path,
    *,
    jobs: int = 1,
    sandbox: bool = True,
    resume: bool = False,
    roster: str | Path | None = None,
    limits: Limits | None = None,
    root: Path | None = None,
    say: Callable[[str], None] = print,
) -> Batch:
    """Grade every submission of a notebook; write everything that is to be read into ``output``.

    Args:
        name: the notebook, such as ``"03"``.
        submissions: a folder or a zip; see `tp_cnn.grading.submissions.collect`.
        jobs: how many are executed at once.
        sandbox: False to execute what students wrote with the rights of whoever calls.
        resume: keep what an earlier call has graded of the same files.
        roster: CSV of the students expected, so that those who handed in nothing are listed.

    Raises:
        CourseError: no such notebook or submissions, no sandbox, a folder of results that belongs
            to another notebook, or the solution itself fails.
    """
    output = Path(output).resolve()
    root = root or project_root()
    sources = read_sources(root=root)
    path, *more = select([one.path for one in sources], [name])
    if more:
        raise CourseError(f"{name!r} names several notebooks; give one")
    source = next(one for one in sources if one.path == path)
    obstacle = sandboxes.obstacle() if sandbox else None
    if obstacle:
        raise CourseError(obstacle)
    _refuse_another(output, source.name)
    exam = Exam.of(source, sources)
    found = collect(Path(submissions), source.name, roster and Path(roster))
    output.mkdir(parents=True, exist_ok=True)
    rows, extra = manual.gather(output)
    rows, conflicts = _from_formgrader(rows, output, source.name)
    manual.write(rows, output / manual.NAME)  # before anything is made again
    manual.put_away(extra, output)
    gradebook = database.Gradebook(_fresh(output / "nbgrader"), source.name, exam.assignment)
    kept = _kept(exam, found, output) if resume else {}
    if kept:
        say(f"{len(kept)} of {len(found)} submissions are graded already")
    executor = Executor(
        sandbox=sandbox,
        limits=limits or Limits(),
        data=_data(root),
        environment=grading_parameters(source),
    )
    engine.check_control(exam, executor, gradebook)
    left = [one for one in found if one.id not in kept]
    outcomes = list(kept.values())
    for tried in _attempt_all(left, exam, executor, jobs):
        outcomes.append(_finish(tried, exam, gradebook, output))
        say(_line(outcomes[-1], len(outcomes), len(found)))
    outcomes.sort(key=lambda one: (one.student.casefold(), one.id))
    for line in [*conflicts, *manual.apply(rows, outcomes)]:
        say(f"{manual.NAME}: {line}")
    manual.write(manual.complete(rows, outcomes), output / manual.NAME)
    for id in kept:
        _mark_again(kept[id], gradebook, output)
    _to_formgrader(gradebook, outcomes)
    batch = Batch(
        source.name, source.title, exam.questions, outcomes, date.today().isoformat(), sandbox
    )
    write_csv(batch, output / "grades.csv")
    pages.write_pages(batch, output)
    return batch


def _refuse_another(output: Path, name: str) -> None:
    """One folder of results a notebook: another one's marks in Formgrader would be lost."""
    found = [path.name for path in (output / "nbgrader" / "source").glob("*")]
    if found and found != [name]:
        raise CourseError(f"{output} holds the marks of {found[0]}: give another folder, with -o")


def _from_formgrader(rows: dict, output: Path, name: str) -> tuple[dict, list[str]]:
    """Complete the rows with the marks given in Formgrader since the last run."""
    folder = output / "nbgrader"
    given = database.read_manual(folder, name)
    return manual.merge_formgrader(rows, given, manual.recall(folder / "written.json"))


def _to_formgrader(gradebook: database.Gradebook, outcomes: list[Outcome]) -> None:
    """Show the marks given so far in Formgrader, and keep what was written there."""
    written = {}
    for outcome in outcomes:
        given = {
            mark.cell: (mark.manual, mark.comment)
            for mark in outcome.marks
            if mark.manual is not None or mark.comment
        }
        if given:
            gradebook.write_manual(outcome.id, given)
            written |= {(cell, outcome.id): values for cell, values in given.items()}
    manual.remember(written, gradebook.folder / "written.json")


def _attempt_all(left: list[Submission], exam: Exam, executor: Executor, jobs: int):
    """Execute ``jobs`` submissions at once; yield each as it is done."""
    pool = ThreadPoolExecutor(max(1, jobs))
    try:
        futures = {pool.submit(engine.attempt, one, exam, executor): one for one in left}
        for future in as_completed(futures):
            try:
                yield future.result()
            except Exception:  # ours, not the student's
                yield _attempt_again(futures[future], exam, executor)
    finally:
        pool.shutdown(cancel_futures=True)


def _attempt_again(submission: Submission, exam: Exam, executor: Executor) -> Tried:
    """A second try after an incident; the others go on whatever comes of it."""
    try:
        return engine.attempt(submission, exam, executor)
    except Exception as error:
        return Tried(_failed(submission, error))


def _failed(one: Submission, error: Exception) -> Outcome:
    why = f"{type(error).__name__} : {error}"
    return Outcome(one.id, one.student, one.file, "not-graded", reasons=[f"incident, {why}"])


def _finish(tried: Tried, exam: Exam, gradebook: database.Gradebook, output: Path) -> Outcome:
    outcome = tried.outcome
    if tried.notebook is not None:
        try:
            engine.mark(tried, exam, gradebook)
            database.write_notebook(tried.notebook, _executed(output, outcome.id))
        except CourseError as error:
            outcome.status, outcome.marks = "not-graded", []
            outcome.reasons.append(str(error))
    outcome.write(_record(output, outcome.id))
    return outcome


def _kept(exam: Exam, found: list[Submission], output: Path) -> dict[str, Outcome]:
    """What an earlier call has graded of the same files and the same notebook."""
    kept = {}
    for submission in found:
        path = _record(output, submission.id)
        try:
            outcome = Outcome.read(path)
        except (OSError, ValueError, TypeError, KeyError):  # none, or of another version
            continue
        if outcome.digest == exam.digest(submission):
            kept[submission.id] = outcome
    return kept


def _mark_again(outcome: Outcome, gradebook: database.Gradebook, output: Path) -> None:
    """Put a submission that was graded earlier into the new database, for Formgrader."""
    import nbformat

    path = _executed(output, outcome.id)
    if outcome.marks and path.exists():
        gradebook.autograde(outcome.id, outcome.student, nbformat.read(path, as_version=4))


def _record(output: Path, id: str) -> Path:
    (output / "outcomes").mkdir(exist_ok=True)
    return output / "outcomes" / f"{id}.json"


def _executed(output: Path, id: str) -> Path:
    return output / "executed" / f"{id}.ipynb"


def _fresh(folder: Path) -> Path:
    """An empty nbgrader folder."""
    if folder.exists():
        shutil.rmtree(folder)
    return folder


def _data(root: Path) -> Path | None:
    folder = Path(os.environ.get("TP_CNN_DATA") or root / "data")
    return folder.resolve() if folder.is_dir() else None


def grading_parameters(source: Source) -> dict[str, str]:
    """The small parameters with which a notebook is graded, as environment variables.

    They stand in the source, ``# %% parameters=true grading="epochs=1 images=200"``.
    """
    pairs = [
        pair.split("=", 1)
        for cell in source.cells
        if cell.role == "parameters"
        for pair in cell.options.get("grading", "").split()
    ]
    return {f"TP_CNN_PARAM_{name.upper()}": value for name, value in pairs}


def _line(outcome: Outcome, done: int, total: int) -> str:
    points = sum(mark.points for mark in outcome.marks)
    marks = f"{outcome.total:g}/{points:g}" if outcome.marks else ""
    why = "; ".join(outcome.reasons)
    return f"[{done}/{total}] {outcome.student}: {outcome.status} {marks} {why}".rstrip()


def write_csv(batch: Batch, path: Path) -> None:
    """Write a line a student: status and why, points by question, what is left to mark."""
    ids = [question.id for question in batch.questions]
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, *ids, "file"])
        for one in batch.outcomes:
            writer.writerow(
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
            )


def _earned(outcome: Outcome, question: GradedQuestion) -> str:
    """The points of a question, "" while a part of it is not marked."""
    found = score(outcome, question)
    return "" if not found or found.waiting else f"{found.points:g}"
