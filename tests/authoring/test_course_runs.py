"""Every notebook of the course, executed from a clean kernel in both editions.

With the small parameters of grading: what is tested is that everything runs and what the checks
say. `tp-cnn build` and `tp-cnn run` execute the quick profile.
"""

from itertools import cycle
from pathlib import Path

import nbformat
import pytest
from torchvision.transforms.functional import to_pil_image

from tp_cnn import display
from tp_cnn.authoring import run
from tp_cnn.authoring.source import project_root, read_sources
from tp_cnn.data.files import catalog
from tp_cnn.data.sources import load
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


COMPUTING = [name for name in NAMES if "runtime.device()" in SOURCES[name].path.read_text("utf-8")]


@pytest.mark.parametrize("name", COMPUTING)
def test_a_solution_runs_on_another_device(executed, monkeypatch, name):
    """A GPU refuses the processor's tensors; see `far_device`, which needs none."""
    monkeypatch.setenv("PYTHONSTARTUP", str(Path(__file__).with_name("far_device.py")))
    notebook = executed(name, "solutions")
    assert {text[:7] for text in checks(notebook).values()} == {"✔ Juste"}
    assert "meta" in str(
        [display.facts(one) for cell in notebook.cells for one in cell.get("outputs", [])]
    )


@pytest.fixture
def class_folders(tmp_path, monkeypatch):
    """CIFAR-10 as a folder a class, as the JPEG copy has it, made of coloured shapes."""
    for split, count in (("train", 40), ("test", 12)):
        images = cycle(load("shapes", split).images)
        for name in catalog.CIFAR10.classes:
            folder = tmp_path / "data" / "cifar10" / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                to_pil_image(next(images)).save(folder / f"{i}.png")
    monkeypatch.setenv("TP_CNN_DATA", str(tmp_path / "data"))


@pytest.mark.parametrize("name", ["06_transfert", "07_visualisation"])
def test_a_solution_runs_on_the_classes_of_cifar(executed, class_folders, name):
    """Their names come in French, and these notebooks choose among them."""
    notebook = executed(name, "solutions")
    assert {text[:7] for text in checks(notebook).values()} == {"✔ Juste"}
    assert "cifar10" in str(notebook)
