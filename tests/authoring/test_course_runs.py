"""Every notebook of the course, executed from a clean kernel in both editions.

With the small parameters of grading: what is tested is that everything runs and what the checks
say. `tp-cnn build` and `tp-cnn run` execute the quick profile.
"""

import nbformat
import pytest

from tp_cnn import display
from tp_cnn.authoring import run
from tp_cnn.authoring.source import project_root, read_sources
from tp_cnn.grading.grade import grading_parameters

SOURCES = {source.name: source for source in read_sources()}
NAMES = sorted(path.stem for path in (project_root() / "notebooks").glob("*.ipynb"))
HANGS = 6 * 3600  # seconds: no test of speed, the machine of the tests may be busy
pytestmark = pytest.mark.slow


@pytest.fixture
def executed(tmp_path, monkeypatch):
    """A function that executes one edition of a notebook and returns it."""
    monkeypatch.setenv("TP_CNN_DOWNLOAD", "0")

    def execute(name, edition):
        for variable, value in grading_parameters(SOURCES[name]).items():
            monkeypatch.setenv(variable, value)
        (result,) = run.run_notebooks([name], "quick", edition, tmp_path, HANGS, HANGS)
        assert result.failure is None, str(result.failure)
        return nbformat.read(tmp_path / f"{name}.ipynb", as_version=4)

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
    printed = checks(executed(name, "notebooks"))
    assert printed
    assert {cell: text for cell, text in printed.items() if not text.startswith("◻ À faire")} == {}


@pytest.mark.parametrize("name", NAMES)
def test_a_solution_runs_and_every_check_says_right(executed, name):
    printed = checks(executed(name, "solutions"))
    assert printed
    assert {cell: text for cell, text in printed.items() if not text.startswith("✔ Juste")} == {}
