"""`tp-cnn grade` as a grader uses it: a folder in, marks and pages out, and again later."""

import copy
import csv
import json
import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from tp_cnn.authoring import editions
from tp_cnn.authoring.source import read_sources
from tp_cnn.cli import main
from tp_cnn.errors import CourseError
from tp_cnn.grading import grade, manual
from tp_cnn.grading.model import Submission
from tp_cnn.grading.sandbox import bubblewrap
from tp_cnn.grading.sandbox.bubblewrap import Limits
from tp_cnn.grading.sandbox.execution import Execution
from tp_cnn.grading.tables import spreadsheet_safe

ROOT = Path(__file__).parents[2]
RIGHT = """def output_size(size, kernel, stride, padding):
    return 1 + (size - kernel + 2 * padding) // stride"""
WRONG = RIGHT.replace("1 + ", "")
TEXT = "Les poids sont partagés, et chaque neurone ne voit qu'une fenêtre."


@pytest.fixture(scope="module")
def batch(mini, answered, tmp_path_factory):
    """Graded once: the folders of submissions and of results, and what was said."""
    place = tmp_path_factory.mktemp("batch")
    submissions = place / "rendus"
    submissions.mkdir()
    contents = {
        "Étudiante A": answered(taille=RIGHT, poids="filter_weights = 76", avantages_texte=TEXT),
        "=Étudiant B": answered(taille=WRONG, poids="filter_weights = 75 + 1"),
        "Étudiante C": b"{",
        "Étudiant D": answered(),
    }
    for student, content in contents.items():
        (submissions / f"{student}.ipynb").write_bytes(content)
    (place / "liste.csv").write_text("id;nom\n;Étudiante A\n17;Étudiante E\n", encoding="utf-8")
    said = []
    _grade(mini, place, said)
    return place, said


def _grade(mini, place, said, **options):
    root = mini.path.parents[1]
    options = {"sandbox": not bubblewrap.obstacle(), "roster": place / "liste.csv", **options}
    return grade.grade(
        "01", place / "rendus", place / "out", jobs=2, root=root, say=said.append, **options
    )


@pytest.fixture
def again(batch, tmp_path):
    """A copy of the graded batch, to grade again."""
    shutil.copytree(batch[0], tmp_path / "batch")
    return tmp_path / "batch"


def _rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_a_line_a_student_with_a_true_status(batch):
    rows = _rows(batch[0] / "out" / "grades.csv")
    statuses = {student: row["status"] for student, row in rows.items()}
    assert statuses == {
        "'=Étudiant B": "graded",  # a spreadsheet must not take it for a formula
        "Étudiant D": "graded",
        "Étudiante A": "graded",
        "Étudiante C": "not-graded",
        "Étudiante E": "missing",
    }
    assert "JSON" in rows["Étudiante C"]["why"]
    assert len([line for line in batch[1] if "/5]" in line]) == 5


def test_points_by_question(batch):
    rows = _rows(batch[0] / "out" / "grades.csv")
    points = {
        student: [row[name] for name in ("taille", "poids", "avantages", "total", "left_to_mark")]
        for student, row in rows.items()
    }
    assert points["Étudiante A"] == ["2", "1", "", "3", "1"]
    assert points["'=Étudiant B"] == ["0", "1", "0", "1", "0"]  # no text: nothing to read
    assert points["Étudiant D"] == ["0", "0", "0", "0", "0"]
    assert points["Étudiante C"] == ["", "", "", "", "0"]


def test_feedback_names_the_mistake_and_hides_tests_and_rubrics(batch):
    pages = {path.stem: path.read_text("utf-8") for path in (batch[0] / "out/feedback").iterdir()}
    wrong = next(text for name, text in pages.items() if "etudiant-b" in name)
    assert "Pas encore" in wrong
    for text in pages.values():
        assert "BEGIN HIDDEN" not in text
        assert "seed=1" not in text
        assert "les poids partagés" not in text
        assert str(batch[0]) not in text


def test_the_answers_to_read_have_their_rubric(batch):
    (page,) = (batch[0] / "out" / "questions").iterdir()
    text = page.read_text("utf-8")
    assert "les poids partagés" in text
    assert "fenêtre" in text


def _answer_row(place, points, comment=""):
    path = place / "out" / manual.NAME
    rows = manual.read(path)
    (key,) = rows
    row = rows[key]
    assert row.student == "Étudiante A"
    path.write_text(
        f"cell;id;points;comment\n{row.cell};{row.id};{points};{comment}\n", encoding="utf-8"
    )


@pytest.mark.slow
def test_marks_of_a_person_are_merged_and_nothing_is_executed_again(again, mini, monkeypatch):
    _answer_row(again, "2,5", "Très bien")
    executed = []
    attempt = grade.engine.attempt
    monkeypatch.setattr(
        grade.engine, "attempt", lambda one, *rest: executed.append(one) or attempt(one, *rest)
    )
    said = []
    _grade(mini, again, said, resume=True)
    assert executed == []
    assert said[0] == "5 of 5 submissions are graded already"
    row = _rows(again / "out" / "grades.csv")["Étudiante A"]
    assert (row["avantages"], row["total"], row["left_to_mark"]) == ("2.5", "5.5", "0")
    assert any(
        "Très bien" in path.read_text("utf-8") for path in (again / "out/feedback").iterdir()
    )


@pytest.mark.slow
def test_a_change_of_the_answer_is_graded_anew_and_told(again, mini, answered):
    _answer_row(again, "3")
    _grade(mini, again, [], resume=True)
    changed = answered(taille=RIGHT, avantages_texte="Autre chose.")
    (again / "rendus" / "Étudiante A.ipynb").write_bytes(changed)
    said = []
    _grade(mini, again, said, resume=True)
    assert any("the answer changed after it was marked" in line for line in said)
    row = _rows(again / "out" / "grades.csv")["Étudiante A"]
    assert (row["poids"], row["avantages"]) == ("0", "3")


@pytest.mark.slow
def test_an_unreadable_file_of_marks_stops_before_anything_changes(again, mini):
    path = again / "out" / manual.NAME
    path.write_text("a,b\n1,2\n")
    before = (again / "out" / "grades.csv").read_bytes()
    with pytest.raises(CourseError, match="no column cell"):
        _grade(mini, again, [])
    assert path.read_text() == "a,b\n1,2\n"
    assert (again / "out" / "grades.csv").read_bytes() == before


@pytest.mark.slow
def test_a_solution_that_fails_stops_the_batch(mini, tmp_path, batch):
    root = tmp_path / "course"
    shutil.copytree(mini.path.parents[1], root)
    source = root / "solutions" / "01_mini.py"
    text = source.read_text("utf-8").replace("5 * 5 * 3 + 1", "5 * 5 + 1")
    source.write_text(text, "utf-8")
    with pytest.raises(CourseError, match=r"no submission was graded. poids-test: ✘ Pas encore"):
        grade.grade(
            "01",
            batch[0] / "rendus",
            tmp_path / "out",
            sandbox=not bubblewrap.obstacle(),
            root=root,
        )


@pytest.mark.slow
def test_one_incident_of_ours_does_not_stop_the_others(again, mini, monkeypatch):
    attempt = grade.engine.attempt

    def breaks(submission, *rest):
        if submission.student == "Étudiante A":
            raise RuntimeError("disque plein")
        return attempt(submission, *rest)

    monkeypatch.setattr(grade.engine, "attempt", breaks)
    result = _grade(mini, again, [])
    statuses = {one.student: (one.status, one.reasons) for one in result.outcomes}
    assert statuses["Étudiante A"] == ("not-graded", ["incident, RuntimeError : disque plein"])
    assert statuses["Étudiant D"] == ("graded", [])


@pytest.mark.slow
def test_an_incident_is_not_remembered_as_a_student_s_status(again, mini, monkeypatch):
    attempt = grade.engine.attempt

    def breaks(submission, *rest):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(grade.engine, "attempt", breaks)
    assert {one.status for one in _grade(mini, again, []).outcomes} == {"not-graded"}
    monkeypatch.setattr(grade.engine, "attempt", attempt)
    said = []
    result = _grade(mini, again, said, resume=True)
    assert "graded already" not in said[0]
    assert [one.status for one in result.outcomes].count("graded") == 3


class NoKernel:
    limits = Limits()

    def execute(self, notebook, tests):
        return Execution(copy.deepcopy(notebook), failure="pas de noyau")


def test_a_kernel_that_does_not_start_is_not_remembered_either(mini, answered):
    exam = grade.engine.Exam.of(mini)
    tried = grade.engine.attempt(Submission("a", "A", "a.ipynb", answered()), exam, NoKernel())
    assert (tried.outcome.status, tried.outcome.digest) == ("not-graded", "")


def test_a_full_disk_stops_with_a_message_and_remembers_nothing(again, mini, monkeypatch):
    shutil.rmtree(again / "out" / "outcomes")

    def full(self, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(grade.Outcome, "write", full)
    with pytest.raises(CourseError, match=r"cannot write the results \(No space left.*--resume"):
        _grade(mini, again, [])
    assert list((again / "out" / "outcomes").iterdir()) == []


def test_two_graders_do_not_work_in_one_folder(again, mini):
    with (
        FileLock(again / "out" / ".lock"),
        pytest.raises(CourseError, match="another tp-cnn grade is at work there"),
    ):
        _grade(mini, again, [])


def test_students_are_in_alphabetical_order_whatever_their_accents(batch):
    rows = list(_rows(batch[0] / "out" / "grades.csv"))
    assert rows == [
        "'=Étudiant B",
        "Étudiant D",
        "Étudiante A",
        "Étudiante C",
        "Étudiante E",
    ]


def test_the_marks_of_moodle_s_worksheet(again, mini):
    (again / "liste.csv").write_text(
        "Identifier,Full name,Grade,Maximum Grade\nParticipant 17,Étudiant D,,20.00\n",
        encoding="utf-8",
    )
    said = []
    _grade(mini, again, said, resume=True)
    assert "moodle.csv: 1 marks of 1; the others wait for a person" in said
    text = (again / "out" / "moodle.csv").read_text("utf-8")
    assert text.splitlines()[1] == "Participant 17,Étudiant D,0.00,20.00"


@pytest.mark.slow
def test_an_incident_that_passes_is_forgotten(again, mini, monkeypatch):
    attempt, seen = grade.engine.attempt, set()

    def breaks_once(submission, *rest):
        if submission.id not in seen:
            seen.add(submission.id)
            raise SystemError("AST constructor recursion depth mismatch")
        return attempt(submission, *rest)

    monkeypatch.setattr(grade.engine, "attempt", breaks_once)
    result = _grade(mini, again, [])
    assert [one.status for one in result.outcomes].count("graded") == 3


def test_grading_parameters_reach_the_notebook(mini):
    assert grade.grading_parameters(mini) == {"TP_CNN_PARAM_SIZE": "6"}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_a_spreadsheet_takes_no_name_for_a_formula(text):
    assert spreadsheet_safe(text) == f"'{text}"
    assert spreadsheet_safe("Étudiante A") == "Étudiante A"


def test_without_a_sandbox_the_command_says_how_to_go_on(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(bubblewrap, "obstacle", lambda: "no bubblewrap here: use --no-sandbox")
    assert main(["grade", "03", str(tmp_path), "-o", str(tmp_path / "out")]) == 1
    assert "--no-sandbox" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_jobs_must_be_one_or_more(capsys, tmp_path):
    with pytest.raises(SystemExit):
        main(["grade", "03", str(tmp_path), "-o", str(tmp_path / "o"), "-j", "0"])
    assert "'0': expected a whole number from 1 to 64" in capsys.readouterr().err


def test_the_results_of_another_notebook_stay(batch):
    before = (batch[0] / "out" / manual.NAME).read_bytes()
    with pytest.raises(CourseError, match="holds the marks of 01_mini: give another folder"):
        grade.grade(
            "03",
            batch[0] / "rendus",
            batch[0] / "out",
            sandbox=not bubblewrap.obstacle(),
            root=ROOT,
        )
    assert (batch[0] / "out" / manual.NAME).read_bytes() == before


@pytest.mark.slow
def test_records_of_another_version_are_graded_anew(again, mini):
    for path in (again / "out" / "outcomes").iterdir():
        path.write_text(json.dumps({"id": "x"}))
    said = []
    _grade(mini, again, said, resume=True)
    assert "graded already" not in said[0]
    assert _rows(again / "out" / "grades.csv")["Étudiante A"]["taille"] == "2"


@pytest.mark.slow
def test_many_submissions_prepared_at_once():
    """`ast.parse` is not safe in several threads on Python 3.11: each has a process."""
    (source,) = read_sources(["01"], ROOT)
    exam = grade.engine.Exam.of(source)
    content = editions.serialise(editions.notebook(source, "solution")).encode()
    submission = Submission("a", "A", "a.ipynb", content)
    with ThreadPoolExecutor(4) as pool:
        tried = [pool.submit(grade.engine.attempt, submission, exam, NoKernel()) for _ in range(12)]
    assert all("pas de noyau" in one.result().outcome.reasons for one in tried)


@pytest.mark.slow
def test_a_cluster_gives_the_same_marks_though_a_worker_is_killed(batch, mini, tmp_path):
    dask = pytest.importorskip("distributed")
    shutil.copytree(batch[0] / "rendus", tmp_path / "rendus")
    shutil.copy(batch[0] / "liste.csv", tmp_path)
    killed = []
    with dask.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:

        class Said(list):
            def append(self, line):
                super().append(line)
                if not killed:  # the process of a worker, not the nanny that starts another
                    killed.append(next(iter(cluster.workers.values())).pid)
                    os.kill(killed[0], signal.SIGKILL)

        said = Said()
        _grade(mini, tmp_path, said, scheduler=cluster.scheduler_address)
    assert killed
    assert _rows(tmp_path / "out" / "grades.csv") == _rows(batch[0] / "out" / "grades.csv")


@pytest.mark.parametrize("name", grade.OURS)
def test_what_is_in_a_folder_of_something_else_is_not_written_over(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with (
        pytest.raises(CourseError, match="that no tp-cnn grade wrote"),
        grade._alone(tmp_path, "03"),
    ):
        pass
    assert (tmp_path / name).read_text() == "mine"


def test_without_a_checkout_the_folder_of_solutions_is_asked_for(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["grade", "03", ".", "-o", "marks"]) == 1
    assert "--course" in capsys.readouterr().err
