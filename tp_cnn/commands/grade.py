"""`tp-cnn grade`: marks, feedback and what a person must read, from a folder of submissions."""

from collections import Counter
from pathlib import Path

from tp_cnn.commands.arguments import count, folder, given, seconds
from tp_cnn.errors import CourseError


def add(commands) -> None:
    """Declare the command and its arguments."""
    command = commands.add_parser(
        "grade",
        help="grade a folder of submissions",
        description="Grade every submission of a notebook, each in a sandbox: grades.csv, "
        "index.html for the grader, a feedback page a student, and manual_marks.csv, where a "
        "person's marks go. The same command again takes those in.",
    )
    command.set_defaults(run=grade_command)
    option = command.add_argument
    option("notebook", metavar="NOTEBOOK", help="such as 03")
    option("submissions", metavar="SUBMISSIONS", help="folder or zip, of Moodle or nbgrader too")
    option("-o", "--output", type=folder, required=True, metavar="DIR")
    option("-j", "--jobs", type=count(64), default=1, metavar="N", help="at once; default: 1")
    option("--no-sandbox", action="store_true", help="run students' code with your own rights")
    option("--resume", action="store_true", help="keep what is graded already of the same files")
    option(
        "--roster",
        metavar="CSV",
        help="students expected: columns id and name, or Moodle's grading worksheet",
    )
    option("--course", type=folder, metavar="DIR", help="holds solutions/; default: the checkout")
    option("--cell-timeout", type=seconds, dest="cell_seconds", metavar="SECONDS")
    option("--notebook-timeout", type=seconds, dest="notebook_seconds", metavar="SECONDS")


def grade_command(options) -> int:
    """Grade, then say where everything is and what is left to do."""
    from dataclasses import replace

    from tp_cnn.authoring.source import find_root
    from tp_cnn.grading.grade import grade
    from tp_cnn.grading.sandbox.bubblewrap import Limits

    course = Path(options.course) if options.course else find_root()
    if course is None or not (course / "solutions").is_dir():
        raise CourseError(
            f"{course or Path.cwd()}: no folder solutions/ here, which holds what to grade with: "
            "name the folder that holds it, with --course"
        )
    batch = grade(
        options.notebook,
        options.submissions,
        options.output,
        jobs=options.jobs,
        sandbox=not options.no_sandbox,
        resume=options.resume,
        roster=options.roster,
        root=course,
        limits=replace(Limits(), **given(options, ("cell_seconds", "notebook_seconds"))),
        say=lambda line: print(line, flush=True),
    )
    print(_summary(batch, Path(options.output)))
    return 0


def _summary(batch, folder: Path) -> str:
    """How many have which status, what is left to mark, where to look."""
    from tp_cnn.grading.manual import NAME

    statuses = Counter(outcome.status for outcome in batch.outcomes)
    counts = ", ".join(f"{number} {status}" for status, number in statuses.items())
    left = sum(len(outcome.to_mark) for outcome in batch.outcomes)
    return f"""{len(batch.outcomes)} submissions: {counts}
{left} answers left to mark: on the pages in {folder / "questions"}, or in {folder / NAME}
overview: {folder / "index.html"}; feedback: {folder / "feedback"}
marks: {folder / "grades.csv"}"""
