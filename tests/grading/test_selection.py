"""What is executed to grade a notebook: enough for every answer, and no more."""

import ast

import pytest
from nbformat import v4

from tp_cnn.grading.selection import needed


def _cell(source, id, role="given"):
    metadata = {
        "answer": {"nbgrader": {"solution": True}},
        "test": {"nbgrader": {"solution": False, "grade": True}},
        "added": {"tp_cnn": {"added": True}},
    }
    return v4.new_code_cell(source, id=id, metadata=metadata.get(role, {}))


TEST = _cell("check(answer)", "test", "test")


def _kept(*given, answer="answer = x"):
    cells = [_cell(source, f"g{place}") for place, source in enumerate(given)]
    kept = needed([*cells, _cell(answer, "answer", "answer"), TEST])
    assert [cell.source for cell in kept[-2:]] == [answer, TEST.source]
    return [cell.source for cell in kept[:-2]]


def test_an_answer_that_no_test_depends_on_is_left_out():
    cells = [_cell("photo = draw()\nfor _ in range(9):\n    train(photo)", "own", "answer")]
    cells += [_cell("x = list(range(3))", "x", "answer"), _cell("check(x)", "test", "test")]
    assert [cell.id for cell in needed(cells)] == ["x", "test"]


def test_what_an_answer_reads_is_kept_with_what_it_was_made_from():
    assert _kept("a = 1", "b = 2", "x = a + 1", "y = b") == ["a = 1", "x = a + 1"]


def test_drawings_and_announcements_are_left_out():
    imports = "from tp_cnn.plots import training as plots\nfrom tp_cnn.display import announce"
    drawing = "x = f()\nplots.curves(x)\nannounce(data=x)\nprint(x)\nx"
    assert _kept(imports, "def f():\n    return 1", drawing) == [
        "def f():\n    return 1",
        "x = f()",
    ]


@pytest.mark.parametrize(
    "change",
    [
        "train(x)",
        "history = train(x)",
        "x.append(1)",
        "x[0] = 1",
        "x.size = 1",
        "for i in range(3):\n    x += i",
        "with torch.no_grad():\n    step(x)",
    ],
)
def test_what_may_change_a_value_is_kept(change):
    assert _kept("import torch", "x = []", change)[-1] == change


def test_a_call_does_not_change_a_builtin_function_but_its_name_may_be_bound():
    loop = "for i in range(3):\n    print(i)"
    assert _kept("x = 1", loop, answer="answer = [x for _ in range(2)]") == ["x = 1"]
    assert _kept("range = list", loop, answer="answer = range(2)") == ["range = list"]


def test_a_training_whose_result_nobody_reads_is_left_out():
    assert _kept("x = 1", "model = make()", "history = fit(model)", "history") == ["x = 1"]


def test_cells_that_are_no_python_are_kept_with_all_they_name():
    assert _kept("%matplotlib inline", "x = 1", "z = 3", answer="%timeit f(x)\nx = = 2") == [
        "%matplotlib inline",
        "x = 1",
    ]


def _added(source, answer="answer = helper()"):
    """What is executed of a student's own cell, between given ones and an answer."""
    given = _cell("import numpy as np\nbase = 2\nmore = 3", "b")
    cells = [given, v4.new_markdown_cell("texte", id="m"), _cell(source, "own", "added")]
    kept = {c.id: c.source for c in needed([*cells, _cell(answer, "answer", "answer"), TEST])}
    return kept.get("own"), kept.get("b")


def test_a_helper_that_a_student_added_is_kept_with_what_it_reads():
    helper = "def helper():\n    return base"
    assert _added(helper) == (helper, "base = 2")


@pytest.mark.parametrize(
    "experiment",
    [
        "for epochs in range(9): print(train(base, epochs))",
        "!pip install seaborn\nhistory = fit(make(), base)\nhistory",
        "%%time\nhistory = fit(make(), base)",
    ],
)
def test_an_own_experiment_on_which_no_answer_depends_is_not_executed(experiment):
    assert _added(experiment, answer="answer = 3") == (None, None)
    helper = "def helper():\n    return 1"
    assert _added(f"{helper}\n\n{experiment.split(chr(10))[-1].strip()}")[0] == helper


@pytest.mark.parametrize(
    "source",
    ["exec('x = 1')", "globals()['x'] = 1", "from math import *", "np.random.seed(0)", "x = = 1"],
)
def test_an_own_cell_whose_effect_is_not_in_its_text_is_executed(source):
    assert _added(source, answer="answer = x")[0] == source


@pytest.mark.parametrize(
    "source",
    [
        "def start():\n    global x\n    x = 1\nstart()",
        "kept = {}\n\ndef keep(key):\n    kept[key] = 1\nkeep('a')\nx = kept",
        "x = []\nother = x\nother.append(1)",
        "x = []\nadd = x.append\nadd(1)",
        "x = []\n\ndef add(y):\n    x.append(y)\n\ndef again():\n    add(1)\nagain()",
    ],
)
def test_what_changes_a_value_under_another_name_is_executed(source):
    kept = _added(source, answer="answer = x")[0]
    assert ast.dump(ast.parse(kept)) == ast.dump(ast.parse(source))


def test_a_function_of_an_own_experiment_changes_what_is_its_own():
    experiment = "def measure(x):\n    x = x + 1\n    x.total = fit(x)\n    return x\nmeasure(3)"
    assert _added(f"x = 1\n{experiment}", answer="answer = x")[0] == "x = 1"


def test_a_name_that_is_bound_again_further_down_is_not_looked_for_above():
    assert _kept("x = slow()", "x = 1") == ["x = 1"]
    assert _kept("x = [1]", "x += [2]") == ["x = [1]", "x += [2]"]
    assert _kept("x = 1", "if True:\n    x = 2") == ["x = 1", "if True:\n    x = 2"]


def test_what_a_function_reads_is_kept_even_after_the_function():
    cells = [
        _cell("def f():\n    return later", "g0"),
        _cell("answer = f", "answer", "answer"),
        _cell("later = 1\nother = 2", "g1"),
        _cell("answer()", "test", "test"),
    ]
    assert [cell.source for cell in needed(cells)][2] == "later = 1"


def test_an_import_is_cut_to_the_names_that_are_needed():
    assert _kept("from math import pi, tau as x, e\nimport numpy, torch") == [
        "from math import tau as x"
    ]


def test_the_notebook_itself_is_not_changed():
    cells = [_cell("x = 1\ny = 2", "g"), _cell("answer = x", "answer", "answer")]
    needed(cells)
    assert cells[0].source == "x = 1\ny = 2"
