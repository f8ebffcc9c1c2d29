"""nbgrader's side of grading: its course folder, its marks, its Formgrader.

nbgrader computes the points from executed notebooks and keeps them in a database, which is made
again at each run: the marks that a person gave live in our own file, see `manual`.
"""

import contextlib
import os
import shutil
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from tp_cnn.errors import CourseError

DATABASE = "gradebook.db"
# For `nbgrader formgrader` or JupyterLab, started in the folder.
CONFIGURATION = """c = get_config()
c.CourseDirectory.course_id = "tp_cnn"
c.CourseDirectory.root = "."
"""


@dataclass
class Automatic:
    """What nbgrader made of one graded cell: points, or None where a person has to mark."""

    cell: str
    points: float | None


class Gradebook:
    """nbgrader's course folder for one notebook, anew in ``folder``.

    Args:
        assignment: the notebook with its hidden tests, `editions.notebook(source, "assignment")`.

    Raises:
        CourseError: nbgrader is missing, or refuses the notebook.
    """

    def __init__(self, folder: Path, name: str, assignment):
        self.folder, self.name = folder, name
        self.api = _api(folder)
        write_notebook(assignment, folder / "source" / name / f"{name}.ipynb")
        (folder / "nbgrader_config.py").write_text(CONFIGURATION, encoding="utf-8")
        with _quiet():
            result = self.api.generate_assignment(name)
        if not result["success"]:
            raise CourseError(f"nbgrader refuses {name}: {_last_line(result)}")

    def autograde(self, student: str, name: str, executed) -> list[Automatic]:
        """The points of an executed notebook.

        Args:
            student: identifier. ``name``: what Formgrader shows.

        Raises:
            CourseError: nbgrader refuses the notebook.
        """
        path = self.folder / "submitted" / student / self.name / f"{self.name}.ipynb"
        write_notebook(executed, path)
        with _quiet():
            result = self.api.autograde(self.name, student)
            if not result["success"]:
                raise CourseError(f"nbgrader : {_last_line(result)}")
            with self.api.gradebook as gradebook:
                gradebook.update_or_create_student(student, last_name=name)
                notebook = gradebook.find_submission_notebook(self.name, self.name, student)
                return [Automatic(grade.name, grade.auto_score) for grade in notebook.grades]

    def forget(self, student: str) -> None:
        """Leave no trace of a submission, so that Formgrader does not show it."""
        with _quiet(), self.api.gradebook as gradebook:
            gradebook.remove_student(student)
        for kind in ("submitted", "autograded"):
            shutil.rmtree(self.folder / kind / student)

    def write_manual(self, student: str, marks: dict[str, tuple[float | None, str]]) -> None:
        """Put a person's marks and comments, by cell, into the database."""
        with _quiet(), self.api.gradebook as gradebook:
            key = (self.name, self.name, student)
            grades = {
                grade.name: grade for grade in gradebook.find_submission_notebook(*key).grades
            }
            for cell, (points, comment) in marks.items():
                if points is not None:
                    grades[cell].manual_score = points
                    grades[cell].needs_manual_grade = False
                if comment:
                    with contextlib.suppress(Exception):  # only answers have comments there
                        gradebook.find_comment(cell, *key).manual_comment = comment
            gradebook.db.commit()


def read_manual(folder: Path, name: str) -> dict[tuple[str, str], tuple[float | None, str]]:
    """The marks and comments given in Formgrader: (cell, student) -> (points, comment)."""
    if not (folder / DATABASE).exists():
        return {}
    found: dict[tuple[str, str], tuple[float | None, str]] = {}
    with _quiet(), _api(folder).gradebook as gradebook:
        try:
            submissions = gradebook.notebook_submissions(name, name)
        except Exception:  # a database of another notebook, or of a run that stopped early
            return {}
        for submission in submissions:
            student = submission.student.id
            comments = {one.name: one.manual_comment or "" for one in submission.comments}
            for grade in submission.grades:
                comment = comments.get(grade.name, "")
                if grade.manual_score is not None or comment:
                    found[grade.name, student] = (grade.manual_score, comment)
    return found


def write_notebook(notebook, path: Path) -> None:
    import nbformat

    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # nbgrader leaves its files read-only
    nbformat.write(notebook, path)


def _api(folder: Path):
    """nbgrader's API on ``folder``: no output is cleared, stderr costs no points."""
    try:
        from nbgrader import preprocessors
        from nbgrader.apps import NbGraderAPI
    except ImportError:
        raise CourseError('grading needs nbgrader: pip install -e ".[grader]"') from None
    from traitlets.config import Config

    # nbgrader calls `alembic` by its bare name.
    scripts = str(Path(sys.executable).parent)
    if scripts not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", "")])
    folder.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.CourseDirectory.root = str(folder.resolve())
    config.CourseDirectory.course_id = "tp_cnn"
    config.IgnorePattern.enabled = True
    config.IgnorePattern.pattern = "(?s).*"  # what a test cell writes on stderr costs no points
    config.GenerateAssignment.preprocessors = [  # without ClearSolutions: `editions` has done it
        preprocessors.LockCells,
        preprocessors.CheckCellMetadata,
        preprocessors.ComputeChecksums,
        preprocessors.SaveCells,
        preprocessors.ClearHiddenTests,
        preprocessors.ComputeChecksums,
    ]
    config.Autograde.sanitize_preprocessors = [
        preprocessors.OverwriteKernelspec,
        preprocessors.OverwriteCells,
        preprocessors.CheckCellMetadata,
    ]
    config.Autograde.autograde_preprocessors = [  # the notebook is executed already
        preprocessors.IgnorePattern,
        preprocessors.LimitOutput,
        preprocessors.SaveAutoGrades,
        preprocessors.CheckCellMetadata,
    ]
    return NbGraderAPI(config=config)


@contextlib.contextmanager
def _quiet():
    """Without the warnings that nbgrader draws from SQLAlchemy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _last_line(result: dict) -> str:
    text = result.get("error") or result.get("log") or "no reason given"
    return text.strip().splitlines()[-1]
