"""Canaries: what they become in a clean run, and what each kind of tampering changes."""

import copy
import os

import nbformat
import pytest
from nbformat import v4

from tp_cnn.authoring.run import execute
from tp_cnn.checks import cifar, lenet
from tp_cnn.checks.engine.fingerprint import fingerprint
from tp_cnn.checks.engine.framework import Verdict
from tp_cnn.grading import canaries
from tp_cnn.grading.canaries import Canaries

TEST = """check.padding_stride((padding, stride))
grade(check.padding_stride((padding, stride)), points=1)"""
SETUP = "from tp_cnn.checks import cifar as check\nfrom tp_cnn.checks.engine.framework import grade"


def _run(answer):
    """What the canaries show for a student's cell."""
    test = v4.new_code_cell(TEST, id="essai", metadata={"nbgrader": {"grade": True}})
    notebook = v4.new_notebook(
        cells=[v4.new_code_cell(SETUP, id="setup"), v4.new_code_cell(answer, id="answer"), test]
    )
    watch = Canaries.new()
    watch.put(notebook)
    for cell in notebook.cells:  # each error is recorded, and the next cell executed
        cell.metadata["tags"] = ["raises-exception"]
    return notebook, watch


def _shown(tmp_path, answer):
    notebook, watch = _run(answer)
    assert execute(notebook, tmp_path, {**os.environ}) is None
    shown = watch.remove(notebook)
    assert [cell.id for cell in notebook.cells] == ["setup", "answer", "essai"]
    return shown


@pytest.fixture(scope="module")
def control(tmp_path_factory):
    return _shown(tmp_path_factory.mktemp("control"), "padding, stride = 2, 1")


def test_a_clean_run_shows_a_failed_assertion_no_points_and_a_digest(control):
    assert control["assert", "essai"] == "AssertionError: nonce"
    assert control["absurd", "essai"] == f"(0.0, '{fingerprint(cifar)}')"
    assert control["result", "essai"] == "shown"


@pytest.mark.parametrize("answer", ["padding, stride = 0, 7", "1 / 0", "padding = ...; stride = 1"])
def test_a_wrong_answer_is_not_suspicious(tmp_path, control, answer):
    assert canaries.compare(_shown(tmp_path, answer), control) == []


NO_ASSERT = """
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Drop())
"""


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (NO_ASSERT, "assert"),
        ("grade = lambda verdict, points: float(points)", "absurd"),
        ("from tp_cnn.checks.engine import framework\nframework.Verdict.ok = True", "absurd"),
        ("check.padding_stride.answer = (9, 9)\npadding, stride = 9, 9", "absurd"),
        ("check.padding_stride.judge = None", "absurd"),
        ("get_ipython().ast_node_interactivity = 'none'\npadding = stride = 1", "result"),
    ],
    ids=["transformer", "grade", "verdict", "answer", "judge", "silent"],
)
def test_tampering_shows(tmp_path, control, answer, kind):
    found = canaries.compare(_shown(tmp_path, answer), control)
    assert canaries.MESSAGES[kind].format("« essai »") in found


def test_canaries_are_unknown_to_the_notebook_s_author():
    (first, watch), (second, other) = _run("1"), _run("1")
    assert watch.nonce != other.nonce
    assert {cell.id for cell in first.cells} & {cell.id for cell in second.cells} == {
        "setup",
        "answer",
        "essai",
    }
    nbformat.validate(first)


def test_a_test_of_another_form_has_no_absurd_answer():
    assert canaries.absurd_test("1 if weights == 76 else 0") == "None"
    assert canaries.absurd_test("x = 1\ngrade(check.f(x, seed=1), points=2)") == (
        "grade(check.f(object()), points=2)"
    )


def test_the_digest_tells_the_checks_of_two_notebooks_and_a_change(monkeypatch):
    before = fingerprint(cifar)
    assert before != fingerprint(lenet)
    cifar.first_loss(2.3)  # being called does not change a check
    assert fingerprint(cifar) == before
    changed = copy.copy(cifar.first_loss)
    changed.judge = lambda student, rng: Verdict("right")
    monkeypatch.setattr(cifar, "first_loss", changed)
    assert fingerprint(cifar) != before
