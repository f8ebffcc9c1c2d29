"""From a source to the notebooks: content, bytes, refusals, leaks, what nbgrader accepts."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from tp_cnn.authoring import build as build_module
from tp_cnn.authoring.build import build, check_built
from tp_cnn.authoring.editions import find_leaks, notebook, serialise
from tp_cnn.authoring.source import project_root, read_source
from tp_cnn.errors import CourseError

HERE = Path(__file__).parent


def cells(edition, example):
    return {cell.id: cell for cell in notebook(read_source(example), edition).cells}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A course built once, executed."""
    root = tmp_path_factory.mktemp("course")
    (root / "solutions").mkdir()
    shutil.copy(HERE / "01_exemple.py", root / "solutions")
    results = build(root=root)
    assert [(result.name, result.executed, result.notes) for result in results] == [
        ("01_exemple", True, [])
    ]
    return root


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_student_cells(example):
    student = cells("student", example)
    assert student["taille-enonce"].source == (
        "### Question 1 ★ · Taille de la sortie\n\n*À programmer · 2 points*\n\n"
        "Complétez la fonction."
    )
    assert student["poids-enonce"].source == (
        "## Question 2 · Nombre de poids\n\n*À calculer · 1 point · bonus*"
    )
    assert student["taille-indice-2"].source.startswith("<details><summary>Indice 2</summary>\n\n")
    assert student["poids"].source == "weights = ...  # of one filter"
    assert student["taille-test"].source.count("\n") == 0
    assert student["avantages-texte"].source == "Deux avantages au moins.\n\n*Votre réponse ici.*"
    for cell in student.values():
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_solution_shows_answers_rubrics_and_hidden_tests(example):
    solution = cells("solution", example)
    assert "return last_position + 1" in solution["taille"].source
    assert "la localité : 1 point" in solution["avantages-texte"].source
    assert "size(28, 5) == 24" in solution["taille-test"].source
    text = "".join(cell.source for cell in solution.values())
    assert not any(word in text for word in ("BEGIN SOLUTION", "# SOLUTION", "MARK SCHEME"))


def test_assignment_is_the_student_notebook_with_hidden_tests(example):
    student, assignment = cells("student", example), cells("assignment", example)
    different = {id for id in student if student[id] != assignment[id]}
    assert different == {"taille-test", "poids-test"}
    assert "### BEGIN HIDDEN TESTS" in assignment["poids-test"].source


def test_blanks_run(example):
    names = {}
    for cell in cells("student", example).values():
        if cell.cell_type == "code" and "nbgrader" in cell.metadata:
            exec(cell.source, names)
    assert names["size"](5, 3) is None
    assert names["weights"] is ...


def test_same_source_same_bytes(built):
    student = (built / "notebooks" / "01_exemple.ipynb").read_bytes()
    build(root=built, execute=False)
    assert (built / "notebooks" / "01_exemple.ipynb").read_bytes() == student
    assert student.endswith(b"}\n")
    assert b"\r" not in student
    assert list(json.loads(student)) == sorted(json.loads(student))


def test_executed_solution(built):
    text = (built / "solutions" / "01_exemple.ipynb").read_text(encoding="utf-8")
    solution = nbformat.reads(text, as_version=4)
    executed = {cell.id: cell for cell in solution.cells if cell.cell_type == "code"}
    assert [cell.execution_count for cell in executed.values()] == [1, 2, 3, 4, 5, 6, 7]
    assert [output.output_type for output in executed["taille-test"].outputs] == [
        "stream",
        "execute_result",
    ]
    assert "image/png" in text
    assert solution.metadata == {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    assert not any("execution" in cell.metadata for cell in solution.cells)


def test_check_built(built, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(built, root)
    assert check_built(root) == []
    edit(root / "notebooks" / "01_exemple.ipynb", "    ...", "    return last_position + 1")
    assert [line.split(":")[0] for line in check_built(root)] == [
        "notebooks/01_exemple.ipynb shows 'return last_position + 1'",
        "notebooks/01_exemple.ipynb differs from its source",
    ]
    build(root=root, execute=False)
    edit(root / "solutions" / "01_exemple.ipynb", "last_position + 1", "last_position + 2")
    assert check_built(root) == [
        "solutions/01_exemple.ipynb differs from its source: run tp-cnn build 01"
    ]
    (root / "solutions" / "01_exemple.ipynb").unlink()
    assert check_built(root) == ["solutions/01_exemple.ipynb is missing: run tp-cnn build 01"]
    (root / "solutions" / "01_exemple.py").unlink()
    assert check_built(root) == ["notebooks/01_exemple.ipynb has no source: remove it"]


def test_without_execution_outputs_stay_where_the_code_is_the_same(built, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(built, root)
    source, solution = (root / "solutions" / f"01_exemple.{end}" for end in ("py", "ipynb"))
    edit(source, "Complétez la fonction.", "Écrivez la fonction.")
    assert not build(root=root, execute=False)[0].notes
    assert "Écrivez la fonction." in solution.read_text(encoding="utf-8")
    assert "image/png" in solution.read_text(encoding="utf-8")
    assert check_built(root) == []
    edit(source, "width = 3", "width = 4")
    assert "its code has changed" in build(root=root, execute=False)[0].notes[0]
    assert "width = 4" not in solution.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("width = 3", "1 / 0", "ZeroDivisionError: division by zero"),
        (
            "width = 3",
            "width = 3; print('/home/someone/data')",
            "names a path of this machine, '/home/some",
        ),
        ("width = 3", "width = 3; import os; os.getcwd()", "names a path of this machine"),
        ("width = 3", "width = 3; import warnings; warnings.warn('x')", "names a path of this mac"),
        ("return last_position + 1", "return last_position", "earns 0 of 2 points in test"),
        (
            "1 if weights == 76 else 0",
            "assert weights == 76",
            "'poids-test' gives its points to any",
        ),
    ],
)
def test_solution_that_may_not_be_published(course, old, new, message):
    edit(course / "solutions" / "01_exemple.py", old, new)
    with pytest.raises(CourseError) as error:
        build(root=course)
    assert message in str(error.value)
    assert "solutions/01_exemple.py" in str(error.value)
    assert not (course / "solutions" / "01_exemple.ipynb").exists()


def test_addresses_are_no_machine_paths():
    for text in ("https://example.org/home/page", "voir data/tmp/x", "1/tmp", "a://tmp/b"):
        assert not build_module.MACHINE_PATH.search(text)
    for text in ("C:\\Users\\Ada", "(/Users/ada/x)", "'/tmp/ipykernel_1/2.py:3'", "/root/.cache"):
        assert build_module.MACHINE_PATH.search(text)


def test_large_pictures(built, tmp_path, monkeypatch):
    root = tmp_path / "copy"
    shutil.copytree(built, root)
    monkeypatch.setattr(build_module, "LARGE_CELL", 2_000)
    (note,) = build(root=root, execute=False)[0].notes
    assert "solutions/01_exemple.py:16: cell" in note
    monkeypatch.setattr(build_module, "LARGEST_NOTEBOOK", 3_000)
    with pytest.raises(CourseError, match=r"01_exemple.py:16: the executed notebook would weigh"):
        build(root=root, execute=False)


def test_leak_is_found(example):
    source = read_source(example)
    student = notebook(source, "student")
    assert find_leaks(source, student) == []
    student.cells[-1].source += "\n  - les poids partagés : 2 points ;"
    assert find_leaks(source, student) == ["- les poids partagés : 2 points ;"]


def test_nothing_to_build(tmp_path):
    (tmp_path / "solutions").mkdir()
    with pytest.raises(CourseError, match="expected files NN_slug.py"):
        build(root=tmp_path)


@pytest.mark.parametrize("edition", ["student", "solution", "assignment"])
def test_nbgrader_accepts(example, edition):
    nbgraderformat = pytest.importorskip("nbgrader.nbgraderformat")
    built = nbformat.reads(serialise(notebook(read_source(example), edition)), as_version=4)
    validator = nbgraderformat.MetadataValidator()
    validator.validate_nb(built)
    utils = pytest.importorskip("nbgrader.utils")
    graded = {cell.id: utils.is_grade(cell) for cell in built.cells if utils.is_grade(cell)}
    assert graded.keys() == {"taille-test", "poids-test", "avantages-texte", "largeur-texte"}
    assert [cell.id for cell in built.cells if utils.is_solution(cell)] == [
        "taille",
        "poids",
        "avantages-texte",
        "largeur-texte",
    ]


def test_committed_notebooks_are_what_their_sources_build():
    assert check_built(project_root(HERE)) == []
