"""The worked example of CONTRIBUTING.md: it builds, runs, and its table is that of its check."""

import re
from pathlib import Path

import pytest

from tp_cnn.authoring.editions import notebook
from tp_cnn.authoring.markers import OPTIONS
from tp_cnn.authoring.source import project_root, read_source
from tp_cnn.checks.engine.framework import grade

ROOT = project_root(Path(__file__).parent)
HEAD = "# %% [markdown]\n# # 01. Exemple\n# **Durée :** 5 min\n# **Prérequis :** aucun\n\n"


@pytest.fixture(scope="module")
def blocks():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def names(blocks):
    """The names that the check and its table of answers define."""
    found = {"grade": grade}
    exec(blocks[1], found)
    exec(blocks[2], found)
    return found


@pytest.mark.parametrize(("edition", "verdict"), [("student", "À faire"), ("solution", "Juste")])
def test_question(tmp_path, blocks, names, edition, verdict, capsys):
    path = tmp_path / "01_exemple.py"
    path.write_text(HEAD + blocks[0], encoding="utf-8")
    source = read_source(path)
    assert source.questions[0].points == 2
    for cell in notebook(source, edition).cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
    assert verdict in capsys.readouterr().out


def test_table(names):
    check, answers = names["check_positions"], names["ANSWERS"]["check_positions"]
    assert all(check(answer).ok for answer in answers.right)
    assert list(answers.wrong) == [mistake.name for mistake in check.mistakes]
    for name, answer in answers.wrong.items():
        assert check(answer, seed=1).mistake == name


def test_jupyterlab_keeps_every_marker():
    text = (ROOT / "jupytext.toml").read_text(encoding="utf-8")
    kept = re.search(r'cell_metadata_filter = "(.*),-all"', text)[1].split(",")
    assert set(kept) == set(OPTIONS).union(*OPTIONS.values())
