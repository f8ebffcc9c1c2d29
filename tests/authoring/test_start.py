"""The notebooks laid out for a student, and corrected around the answers."""

import copy
import json
import sys
import types

import nbformat
import pytest

from tp_cnn import cli
from tp_cnn.authoring import colab, questions, report, run, start
from tp_cnn.authoring.editions import notebook, serialise
from tp_cnn.authoring.source import read_source
from tp_cnn.errors import CourseError


@pytest.fixture
def shipped(tmp_path, monkeypatch, example):
    """The notebook of the example, as if the package had come with it."""
    path = tmp_path / "shipped" / "01_exemple.ipynb"
    path.parent.mkdir()
    path.write_text(serialise(notebook(read_source(example), "student")), encoding="utf-8")
    monkeypatch.setattr(start, "shipped", lambda: [path])
    monkeypatch.chdir(tmp_path)
    return path


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def change(path, edit):
    content = read(path)
    edit(content["cells"])
    path.write_text(json.dumps(content), encoding="utf-8")


def find(cells, name):
    return next(cell for cell in cells if start._name(cell) == name)


def sources(path):
    return [start._text(cell) for cell in read(path)["cells"]]


def answered(cells):
    find(cells, "taille")["source"] = "def size(n, k):\n    return n - k + 1"
    find(cells, "taille")["outputs"] = []
    place = cells.index(find(cells, "taille"))
    cells.insert(place + 1, {**new_cell("mine = 1"), "id": "abcd"})


def new_cell(text):
    return {
        "cell_type": "code",
        "source": text,
        "metadata": {},
        "outputs": [],
        "execution_count": 3,
    }


def corrected(cells):
    cells[0]["source"] = "# 01. Un exemple corrigé"
    statement = find(cells, "taille-enonce")
    statement["source"] = start._text(statement) + "\nUne précision."


def test_what_was_begun_is_kept(shipped, tmp_path):
    folder = tmp_path / "mine"
    assert start.start(folder) == [("01_exemple.ipynb", "posé")]
    place = folder / "01_exemple.ipynb"
    assert place.read_bytes() == shipped.read_bytes()
    change(place, answered)
    before = place.read_bytes()
    for update in (False, True):
        ((_, said),) = start.start(folder, update)
        assert said.startswith("à jour")
        assert place.read_bytes() == before


def test_a_correction_comes_in_around_the_answers(shipped, tmp_path):
    folder = tmp_path / "mine"
    start.start(folder)
    place = folder / "01_exemple.ipynb"
    change(place, answered)
    before = place.read_bytes()
    change(shipped, corrected)
    ((_, said),) = start.start(folder)
    assert "--update" in said
    assert place.read_bytes() == before
    ((_, said),) = start.start(folder, update=True)
    assert "vos réponses gardées" in said
    found = sources(place)
    assert "def size(n, k):\n    return n - k + 1" in found
    assert found.index("mine = 1") == found.index("def size(n, k):\n    return n - k + 1") + 1
    assert found[0] == "# 01. Un exemple corrigé"
    assert sum("Une précision." in text for text in found) == 1
    assert len(found) == len(sources(shipped)) + 1
    nbformat.validate(nbformat.read(place, as_version=4))
    assert (folder / ".tp_cnn/01_exemple.avant.ipynb").read_bytes() == before
    ((_, said),) = start.start(folder, update=True)
    assert said.startswith("à jour")


def test_an_answer_whose_question_is_gone_is_kept(shipped, tmp_path):
    folder = tmp_path / "mine"
    start.start(folder)
    place = folder / "01_exemple.ipynb"
    change(place, answered)
    change(shipped, lambda cells: cells.remove(find(cells, "taille")))
    start.start(folder, update=True)
    assert "def size(n, k):\n    return n - k + 1" in sources(place)
    assert "mine = 1" in sources(place)
    nbformat.validate(nbformat.read(place, as_version=4))


def test_an_untouched_blank_takes_the_corrected_one(shipped, tmp_path):
    folder = tmp_path / "mine"
    start.start(folder)

    def other_blank(cells):
        find(cells, "taille")["source"] = "def size(n, k, stride):\n    ..."

    change(shipped, other_blank)
    start.start(folder, update=True)
    assert sources(folder / "01_exemple.ipynb") == sources(shipped)


def test_a_parameter_that_the_student_changed_stays(shipped, tmp_path):
    folder = tmp_path / "mine"
    start.start(folder)
    place = folder / "01_exemple.ipynb"

    def wider(cells):
        next(cell for cell in cells if start._text(cell) == "width = 3")["source"] = "width = 4"

    change(place, wider)
    change(shipped, corrected)
    start.start(folder, update=True)
    assert "width = 4" in sources(place)
    assert "width = 3" not in sources(place)


def copied(cells):
    """A blank copy below the answer, executed."""
    place = cells.index(find(cells, "taille"))
    blank = copy.deepcopy(cells[place])
    output = {"output_type": "stream", "name": "stdout", "text": "x"}
    cells.insert(place + 1, {**blank, "id": "copy", "outputs": [output]})
    cells[place]["source"] = "MINE = 1"


def split(cells):
    """As JupyterLab splits: two identifiers, the same metadata."""
    place = cells.index(find(cells, "taille"))
    cells.insert(place + 1, {**cells[place], "id": "half", "source": "MINE = 2"})
    cells[place]["source"] = "MINE = 1"


def typed_in_a_statement(cells):
    statement = find(cells, "taille-enonce")
    statement["source"] = start._text(statement) + "\n\nMINE = 1"


def typed_in_a_test(cells):
    test = find(cells, "taille-test")
    test["source"] = "MINE = 1\n" + start._text(test)


def as_code(cells):
    text = find(cells, "avantages-texte")
    text.update(cell_type="code", source="MINE = 1", outputs=[], execution_count=None)


@pytest.mark.parametrize("edit", [copied, split, typed_in_a_statement, typed_in_a_test, as_code])
def test_nothing_that_was_written_is_lost(shipped, tmp_path, edit):
    folder = tmp_path / "mine"
    start.start(folder)
    place = folder / "01_exemple.ipynb"
    change(place, edit)
    written = "\n".join(sources(place)).count("MINE")

    def corrected_test(cells):
        test = find(cells, "taille-test")
        test["source"] = start._text(test) + "\n1"

    change(shipped, corrected)
    change(shipped, corrected_test)
    start.start(folder, update=True)
    assert "\n".join(sources(place)).count("MINE") == written
    nbformat.validate(nbformat.read(place, as_version=4))


@pytest.mark.parametrize("content", [b"", b"{}", b"my notes", b'{"cells": 3}'])
def test_a_file_that_is_no_notebook_stays(shipped, tmp_path, content):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / shipped.name).write_bytes(content)
    start.start(folder)
    with pytest.raises(CourseError, match="il reste tel quel"):
        start.start(folder, update=True)
    assert (folder / shipped.name).read_bytes() == content


def no_metadata(content):
    content["cells"][0]["metadata"] = None


def of_another_age(content):
    content["worksheets"] = [{"cells": content.pop("cells")}]


@pytest.mark.parametrize("spoil", [no_metadata, of_another_age])
def test_a_notebook_with_no_cells_of_today_stays_as_it_was(shipped, tmp_path, spoil):
    start.start(tmp_path / "mine")
    place = tmp_path / "mine" / "01_exemple.ipynb"
    content = read(place)
    spoil(content)
    place.write_text(json.dumps(content), encoding="utf-8")
    before = place.read_bytes()
    change(shipped, corrected)
    with pytest.raises(CourseError, match=r"ancien format, ou abîmé.*il reste tel quel"):
        start.start(tmp_path / "mine", update=True)
    assert place.read_bytes() == before


def test_a_folder_that_is_a_file_is_refused(shipped, tmp_path, capsys):
    (tmp_path / "mine").write_text("...")
    with pytest.raises(CourseError, match="est un fichier"):
        start.start(tmp_path / "mine")


def test_questions_and_run_need_no_checkout(shipped, tmp_path, monkeypatch, example, capsys):
    assert cli.main(["start"]) == 0
    assert 'jupyter lab "tp_cnn"' in capsys.readouterr().out
    monkeypatch.chdir(tmp_path / "tp_cnn")
    (tmp_path / "course/solutions").mkdir(parents=True)
    (tmp_path / "course/solutions/01_exemple.py").write_bytes(example.read_bytes())
    assert questions.questions() == questions.questions(tmp_path / "course")
    (result,) = run.run_notebooks(["01"])
    assert result.failure is None
    assert (tmp_path / "tp_cnn/build/run/index.html").is_file()
    with pytest.raises(CourseError, match="holds the notebooks themselves"):
        run.run_notebooks(["01"], output=".")


def test_the_package_comes_with_every_notebook():
    found = start.shipped()
    assert [path.name[:2] for path in found][:1] == ["01"]
    assert all(path.parent.name == "notebooks" for path in found)


# Colab.


def installation(monkeypatch, present):
    """What the first cell runs where the packages ``present`` are there: the command, or None."""
    asked = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name if name in present else None)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "2.6.0+cu124")
    monkeypatch.setattr("subprocess.run", lambda command, check: asked.append(command))
    exec(colab.INSTALLATION, {})
    return asked[0][1:] if asked else None


def test_the_first_cell_does_nothing_where_the_course_is(monkeypatch):
    assert installation(monkeypatch, ["tp_cnn", "torch"]) is None


def test_the_first_cell_installs_the_course_and_leaves_torch_as_it_is(monkeypatch):
    command = installation(monkeypatch, ["torch"])
    assert command[:3] == ["-m", "pip", "install"]
    assert f"tp-cnn @ git+https://github.com/{colab.REPOSITORY}" in command
    assert command[-1] == "torch==2.6.0+cu124"
    assert not any(word.startswith("torchvision") for word in command)


def test_every_edition_has_the_cell_and_students_the_link(example):
    source = read_source(example)
    for edition in ("student", "solution", "assignment"):
        first, second = notebook(source, edition).cells[:2]
        assert second.source == colab.INSTALLATION
        assert ("colab.research.google.com" in first.source) == (edition != "solution")
    assert "/notebooks/01_exemple.ipynb)" in notebook(source, "student").cells[0].source


def fake_colab(monkeypatch, answer):
    module = types.ModuleType("google.colab")
    module._message = types.SimpleNamespace(blocking_request=answer)
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", module)


def test_the_report_finds_the_notebook_that_colab_has(shipped, tmp_path, monkeypatch, capsys):
    content = copy.deepcopy(read(shipped))
    fake_colab(monkeypatch, lambda what, timeout_sec: {"ipynb": content})
    path = report._from_colab("01_exemple")
    assert read(path) == content
    assert "Télécharger" in capsys.readouterr().out


def test_the_report_says_how_to_download_where_colab_does_not_answer(monkeypatch):
    def silent(*_, **__):
        raise TimeoutError

    fake_colab(monkeypatch, silent)
    with pytest.raises(CourseError, match="Télécharger"):
        report._from_colab("01_exemple")
    monkeypatch.delitem(sys.modules, "google.colab")
    monkeypatch.setitem(sys.modules, "google.colab", None)
    assert report._from_colab("01_exemple") is None
