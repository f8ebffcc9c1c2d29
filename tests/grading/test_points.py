"""Points are those that nbgrader gives: to each kind of cell, and to honest copies."""

import copy

import pytest
from nbformat import v4

from tp_cnn.grading import engine, points
from tp_cnn.grading.engine import Exam
from tp_cnn.grading.model import Submission
from tp_cnn.grading.sandbox import bubblewrap
from tp_cnn.grading.sandbox.execution import Executor

ERROR = v4.new_output("error", ename="AssertionError", evalue="", traceback=[])
PRINTED = v4.new_output("stream", name="stdout", text="2\n")


def _value(text):
    return v4.new_output("execute_result", data={"text/plain": text}, execution_count=1)


def _nbgrader(cell):
    utils = pytest.importorskip("nbgrader.utils")
    cell = copy.deepcopy(cell)
    cell.outputs = [one for one in cell.get("outputs", []) if one.get("name") != "stderr"]
    return utils.determine_grade(cell)[0]


@pytest.mark.parametrize(
    ("outputs", "wanted"),
    [
        ([], 2),
        ([PRINTED], 2),
        ([ERROR], 0),
        ([PRINTED, ERROR], 0),
        ([_value("1.5")], 1.5),
        ([_value("0")], 0),
        ([_value("2.0"), ERROR], 2),
        ([_value("'right'")], 2),
    ],
)
def test_a_test_s_points_are_those_of_nbgrader(outputs, wanted):
    metadata = {"nbgrader": {"grade": True, "solution": False, "points": 2, "grade_id": "t"}}
    cell = v4.new_code_cell("grade()", outputs=outputs, metadata=metadata)
    assert points.earned(cell, "") == _nbgrader(cell) == wanted


@pytest.mark.parametrize("text", ["-1", "3", "nan", "inf"])
def test_an_impossible_number_of_points_is_none(text):
    metadata = {"nbgrader": {"grade": True, "solution": False, "points": 2, "grade_id": "t"}}
    cell = v4.new_code_cell("grade()", outputs=[_value(text)], metadata=metadata)
    assert points.earned(cell, "") == 0


@pytest.mark.parametrize(
    ("outputs", "shown"),
    [
        ([], False),
        ([PRINTED], False),
        ([_value("'right'")], False),
        ([_value("nan")], False),
        ([ERROR], True),
        ([PRINTED, _value("1.5")], True),
        ([_value("0.0")], True),
    ],
)
def test_a_test_that_shows_no_points_is_seen(outputs, shown):
    """One that a cell silenced would have all of them (see above)."""
    assert points.are_shown(v4.new_code_cell("grade()", outputs=outputs)) is shown


def test_what_a_test_writes_on_stderr_costs_nothing():
    metadata = {"nbgrader": {"grade": True, "solution": False, "points": 2, "grade_id": "t"}}
    warning = v4.new_output("stream", name="stderr", text="UserWarning")
    cell = v4.new_code_cell("grade()", outputs=[warning, _value("1")], metadata=metadata)
    assert points.earned(cell, "") == 1


@pytest.mark.slow
def test_honest_copies_get_the_points_of_nbgrader(mini, answered):
    utils = pytest.importorskip("nbgrader.utils")
    right = "def output_size(size, kernel, stride, padding):\n"
    right += "    return 1 + (size - kernel + 2 * padding) // stride"
    copies = [
        answered(),
        answered(taille=right, poids="filter_weights = 76", avantages_texte="Peu de poids."),
        answered(taille=right.replace("1 + ", ""), poids="filter_weights = 75 + 1"),
        answered(taille="def output_size(:", poids="filter_weights = None"),
    ]
    exam = Exam.of(mini)
    executor = Executor(sandbox=not bubblewrap.obstacle())
    engine.check_control(exam, executor)
    totals = []
    for content in copies:
        tried = engine.attempt(Submission("a", "A", "a.ipynb", content), exam, executor)
        engine.mark(tried, exam)
        theirs = {}
        for cell in filter(utils.is_grade, tried.notebook.cells):
            blank = next(one for one in exam.assignment.cells if one.id == cell.id)
            cell.metadata.nbgrader["checksum"] = utils.compute_checksum(blank)
            theirs[cell.id] = _nbgrader(cell)
        assert {mark.cell: mark.automatic for mark in tried.outcome.marks} == theirs
        totals.append(tried.outcome.total)
    assert totals == [0, 3, 1, 0]
