import shutil
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def example():
    return HERE / "01_exemple.py"


@pytest.fixture
def course(tmp_path, example):
    """A course of one notebook; returns its root."""
    (tmp_path / "solutions").mkdir()
    shutil.copy(example, tmp_path / "solutions")
    (tmp_path / "pyproject.toml").touch()
    return tmp_path
