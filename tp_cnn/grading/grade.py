"""`tp-cnn grade`: a folder of submissions in, marks, feedback and a list of what to read out."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from filelock import FileLock, Timeout

from tp_cnn.authoring import editions
from tp_cnn.authoring.source import Source, project_root, read_sources, select
from tp_cnn.errors import CourseError
from tp_cnn.files import atomic_write
from tp_cnn.grading import engine, exports, manual, pages
from tp_cnn.grading.engine import Exam, Tried
from tp_cnn.grading.model import Batch, Outcome, Submission
from tp_cnn.grading.names import plain
from tp_cnn.grading.sandbox import bubblewrap as sandboxes
from tp_cnn.grading.sandbox.bubblewrap import Limits
from tp_cnn.grading.sandbox.execution import Executor
from tp_cnn.grading.submissions import collect

OURS = ("grades.csv", "index.html")  # would be written over


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
    exam = Exam.of(source, sources)
    roster = roster and Path(roster)
    found = collect(Path(submissions), source.name, roster, exam.likeness)
    executor = Executor(sandbox, limits or Limits(), _data(root), grading_parameters(source))
    try:
        with _alone(output, source.name):
            outcomes = _outcomes(exam, found, output, executor, jobs, resume, say)
            outcomes.sort(key=lambda one: (plain(one.student), one.student, one.id))
            _with_manual_marks(outcomes, output, say)
            day = date.today().isoformat()
            batch = Batch(source.name, source.title, exam.questions, outcomes, day, sandbox)
            if told := exports.write_all(batch, output, roster):
                say(told)
            pages.write_pages(batch, output)
    except OSError as error:
        raise CourseError(
            f"{output}: cannot write the results ({error.strerror or error}); what was graded is "
            "kept. Mend that, then give the same command with --resume"
        ) from error
    return batch


@contextmanager
def _alone(output: Path, name: str) -> Iterator[None]:
    """Keep other graders out of the folder, and other notebooks, whose marks would be mixed."""
    output.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(output / ".lock", timeout=0):
            mine = output / "notebook.txt"
            there = mine.read_text(encoding="utf-8").strip() if mine.exists() else name
            if not mine.exists() and any((output / file).exists() for file in OURS):
                raise CourseError(
                    f"{output} holds {' or '.join(OURS)} that no tp-cnn grade wrote: give another "
                    "folder, with -o"
                )
            if there != name:
                raise CourseError(
                    f"{output} holds the marks of {there}: give another folder, with -o"
                )
            with atomic_write(mine) as temporary:
                temporary.write_text(f"{name}\n", encoding="utf-8")
            yield
    except Timeout:
        raise CourseError(
            f"{output}: another tp-cnn grade is at work there; wait until it ends, or give another "
            "folder with -o"
        ) from None


def _outcomes(
    exam: Exam,
    found: list[Submission],
    output: Path,
    executor: Executor,
    jobs: int,
    resume: bool,
    say: Callable[[str], None],
) -> list[Outcome]:
    """What came of each submission, graded now or kept from an earlier call."""
    manual.merge(output)  # first, so that nothing is done where it cannot be read
    kept = _kept(exam, found, output) if resume else {}
    if kept:
        say(f"{len(kept)} of {len(found)} submissions are graded already")
    engine.check_control(exam, executor)
    left = [one for one in found if one.id not in kept]
    outcomes = list(kept.values())
    for tried in _attempt_all(left, exam, executor, jobs):
        outcomes.append(_finish(tried, exam, output))
        say(_line(outcomes[-1], len(outcomes), len(found)))
    return outcomes


def _with_manual_marks(outcomes: list[Outcome], output: Path, say: Callable[[str], None]) -> None:
    """Put the marks of a person into the outcomes; complete their file."""
    rows = manual.with_zeros(manual.read(output / manual.NAME), outcomes)
    for line in manual.apply(rows, outcomes):
        say(f"{manual.NAME}: {line}")
    manual.write(manual.complete(rows, outcomes), output / manual.NAME)


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
    """A second try after an incident; the others go on whatever comes of it.

    Its outcome has no digest: --resume grades that submission again.
    """
    try:
        return engine.attempt(submission, exam, executor)
    except Exception as error:
        return Tried(_failed(submission, error))


def _failed(one: Submission, error: Exception) -> Outcome:
    why = f"{type(error).__name__} : {error}"
    return Outcome(one.id, one.student, one.file, "not-graded", reasons=[f"incident, {why}"])


def _finish(tried: Tried, exam: Exam, output: Path) -> Outcome:
    outcome = tried.outcome
    if tried.notebook is not None:
        engine.mark(tried, exam)
        with atomic_write(output / "executed" / f"{outcome.id}.ipynb") as temporary:
            temporary.write_text(editions.serialise(tried.notebook), encoding="utf-8")
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


def _record(output: Path, id: str) -> Path:
    (output / "outcomes").mkdir(exist_ok=True)
    return output / "outcomes" / f"{id}.json"


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
