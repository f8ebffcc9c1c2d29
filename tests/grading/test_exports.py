"""Marks as other programs take them: nbgrader's export, Moodle's grading worksheet."""

import csv
import io
import os
import sys
from datetime import datetime
from pathlib import Path

import pytest

from tests.grading.invented_class import make_batch
from tp_cnn.errors import CourseError
from tp_cnn.grading import exports, tables
from tp_cnn.grading.names import slug
from tp_cnn.grading.submissions import collect

# As Moodle writes it for an assignment of 20 points.
ENGLISH = [
    "Identifier",
    "Full name",
    "Email address",
    "Status",
    "Grade",
    "Maximum Grade",
    "Grade can be changed",
    "Last modified (submission)",
    "Last modified (grade)",
    "Feedback comments",
]
FRENCH = [
    "Identifiant",
    "Nom complet",
    "Adresse de courriel",
    "Statut",
    "Note",
    "Note maximale",
    "La note peut être modifiée",
    "Dernière modification (travail remis)",
    "Dernière modification (note)",
    "Feedback par commentaires",
]


def _row(number, name, most="20.00"):
    status = "Submitted for grading"
    return [f"Participant {number}", name, "", status, "", most, "Yes", "-", "-", ""]


def _worksheet(path, header, rows, encoding="utf-8-sig"):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    path.write_bytes(text.getvalue().encode(encoding))
    return path


@pytest.fixture
def batch():
    """Three students of Moodle: all marked, suspicious, and one with answers left to read."""
    batch = make_batch(students=12)
    batch.outcomes[:] = [batch.outcomes[index] for index in (7, 2, 0)]
    for outcome, number in zip(batch.outcomes, (111, 222, 333), strict=True):
        outcome.id = slug(outcome.student, str(number))
    for mark in batch.outcomes[0].marks:
        mark.manual = mark.points / 2 if mark.earned is None else mark.manual
        mark.comment = "Très <bien>" if mark.by_hand else ""
    assert batch.outcomes[2].to_mark
    return batch


@pytest.mark.parametrize("header", [ENGLISH, FRENCH], ids=["English", "French"])
def test_moodle_s_worksheet_comes_back_with_the_marks_that_are_final(tmp_path, batch, header):
    rows = [_row(333, "A"), _row(111, "=B"), _row(222, "C"), _row(999, "D")]
    sheet = _worksheet(tmp_path / "Grades-TP.csv", header, rows)
    told = exports.fill_worksheet(batch, sheet, tmp_path / "moodle.csv")
    raw = (tmp_path / "moodle.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")  # as Moodle wrote it
    written = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert written[0] == header
    assert [row[0] for row in written[1:]] == [f"Participant {n}" for n in (333, 111, 222, 999)]
    assert [row[4] for row in written[1:]][::2] == ["", ""]
    assert written[4] == rows[3]
    outcome = batch.outcomes[0]
    assert float(written[2][4]) == pytest.approx(20 * outcome.total / batch.points, abs=0.01)
    assert "Très &lt;bien&gt;" in written[2][9]
    assert written[2][1] == "'=B"
    assert told == "moodle.csv: 1 marks of 4; the others wait for a person"


def test_a_mark_is_never_above_moodle_s_maximum(tmp_path, batch):
    for mark in batch.outcomes[0].marks:
        mark.manual = 2 * mark.points  # as points of bonus may add up to
    sheet = _worksheet(tmp_path / "s.csv", ENGLISH, [_row(111, "B", "100")])
    exports.fill_worksheet(batch, sheet, tmp_path / "moodle.csv")
    assert tables.read(tmp_path / "moodle.csv").rows[1][4] == "100.00"


def test_an_assignment_graded_with_a_scale_is_refused(tmp_path, batch):
    sheet = _worksheet(tmp_path / "s.csv", ENGLISH, [_row(111, "B", "Très bien")])
    with pytest.raises(CourseError, match="'Très bien' is no maximum grade"):
        exports.fill_worksheet(batch, sheet, tmp_path / "moodle.csv")


def test_another_list_of_the_class_is_no_worksheet(tmp_path, batch):
    (tmp_path / "liste.csv").write_text("id;nom\n1;A\n")
    assert exports.fill_worksheet(batch, tmp_path / "liste.csv", tmp_path / "moodle.csv") == ""
    assert not (tmp_path / "moodle.csv").exists()


def test_the_worksheet_is_a_list_of_the_class(tmp_path):
    folder = tmp_path / "rendus" / "Élodie DURAND_111_assignsubmission_file_"
    folder.mkdir(parents=True)
    (folder / "01_mini.ipynb").write_text("{}")
    rows = [_row(111, "Durand Élodie-Anne"), _row(222, "Élodie DURAND")]
    sheet = _worksheet(tmp_path / "s.csv", FRENCH, rows)
    found = {one.id: one.missing for one in collect(tmp_path / "rendus", "01_mini", sheet)}
    assert found == {"elodie-durand-111": False, "elodie-durand-222": True}


@pytest.mark.filterwarnings("ignore")  # nbgrader draws some from SQLAlchemy
def test_nbgrader_s_columns_and_values(tmp_path, batch, monkeypatch):
    """What `nbgrader export` writes of the same marks in a database of nbgrader's."""
    pytest.importorskip("nbgrader")
    from nbgrader.api import Gradebook
    from nbgrader.plugins import CsvExportPlugin

    # nbgrader calls `alembic` by its bare name.
    scripts = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", scripts + os.pathsep + os.environ["PATH"])
    outcome, name = batch.outcomes[0], batch.notebook
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        gradebook.add_assignment(name)
        gradebook.add_notebook("tp", name)
        for mark in outcome.marks:
            options = {"max_score": mark.points, "cell_type": "code"}
            gradebook.add_grade_cell(mark.cell, "tp", name, **options)
        gradebook.add_student(outcome.id, last_name=outcome.student)
        gradebook.add_submission(name, outcome.id, timestamp=datetime(2026, 1, 31))
        for mark in outcome.marks:
            gradebook.find_grade(mark.cell, "tp", name, outcome.id).manual_score = mark.earned
        gradebook.db.commit()
        CsvExportPlugin(to=str(tmp_path / "theirs.csv")).export(gradebook)
    exports.write_all(batch, tmp_path, None)
    theirs, ours = (tables.read(tmp_path / f"{file}.csv").rows for file in ("theirs", "nbgrader"))
    assert ours[0] == theirs[0]
    assert len(ours) == 1 + len(batch.outcomes)
    datetime.fromisoformat(ours[1][2])
    ours[1][2] = theirs[1][2]
    points = slice(7, 10)
    assert list(map(float, ours[1][points])) == list(map(float, theirs[1][points]))
    assert ours[1][:7] == theirs[1][:7]
