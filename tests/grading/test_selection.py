"""What is executed to grade a notebook: enough for every answer, and no more."""

import pytest
from nbformat import v4

from tp_cnn.grading.selection import needed


def _cell(source, id, role="given"):
    metadata = {"answer": {"nbgrader": {"solution": True}}, "added": {"tp_cnn": {"added": True}}}
    return v4.new_code_cell(source, id=id, metadata=metadata.get(role, {}))


def _kept(*given, answer="answer = x"):
    cells = [_cell(source, f"g{place}") for place, source in enumerate(given)]
    kept = needed([*cells, _cell(answer, "answer", "answer")])
    assert kept[-1].source == answer
    return [cell.source for cell in kept[:-1]]


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


def test_a_training_whose_result_nobody_reads_is_left_out():
    assert _kept("x = 1", "model = make()", "history = fit(model)", "history") == ["x = 1"]


def test_cells_that_are_no_python_are_kept_with_all_they_name():
    assert _kept("%matplotlib inline", "x = 1", "z = 3", answer="%timeit f(x)\nx = = 2") == [
        "%matplotlib inline",
        "x = 1",
    ]


def test_cells_that_a_student_added_are_kept_and_markdown_is_not():
    cells = [
        v4.new_markdown_cell("texte", id="m"),
        _cell("def helper():\n    return base", "h", "added"),
        _cell("1 + 1", "g"),
    ]
    assert [cell.id for cell in needed([_cell("base = 2\nmore = 3", "b"), *cells])] == ["b", "h"]
    assert needed([_cell("base = 2\nmore = 3", "b"), *cells])[0].source == "base = 2"


def test_the_notebook_itself_is_not_changed():
    cells = [_cell("x = 1\ny = 2", "g"), _cell("answer = x", "answer", "answer")]
    needed(cells)
    assert cells[0].source == "x = 1\ny = 2"
