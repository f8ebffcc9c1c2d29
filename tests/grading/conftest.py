import json
import shutil
from pathlib import Path

import pytest

from tp_cnn.authoring import editions
from tp_cnn.authoring.source import read_source
from tp_cnn.grading.sandbox import bubblewrap

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def mini(tmp_path_factory):
    """A course of one small notebook; returns its source."""
    root = tmp_path_factory.mktemp("course")
    (root / "solutions").mkdir()
    (root / "pyproject.toml").touch()
    shutil.copy(HERE / "01_mini.py", root / "solutions")
    return read_source(root / "solutions" / "01_mini.py")


@pytest.fixture(scope="session")
def answered(mini):
    """Makes the bytes of a student's notebook from the texts of some answer cells."""

    def make(**answers: str) -> bytes:
        notebook = editions.notebook(mini, "student")
        for cell in notebook.cells:
            cell.source = answers.get(cell.id.replace("-", "_"), cell.source)
        return json.dumps(notebook).encode()

    return make


@pytest.fixture(scope="session")
def needs_sandbox():
    obstacle = bubblewrap.obstacle()
    if obstacle:
        pytest.skip(obstacle)
