"""Every notebook of the course, executed from a clean kernel in both editions."""

import nbformat
import pytest

from tp_cnn import display
from tp_cnn.authoring import run
from tp_cnn.authoring.source import project_root

NAMES = sorted(path.stem for path in (project_root() / "notebooks").glob("*.ipynb"))
MINUTES_ALLOWED = 5  # 3 on two free cores, see the README; the machine of the tests may be busy


@pytest.fixture
def executed(tmp_path, monkeypatch):
    """A function that executes one edition of a notebook and returns it with the run's result."""
    monkeypatch.setenv("TP_CNN_DOWNLOAD", "0")

    def execute(name, edition):
        (result,) = run.run([name], "quick", edition, tmp_path)
        assert result.failure is None, str(result.failure)
        return nbformat.read(tmp_path / f"{name}.ipynb", as_version=4), result

    return execute


def checks(notebook):
    """What the checks of each test cell said."""
    cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")
    ]
    return {
        cell.id: "".join(one.data["text/plain"] for one in cell.outputs if display.facts(one))
        for cell in cells
    }


@pytest.mark.parametrize("name", NAMES)
def test_an_unfilled_student_edition_runs_and_every_check_says_to_do(executed, name):
    notebook, _ = executed(name, "notebooks")
    printed = checks(notebook)
    assert printed
    assert {cell: text for cell, text in printed.items() if not text.startswith("◻ À faire")} == {}


@pytest.mark.parametrize("name", NAMES)
def test_a_solution_runs_in_time_and_every_check_says_right(executed, name):
    notebook, result = executed(name, "solutions")
    printed = checks(notebook)
    assert {cell: text for cell, text in printed.items() if not text.startswith("✔ Juste")} == {}
    assert result.seconds < 60 * MINUTES_ALLOWED
