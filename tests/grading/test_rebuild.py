"""Rebuilding submissions: what is mended, what is told, what is refused; nothing raises."""

import base64
import copy
import io
import json
import struct
import zlib
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tp_cnn.authoring import editions
from tp_cnn.authoring.saved import LARGEST_CELL
from tp_cnn.authoring.source import project_root, read_source
from tp_cnn.grading.rebuild import rebuild

SIZE = "def size(n, k):\n    return n - k + 1\n\n\ndef counts(n):\n    return list(range(n))"
WEIGHTS = "weights = 76"
TEXT = "Les poids partagés, et la localité."
ANSWERS = {"taille": SIZE, "poids": WEIGHTS, "avantages-texte": TEXT}
SOURCE = read_source(Path(__file__).parents[1] / "authoring" / "01_exemple.py")
ASSIGNMENT = editions.notebook(SOURCE, "assignment")
STUDENT = json.loads(json.dumps(editions.notebook(SOURCE, "student")))


class Work:
    """A student's notebook, as JSON, that a test damages."""

    def __init__(self, answers=ANSWERS):
        self.raw = copy.deepcopy(STUDENT)
        for name, text in answers.items():
            self[name]["source"] = text

    @property
    def cells(self):
        return self.raw["cells"]

    def place(self, name):
        return next(i for i, cell in enumerate(self.cells) if cell.get("id") == name)

    def __getitem__(self, name):
        return self.cells[self.place(name)]

    def insert(self, place, source, kind="code", **more):
        code = {"outputs": [], "execution_count": None} if kind == "code" else {}
        cell = {"cell_type": kind, "metadata": {}, "source": source, "id": f"n{len(self.cells)}"}
        self.cells.insert(place, {**cell, **code, **more})

    def rebuilt(self, **options):
        return checked(rebuild(ASSIGNMENT, json.dumps(self.raw).encode(), **options))


def checked(rebuilt):
    """What holds of every result."""
    if rebuilt.notebook is None:
        assert rebuilt.reasons
        return rebuilt
    nbformat.validate(rebuilt.notebook)
    ids = [cell.id for cell in rebuilt.notebook.cells]
    assert len(set(ids)) == len(ids)
    kept = [c for c in rebuilt.notebook.cells if "tp_cnn" not in c.metadata]
    for cell, original in zip(kept, ASSIGNMENT.cells, strict=True):
        assert (cell.id, cell.metadata, cell.cell_type) == (
            original.id,
            original.metadata,
            original.cell_type,
        )
        if not cell.metadata.get("nbgrader", {}).get("solution"):
            assert cell.source == original.source
    assert not any(cell.get("outputs") for cell in rebuilt.notebook.cells)
    assert rebuilt.notebook.metadata == ASSIGNMENT.metadata
    json.dumps([rebuilt.repairs, rebuilt.reasons], ensure_ascii=False).encode()
    assert len(set(rebuilt.repairs)) == len(rebuilt.repairs)
    return rebuilt


def answers(rebuilt):
    return {name: cell(rebuilt, name).source for name in ANSWERS}


def cell(rebuilt, name):
    return next(cell for cell in rebuilt.notebook.cells if cell.id == name)


def order(rebuilt):
    return [cell.source for cell in rebuilt.notebook.cells]


def test_untouched_and_perfect():
    blank = Work({}).rebuilt()
    assert (blank.repairs, blank.reasons) == ([], [])
    assert nbformat.writes(blank.notebook) == nbformat.writes(ASSIGNMENT)
    full = Work().rebuilt()
    assert (full.repairs, full.reasons) == ([], [])
    assert answers(full) == ANSWERS


def test_the_assignment_is_left_as_it_was():
    before = nbformat.writes(ASSIGNMENT)
    work = Work()
    work.insert(0, "import os")
    work.rebuilt()
    assert nbformat.writes(ASSIGNMENT) == before


def without_ids(work):
    for each in work.cells:
        del each["id"]
    work.raw["nbformat_minor"] = 4


def without_metadata(work):
    without_ids(work)
    for each in work.cells:
        each["metadata"] = {}


def renamed(work):
    for number, each in enumerate(work.cells):
        each.update(id=f"cell-{number}", metadata={})


def renamed_with_metadata(work):
    for number, each in enumerate(work.cells):
        each["id"] = f"cell-{number}"


def reordered(work):
    work.cells.append(work.cells.pop(work.place("taille")))


def reordered_without_ids(work):
    reordered(work)
    without_metadata(work)


def test_deleted(work):
    del work.cells[work.place("taille-test")]


def edited_test(work):
    work["taille-test"]["source"] = "print('Juste')"


def edited_statement(work):
    work["poids-enonce"]["source"] = "?"


def points(work):
    work["taille-test"]["metadata"]["nbgrader"]["points"] = 200


def kernel(work):
    work.raw["metadata"]["kernelspec"] = {"name": "mon-noyau", "display_name": "x", "argv": ["rm"]}


def doubled(work):
    work.cells.insert(work.place("poids"), copy.deepcopy(work["poids"]))


def doubled_and_blank(work):
    blank = copy.deepcopy(work["poids"])
    blank["source"] = "weights = ...  # of one filter"
    work.cells.insert(work.place("poids") + 1, blank)


def doubled_test(work):
    work.cells.append(copy.deepcopy(work["poids-test"]))


def versions(work):
    older = copy.deepcopy(work["poids"])
    older["source"] = "weights = 75"
    work.cells.insert(work.place("poids"), older)


def swapped_type(work):
    work["poids"].update(cell_type="markdown")
    work["avantages-texte"].update(cell_type="code", outputs=[], execution_count=None)


def old_format(work):
    for each in work.cells:
        if each["cell_type"] == "code":
            each.update(input=each.pop("source"), language="python", prompt_number=1)
    work.raw = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": work.cells}]}


def merged_with_test(work):
    test = work.cells.pop(work.place("poids-test"))
    work["poids"]["source"] += "\n\n" + test["source"]


def merged_into_test(work):
    answer = work.cells.pop(work.place("poids"))
    work["poids-test"]["source"] = answer["source"] + "\n\n" + work["poids-test"]["source"]


def split_with_metadata(work):
    """As JupyterLab splits: two identifiers, the same metadata."""
    second = copy.deepcopy(work["taille"])
    first, second["source"], second["id"] = SIZE[:17], SIZE[17:], "n1"
    work["taille"]["source"] = first
    work.cells.insert(work.place("taille") + 1, second)


def split(work):
    split_with_metadata(work)
    work["n1"]["metadata"] = {}


def lines(work):
    for each in work.cells:
        each["source"] = each["source"].splitlines(keepends=True)


def written_in_the_statement(work):
    work["avantages-texte"]["source"] = "*Votre réponse ici.*"
    work["avantages-enonce"]["source"] += "\n\n" + TEXT


def written_in_a_new_cell(work):
    work["avantages-texte"]["source"] = "Deux avantages au moins.\n\n*Votre réponse ici.*"
    work.insert(work.place("avantages-texte") + 1, TEXT, "markdown")


def written_above(work):
    work["avantages-texte"]["source"] = "Deux avantages au moins.\n\n*Votre réponse ici.*"
    work.insert(work.place("avantages-texte"), TEXT, "markdown")


test_deleted.__test__ = False


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (without_ids, "métadonnées"),
        (without_metadata, "contenu et place"),
        (renamed, "contenu et place"),
        (renamed_with_metadata, "métadonnées"),
        (reordered, "remises dans l'ordre : taille"),
        (reordered_without_ids, "contenu et place"),
        (test_deleted, "cellules de test supprimées, rétablies : taille-test"),
        (edited_test, "cellules de test modifiées, rétablies : taille-test"),
        (edited_statement, "énoncés modifiés, rétablis : poids-enonce"),
        (points, "notation modifiées, rétablies : taille-test"),
        (kernel, "« mon-noyau » ignoré"),
        (doubled, "double, dont une seule est gardée : poids"),
        (doubled_and_blank, "double, dont une seule est gardée : poids"),
        (doubled_test, "double, dont une seule est gardée : poids-test"),
        (versions, "dernier modifié est gardé : poids"),
        (swapped_type, "type de cellule changé (texte ou code), rétabli : poids"),
        (old_format, "nbformat 3"),
        (merged_with_test, "séparées : poids"),
        (merged_into_test, "séparées : poids"),
        (split_with_metadata, "réunies : taille"),
        (split, "réunies : taille"),
        (lines, None),
        (written_in_the_statement, "joints à la réponse"),
        (written_in_a_new_cell, "joints à la réponse"),
        (written_above, "joints à la réponse"),
    ],
)
def test_repairs(damage, words):
    work = Work()
    damage(work)
    rebuilt = work.rebuilt()
    found = answers(rebuilt)
    wanted = dict(ANSWERS)
    if damage in (written_in_a_new_cell, written_above):
        wanted["avantages-texte"] = f"Deux avantages au moins.\n\n{TEXT}"
    assert {name: text.split() for name, text in found.items()} == {
        name: text.split() for name, text in wanted.items()
    }
    assert rebuilt.reasons == []
    if words is None:
        assert rebuilt.repairs == []
    else:
        assert words in " | ".join(rebuilt.repairs)


def test_deleted_answer_stays_blank():
    work = Work()
    del work.cells[work.place("poids")]
    rebuilt = work.rebuilt()
    assert cell(rebuilt, "poids").source == "weights = ...  # of one filter"
    assert "laissées sans réponse : poids" in " ".join(rebuilt.repairs)


def test_rewritten_answer_without_its_cell_is_found():
    work = Work()
    del work.cells[work.place("taille")]
    work.insert(work.place("taille-test"), f"# ma version\n{SIZE}")
    assert cell(work.rebuilt(), "taille").source == f"# ma version\n{SIZE}"


def test_added_cells_stay_in_their_places():
    work = Work()
    work.insert(work.place("taille"), "import math", id="taille-test")
    work.insert(work.place("taille") + 1, "helper = 1", id="poids")
    work.insert(0, "first = 0")
    work.cells.append({"cell_type": "code", "source": "last = 9"})
    work.insert(5, "   ")
    work["taille"]["id"] = "x"  # its metadata say which one it is
    rebuilt = work.rebuilt()
    sources = order(rebuilt)
    assert sources.index("first = 0") == 0
    assert sources[-1] == "last = 9"
    added = [c for c in rebuilt.notebook.cells if c.metadata.get("tp_cnn") == {"added": True}]
    assert {"first = 0", "last = 9"} <= {c.source for c in added}
    assert cell(rebuilt, "taille").source == SIZE


def test_added_code_around_an_answer():
    work = Work()
    work.insert(work.place("taille"), "import math")
    work.insert(work.place("taille") + 1, "helper = 1")
    rebuilt = work.rebuilt()
    assert order(rebuilt)[order(rebuilt).index("import math") :][:3] == [
        "import math",
        SIZE,
        "helper = 1",
    ]
    assert rebuilt.repairs == []


def test_edited_given_code_is_restored_but_what_was_added_is_kept():
    work = Work()
    name = next(c["id"] for c in work.cells if "matplotlib" in c["source"])
    work[name]["source"] = "%matplotlib inline\nimport math\n" + work[name]["source"] + "\nx = 3"
    rebuilt = work.rebuilt()
    sources = order(rebuilt)
    assert sources[sources.index(cell(rebuilt, name).source) + 1] == "import math\nx = 3"
    assert "code ajouté dans une cellule fournie" in " ".join(rebuilt.repairs)
    assert "fournies modifiées, rétablies : « # ruff" in " ".join(rebuilt.repairs)
    work[name]["source"] += "\nthis is no Python"
    assert "import math" in order(work.rebuilt())


def test_a_helper_in_a_given_cell_is_kept_and_given_values_are_restored():
    work = Work()
    name = next(c["id"] for c in work.cells if "matplotlib" in c["source"])
    helper = "def double(n):\n    return 2 * n"
    weights = "weights = 1"  # an answer's name
    work[name]["source"] = f"{helper}\n{weights}\n" + work[name]["source"]
    sources = order(work.rebuilt())
    assert helper in sources
    assert not any(weights in source.split("\n") for source in sources)


def test_an_answer_typed_in_the_test_s_cell_is_found():
    work = Work({})
    work["poids-test"]["source"] = "weights = 76\n" + work["poids-test"]["source"]
    rebuilt = work.rebuilt()
    assert cell(rebuilt, "poids").source == "weights = 76"
    assert "fusionnées avec une cellule fournie, séparées : poids" in " ".join(rebuilt.repairs)


def test_a_text_written_as_comments_in_a_code_cell_is_an_answer():
    work = Work({})
    work.insert(work.place("avantages-texte") + 1, "# Les poids partagés,\n#  et la localité.")
    rebuilt = work.rebuilt()
    source = cell(rebuilt, "avantages-texte").source
    assert source.endswith("\n\nLes poids partagés,\net la localité.")
    assert "joints à la réponse : avantages-texte" in " ".join(rebuilt.repairs)
    work["avantages-texte"]["source"] = TEXT  # answered: comments are no part of it
    assert cell(work.rebuilt(), "avantages-texte").source == TEXT


@pytest.mark.parametrize(
    "code", ["Les poids partagés, et la localité.", f'"""{TEXT}"""', f'print("{TEXT}")']
)
def test_a_text_typed_in_a_code_cell_is_an_answer_to_read(code):
    work = Work({})
    work.insert(work.place("avantages-texte") + 1, code)
    work.insert(work.place("avantages-texte") + 1, "experiment = len('x')")
    rebuilt = work.rebuilt()
    assert TEXT in cell(rebuilt, "avantages-texte").source
    assert "experiment" not in cell(rebuilt, "avantages-texte").source
    assert "joints à la réponse : avantages-texte" in " ".join(rebuilt.repairs)


def test_a_text_written_anywhere_below_the_statement_is_the_answer():
    work = Work({})
    work.insert(work.place("avantages-enonce") + 1, TEXT, "markdown")
    work.insert(work.place("avantages-enonce") + 2, "experiment = 1")
    del work.cells[work.place("avantages-texte")]
    rebuilt = work.rebuilt()
    assert TEXT in cell(rebuilt, "avantages-texte").source
    assert "sans réponse" not in " ".join(rebuilt.repairs)


def test_texts_outside_are_to_be_read_where_an_answer_is_blank():
    work = Work({"taille": SIZE})
    work.insert(1, f"Question 3 : {TEXT}", "markdown")
    (reason,) = work.rebuilt().reasons
    assert "réponses rédigées vides (2)" in reason


@pytest.mark.parametrize("below", [0, 1, 2])
def test_code_typed_beside_its_blank_is_the_answer(below):
    """Above it, below it, or below its test; or with the blank of a cell taken out."""
    for deleted in (False, True):
        work = Work({})
        work.insert(work.place("taille") + below, SIZE)
        if deleted:
            del work.cells[work.place("taille")]
        rebuilt = work.rebuilt()
        assert cell(rebuilt, "taille").source == SIZE
        assert order(rebuilt).count(SIZE) == 1
        assert "sans réponse" not in " ".join(rebuilt.repairs)
        told = "contenu et place" if deleted else "remises à leur place : taille"
        assert told in " ".join(rebuilt.repairs)


def test_code_of_another_question_stays_where_it_is():
    work = Work({})
    work.insert(work.place("poids-test") + 1, SIZE)
    rebuilt = work.rebuilt()
    assert "..." in cell(rebuilt, "taille").source


def test_edited_copy_of_given_code_is_an_experiment():
    work = Work()
    work.insert(3, "width = 3")
    work.insert(4, "width = 5", id=work.cells[1]["id"])
    sources = order(work.rebuilt())
    assert sources.count("width = 3") == 1
    assert "width = 5" in sources


def test_free_texts_in_double_are_joined():
    work = Work()
    work.cells.insert(0, copy.deepcopy(work["avantages-texte"]))
    work.cells[0]["source"] = "Une première idée."
    rebuilt = work.rebuilt()
    assert cell(rebuilt, "avantages-texte").source == f"Une première idée.\n\n{TEXT}"


def test_text_outside_answers_is_left_out():
    work = Work()
    work.insert(1, "Bonjour !", "markdown")
    rebuilt = work.rebuilt()
    assert "Bonjour !" not in order(rebuilt)
    assert "laissés de côté : 1" in " ".join(rebuilt.repairs)


@pytest.mark.parametrize(
    ("where", "source", "words"),
    [
        ("poids", "weights = 76\n!ls", "commandes au système"),
        ("poids", "weights = 76\nfiles = !ls", "commandes au système"),
        (None, "%%bash\nls", "commandes au système"),
        (None, "get_ipython().system('ls')", "get_ipython"),
        (None, "import os\nos._exit(0)", "_exit"),
        (None, "from os import kill", "kill"),
        (None, "import subprocess", "subprocess"),
        (
            None,
            "import tp_cnn.checks.engine.tables as f\nf.grade = print",
            "appartient au cours",
        ),
        (None, "from tp_cnn.checks import lenet\nsetattr(lenet, 'x', 1)", "appartient au cours"),
        (None, "def grade(verdict, points):\n    return points", "modifie grade"),
        (None, "get_ipython().ast_transformers.append(x)", "réécrit le code des tests"),
        ("poids", "class Any:\n    def __eq__(self, other): return True", "__eq__"),
        ("poids", "from unittest.mock import ANY\nweights = ANY", "unittest"),
        ("poids", "### BEGIN HIDDEN TESTS\nweights = 76", "marques de correction"),
        ("poids-test", "import sys\nsys.settrace(print)", "settrace"),
        ("avantages-texte", "**Réponse attendue et barème**\n\nTout.", "barème du corrigé"),
    ],
)
def test_suspicions(where, source, words):
    work = Work()
    if where:
        work[where]["source"] = source
    else:
        work.insert(4, source)
    rebuilt = work.rebuilt()
    assert rebuilt.notebook is not None
    assert words in " ".join(rebuilt.reasons)


@pytest.mark.parametrize(
    "source",
    [
        "%matplotlib inline\n%%time\nlist(model.modules())",
        "from scipy import signal\nimport gc\ngc.collect()",
        "x = 3 % 2\ny = 1 != 2\n# subprocess, os._exit\nprint('!ls')",
        "model.eval()\nloss.backward()",
        "check = 3\ngrade = check + 1",
    ],
)
def test_nothing_suspicious(source):
    work = Work()
    work.insert(4, source)
    assert work.rebuilt().reasons == []


def png(width=1, height=1):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * (1 + width) * min(height, 10))
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + parts).decode()


def shown(value, kind="image/png"):
    return {"output_type": "display_data", "metadata": {}, "data": {kind: value}}


def test_figures():
    """Those since the last written answer or section; broken, huge and other kinds left out."""
    work = Work()
    work.insert(work.place("avantages-texte"), "a = 1")
    work.cells[work.place("avantages-texte") - 1]["outputs"] = [shown(png())]
    work.insert(work.place("largeur-texte"), "b = 1")
    bad = [
        shown("not base64!"),
        shown("AAAA"),
        shown(3),
        shown([3, None]),
        shown(png(60_000, 60_000)),
        shown("A" * 3_000_000),
        shown("<script>alert(1)</script>", "text/html"),
        shown("<svg onload=alert(1)>", "image/svg+xml"),
        {"output_type": 3, "data": 4},
        "x",
    ]
    good = [shown(png(2, 2)[:20] + "\n" + png(2, 2)[20:]), shown([png(3, 3)])]
    work.cells[work.place("largeur-texte") - 1]["outputs"] = bad + good
    work["largeur-texte"]["attachments"] = {"collée.png": {"image/png": png(4, 4)}, "x": 3}
    work["poids-test"]["outputs"] = [shown(png(5, 5))]
    rebuilt = work.rebuilt()
    assert rebuilt.figures == {
        "avantages": [png()],
        "largeur": [png(2, 2), png(3, 3), png(4, 4)],
    }


@pytest.mark.parametrize("form", ["![]({})", "![x][image1]\n\n[image1]: <{}>"])
def test_a_picture_inside_the_text_is_shown_as_a_pasted_one(form):
    """As Colab writes them: longer than a cell may be."""
    noise = Image.effect_noise((500, 500), 100)
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")
    encoded = base64.b64encode(buffer.getvalue()).decode()
    assert len(encoded) > LARGEST_CELL
    work = Work()
    picture = form.format(f"data:image/png;base64,{encoded}")
    work["avantages-texte"]["source"] = f"{TEXT}\n\n{picture}"
    rebuilt = work.rebuilt()
    assert (rebuilt.repairs, rebuilt.reasons) == ([], [])
    assert cell(rebuilt, "avantages-texte").source.startswith(TEXT)
    assert rebuilt.figures == {"avantages": [encoded]}


def test_a_photograph_is_kept_and_a_large_picture_made_smaller():
    photograph, buffer = Image.linear_gradient("L"), io.BytesIO()
    photograph.save(buffer, "JPEG")
    jpeg = base64.b64encode(buffer.getvalue()).decode()
    noise, large = Image.effect_noise((1800, 1800), 99).convert("RGB"), io.BytesIO()
    noise.save(large, "PNG")
    work = Work()
    work.insert(work.place("largeur-texte"), "b = 1")
    work.cells[work.place("largeur-texte") - 1]["outputs"] = [
        shown(jpeg, "image/jpeg"),
        shown(base64.b64encode(large.getvalue()).decode()),
        shown("AAAA"),
    ]
    rebuilt = work.rebuilt()
    first, second = rebuilt.figures["largeur"]
    assert first == jpeg
    assert Image.open(io.BytesIO(base64.b64decode(second))).width == 1600
    assert "images illisibles ou démesurées, laissées de côté : 1" in rebuilt.repairs


def test_figures_are_few():
    work = Work()
    work.insert(work.place("largeur-texte"), "b = 1")
    pictures = [png(n, 1) for n in range(1, 30)]
    work.cells[work.place("largeur-texte") - 1]["outputs"] = [shown(p) for p in pictures]
    assert work.rebuilt().figures["largeur"] == pictures[-8:]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "vide"),
        (b" \n\0", "vide"),
        (b"%PDF-1.4", "PDF"),
        (b"PK\3\4....", "zip"),
        (b"<!DOCTYPE html>", "HTML"),
        (b"<<<<<<< HEAD\n{}", "conflit"),
        (b"\x89PNG\r\n", "image"),
        (b"\x80\x81\x82", "texte"),
        (b"# %%\nprint(1)", "abîmé"),
        (json.dumps(STUDENT).encode()[:5000], "abîmé"),
        (b"[" * 1_000_000, "imbriqué"),
        (b'{"cells":' * 500_000, "imbriqué"),
        (b"3", "pas un notebook"),
        (b"NaN", "pas un notebook"),
        (b"{}", "pas un notebook"),
        (b'{"cells": {}}', "pas un notebook"),
        (b'{"cells": []}', "vide"),
        (b'{"cells": [3, null, {}]}', "vide"),
        (b'{"worksheets": [3, {"cells": 4}]}', "vide"),
        (b'{"cells": [{"cell_type": "code", "source": "x = 1"}]}', "aucune de ses questions"),
        (b"1" * 10_000, "abîmé"),
    ],
)
def test_not_a_notebook(content, words):
    rebuilt = checked(rebuild(ASSIGNMENT, content))
    assert rebuilt.notebook is None
    assert len(rebuilt.reasons) == 1
    assert words in rebuilt.reasons[0]
    assert "demander" in rebuilt.reasons[0]


def test_another_notebook_is_named():
    others = {"09_autre": {"taille", "poids", "autre"}, "08_autre": {"z"}}
    raw = copy.deepcopy(STUDENT)
    for each in raw["cells"]:
        if each["id"] not in others["09_autre"]:
            each.update(id=f"x{each['id']}", metadata={}, source="autre chose")
    raw["cells"].append({"cell_type": "code", "source": "a", "id": "autre", "metadata": {}})
    rebuilt = rebuild(ASSIGNMENT, json.dumps(raw).encode(), others)
    assert rebuilt.notebook is None
    assert "c'est le notebook « 09_autre », pas « 01. Un exemple »" in rebuilt.reasons[0]
    assert Work().rebuilt(others=others).notebook is not None


@pytest.mark.parametrize(
    "name", ["01_convolution", "02_retropropagation", "03_lenet_mnist", "04_cifar10"]
)
def test_notebooks_of_the_course(name):
    """As they are, then without identifiers; and each is told from the others."""
    root = project_root(Path(__file__).parent)
    source = read_source(root / "solutions" / f"{name}.py")
    assignment = editions.notebook(source, "assignment")
    solution = editions.notebook(source, "solution")
    right = {cell.id: cell.source for cell in solution.cells}
    work = json.loads(nbformat.writes(editions.notebook(source, "student")))
    for each in work["cells"]:
        if each["metadata"].get("nbgrader", {}).get("solution"):
            written = each["cell_type"] == "markdown"
            each["source"] = f"Ma réponse : {each['id']}." if written else right[each["id"]]
    wanted = [each["source"] for each in work["cells"] if each["id"] in right]
    rebuilt = rebuild(assignment, json.dumps(work).encode())
    assert (rebuilt.repairs, rebuilt.reasons) == ([], [])
    for each in work["cells"]:
        each["metadata"] = {}
        del each["id"]
    stripped = rebuild(assignment, json.dumps(work).encode())
    assert stripped.reasons == []
    assert order(stripped) == order(rebuilt)
    assert len(wanted) == len(order(rebuilt))
    assert "questions n'y est" in " ".join(rebuild(ASSIGNMENT, json.dumps(work).encode()).reasons)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
STRANGE = JSON | st.sampled_from(
    ["taille", "poids", "\ud800", "a\0b", ["a", 3], {"a": {}}, 1e400, "taille-test", WEIGHTS]
)


def places(value, path=()):
    """Every path in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


PLACES = [path for path in places(Work().raw) if path]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), STRANGE), min_size=1, max_size=6))
def test_wrong_types_anywhere(changes):
    raw = Work().raw
    for path, value in changes:
        inner = raw
        try:
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = value
        except (TypeError, KeyError, IndexError, AttributeError):
            continue
    checked(rebuild(ASSIGNMENT, json.dumps(raw).encode("utf-8", "surrogatepass")))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0), st.integers(0, 19), st.integers(0, 4))))
def test_cells_moved_copied_and_cut(steps):
    work = Work()
    for place, other, what in steps:
        if not work.cells:
            break
        each = work.cells[place % len(work.cells)]
        if what == 0:
            work.cells.insert(other, copy.deepcopy(each))
        elif what == 1:
            work.cells.remove(each)
        elif what == 2:
            each["id"] = work.cells[other % len(work.cells)].get("id")
        elif what == 3:
            each["source"] = each["source"][: 3 * other]
        else:
            each.update(metadata={}, cell_type="code")
            each.pop("id", None)
    work.rebuilt()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 10_000))
def test_any_bytes(content, place):
    text = json.dumps(Work().raw).encode()
    checked(rebuild(ASSIGNMENT, content))
    checked(rebuild(ASSIGNMENT, text[:place] + content + text[place + len(content) :]))


@pytest.mark.parametrize("kind", ["code", "markdown"])
@pytest.mark.parametrize("ids", [True, False])
def test_ten_thousand_cells(kind, ids):
    work = Work()
    for number in range(10_000):
        work.insert(3, f"x{number} = {number}", kind)
    if not ids:
        without_metadata(work)
    rebuilt = work.rebuilt()
    assert len(rebuilt.notebook.cells) <= len(ASSIGNMENT.cells) + 300
    if ids:
        assert answers(rebuilt) == ANSWERS
    assert "10000" in " ".join(rebuilt.reasons + rebuilt.repairs)


@pytest.mark.parametrize(
    "source", ["x" * 20_000_000, "x = 1\n" * 3_000_000, "(" * 90_000, "a" + ".b" * 90_000]
)
@pytest.mark.parametrize("where", ["poids", "avantages-texte", None])
def test_huge_cells(source, where):
    work = Work()
    if where:
        work[where]["source"] = source
    else:
        work.insert(4, source)
    rebuilt = work.rebuilt()
    assert cell(rebuilt, "taille").source == SIZE
    if len(source) > 1_000_000:
        assert "démesurées" in " ".join(rebuilt.reasons)
