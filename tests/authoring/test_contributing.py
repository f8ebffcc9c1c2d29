"""The examples of CONTRIBUTING.md: they build, run, and each table is that of its check."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.data.file_server import tiny_mnist
from tp_cnn.authoring.editions import notebook
from tp_cnn.authoring.markers import OPTIONS
from tp_cnn.authoring.source import project_root, read_source
from tp_cnn.checks.engine.framework import Mistake, grade
from tp_cnn.data.files import catalog
from tp_cnn.data.sources import load

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


@pytest.mark.parametrize(
    ("name", "first"), [("check_positions", 1), ("check_dense", 3)], ids=["function", "network"]
)
def test_table(blocks, name, first):
    found = {}
    for block in (blocks[2].partition("ANSWERS")[0], blocks[first], blocks[first + 1]):
        exec(block, found)
    check, answers = found[name], found["ANSWERS"][name]
    assert len(answers.right) >= 2
    assert all(check(answer).ok for answer in answers.right)
    assert list(answers.wrong) == [mistake.name for mistake in check.mistakes]
    for mistake, answer in answers.wrong.items():
        assert check(answer, seed=1).mistake == mistake


def test_loop(blocks):
    found = {"Mistake": Mistake}
    exec(blocks[5], found)
    check, wrong = found["check_step"], found["accumulating"]
    assert check(found["step"]).ok
    assert check(wrong).mistake == "no-zero-grad"


def test_class(blocks):
    found = {"Mistake": Mistake}
    exec(blocks[6], found)
    check = found["check_double"]
    assert check(found["Double"]).ok
    assert check(found["Forgotten"], seed=1).mistake == "forgotten"


def test_figure(blocks):
    found = {}
    exec(blocks[7], found)
    exec(blocks[8], found)
    found["test_a_bar_a_class"]()


def test_data_set(blocks, tmp_path, monkeypatch):
    """The entry, but for sizes and checksums: those are of a tiny copy."""
    found = vars(catalog).copy()
    exec(blocks[9], found)
    letters = found["LETTERS"]
    copy, contents = tiny_mnist(train=300, test=60)
    assert [file.name for file in letters.files] == [file.name for file in copy.files]
    for file in copy.files:
        path = tmp_path / letters.folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[f"/{file.name}"])
    monkeypatch.setitem(catalog.DATASETS, "letters", replace(letters, files=copy.files))
    for split, count in letters.counts.items():
        images = load("letters", split, root=tmp_path, download=False)
        assert (len(images), images.classes) == (count, letters.classes)
        assert images.origin.startswith("Letters, official files in ")


def test_jupyterlab_keeps_every_marker():
    text = (ROOT / "jupytext.toml").read_text(encoding="utf-8")
    kept = re.search(r'cell_metadata_filter = "(.*),-all"', text)[1].split(",")
    assert set(kept) == set(OPTIONS).union(*OPTIONS.values())
