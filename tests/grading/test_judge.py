"""The judge outside: the same verdicts as a check gives beside the answer, and nothing to forge."""

import json

import numpy as np
import pytest
import torch
from nbformat import v4
from torch import nn

from tests.checks.test_wrong_answers import (
    CHECKS,
    cases,
    own,
    strange_functions,
    strange_networks,
    strange_values,
    unwritten,
)
from tp_cnn.checks.engine import plain
from tp_cnn.checks.engine.blocks import BlockCheck
from tp_cnn.checks.engine.classes import ClassCheck
from tp_cnn.checks.engine.framework import FunctionCheck, ValueCheck, grade
from tp_cnn.checks.engine.loops import LoopCheck
from tp_cnn.checks.engine.networks import NetworkCheck
from tp_cnn.checks.engine.running import Returned
from tp_cnn.errors import CourseError
from tp_cnn.grading import steps
from tp_cnn.grading.judge import Bench, Talk, check_named, judge
from tp_cnn.grading.sandbox.desk import Desk
from tp_cnn.grading.sandbox.execution import Doubtful
from tp_cnn.grading.steps import Step


class Here:
    """A conversation with a desk of this process; all goes through JSON."""

    def __init__(self, answer, forge=None):
        self.desk, self.forge = Desk({"answer": answer}, self.ask_back), forge

    def ask_back(self, message):
        return self.called_back(json.loads(json.dumps(message)))

    def ask(self, work, arguments, limit, called_back):
        self.called_back = called_back
        request = {"ask": 1, "work": work, "arguments": arguments, "limit": limit}
        reply = json.loads(json.dumps(self.desk.work(json.loads(json.dumps(request)))))["outcome"]
        return self.forge(work, reply) if self.forge else reply


def judged(name, answer, seed=0):
    talk = Talk(Here(answer))
    taken = talk("take", "answer")
    assert taken.failure is None
    return judge(check_named(name), seed, talk, taken.result)


@pytest.mark.parametrize(("name", "label", "answer"), cases("right"))
def test_a_right_answer_is_right_from_outside(name, label, answer):
    for seed in (0, 1):
        verdict = judged(name, answer, seed)
        assert verdict.ok, verdict


class InDouble(Here):
    """A conversation with a notebook that computes in double precision."""

    def ask(self, *request):
        torch.set_default_dtype(torch.float64)
        try:
            reply = super().ask(*request)
            assert torch.get_default_dtype() == torch.float64
            return reply
        finally:
            torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    ("name", "label", "answer"), [case for case in cases("right") if "transfert" in case.id]
)
def test_the_precision_that_a_notebook_sets_costs_nothing(name, label, answer):
    talk = Talk(InDouble(answer))
    verdict = judge(check_named(name), 0, talk, talk("take", "answer").result)
    assert verdict.ok, verdict


@pytest.mark.parametrize(
    ("name", "label", "answer"), cases("wrong")[::4]
)  # one in four: it takes long
def test_a_wrong_answer_is_named_from_outside(name, label, answer):
    verdict, beside = judged(name, answer), CHECKS[name](answer)
    assert (verdict.status, verdict.mistake) == ("wrong", label)
    assert (verdict.share, verdict.clue) == (beside.share, beside.clue)


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_to_do_is_to_do_from_outside(name):
    placeholders = [..., None]
    if isinstance(CHECKS[name], FunctionCheck | LoopCheck | NetworkCheck | BlockCheck):
        placeholders += [lambda *inputs: ..., lambda *inputs: None, lambda *inputs: 1 + ...]
    elif isinstance(CHECKS[name], ClassCheck):
        placeholders += [unwritten(CHECKS[name], lambda *inputs: ...)]
        placeholders += [unwritten(CHECKS[name], lambda *inputs: 1 + ...)]
    assert {judged(name, one).status for one in placeholders} == {"todo"}


@pytest.mark.parametrize("name", CHECKS)
def test_strange_answers_are_wrong_from_outside(name):
    check, values = CHECKS[name], list(strange_values(np.ones(3)))
    answers = values[::3] if isinstance(check, ValueCheck) else [*values[::4], *strange_functions()]
    if isinstance(check, NetworkCheck | BlockCheck):
        shape = getattr(check, "image_shape", (3, 8, 8))
        answers = [*strange_networks(shape), *strange_functions(), 12, "12"]
    elif isinstance(check, ClassCheck):
        answers += [object, dict, nn.Linear, nn.ReLU, int, type, ValueError]
        answers += [
            type("Strange", (check.answer,), {method: lambda *inputs, kept=value: kept})
            for method in own(check)
            for value in values[::8]
        ]
    for answer in answers:
        verdict = judged(name, answer)
        assert verdict.status == "wrong", (answer, verdict)
        assert plain.write(verdict.message)


RIGHT = {
    name: next(case.values[2] for case in cases("right") if case.values[0] == name)
    for name in CHECKS
}


def forged(name, work, change):
    """The outputs of a test of a right answer, whose kernel changes what one work replies."""

    def forge(done, reply):
        return change(plain.read_outcome(reply)) if done == work else reply

    bench = Bench({"test": [Step(name, "answer", 1, 2.0)]})
    return list(bench.carry_out("test", Here(RIGHT[name], forge)))


def test_the_outputs_of_a_test_are_its_verdict_and_its_points():
    shown, points = forged("convolution.output_size", "none", None)
    assert shown["metadata"]["tp_cnn"] == {"status": "right", "mistake": None}
    assert points == {"type": "execute_result", "data": {"text/plain": "2.0"}, "metadata": {}}


@pytest.mark.parametrize(
    ("name", "work"),
    [
        ("convolution.output_size", "call"),
        ("convolution.filter_weights", "take"),
        ("lenet.evaluation", "observe"),
    ],
)
def test_a_reply_without_sense_is_a_doubt(name, work):
    for text in ("{}", "[" * 10_000, plain.write_outcome(Returned({"kind": 3}))):
        if work == "call" and "kind" in text:
            continue
        with pytest.raises(Doubtful, match="test"):
            forged(name, work, lambda outcome, text=text: text)


def test_facts_that_are_left_out_are_not_right_facts():
    def emptied(outcome):
        return plain.write_outcome(Returned({**outcome.result, "facts": []}))

    for name in ("lenet.evaluation", "cifar.training_step", "ameliorations.training_loop"):
        shown, points = forged(name, "observe", emptied)
        assert shown["metadata"]["tp_cnn"]["status"] == "wrong"
        assert points["data"]["text/plain"] == "0.0"


def test_a_network_whose_outputs_are_invented_is_wrong():
    def invented(outcome):
        told = outcome.result
        events = [(kind, name, (one, 0 * seen)) for kind, name, (one, seen) in told["events"]]
        return plain.write_outcome(
            Returned({**told, "events": events, "result": torch.zeros(3, 10)})
        )

    shown, _ = forged("lenet.lenet5", "forward", invented)
    assert shown["metadata"]["tp_cnn"]["status"] == "wrong"


def test_a_table_earns_the_share_of_its_right_cells():
    cells = [156, 2416, 48120, 10164, 0]
    assert grade(judged("lenet.weights_by_layer", cells), points=2) == 1.6
    assert grade(judged("lenet.weights_by_layer", [*cells[:4], 850]), points=2) == 2


@pytest.mark.parametrize(
    "name", ["lenet", "lenet.Check", "lenet.__doc__", "nothing.x", "os.path.x", ""]
)
def test_a_cell_may_ask_for_the_checks_only(name):
    with pytest.raises(KeyError):
        check_named(name)


IMPORTS = (
    "from tp_cnn.checks import lenet as check\nfrom tp_cnn.checks.engine.framework import grade"
)


def _tests(source):
    metadata = {"nbgrader": {"grade": True, "solution": False, "points": 2}}
    cells = [v4.new_code_cell(IMPORTS), v4.new_code_cell(source, id="t", metadata=metadata)]
    return steps.tests(v4.new_notebook(cells=cells))


def test_a_test_cell_is_read_as_steps():
    source = (
        "check.lenet5(f)\n### BEGIN HIDDEN TESTS\ngrade(check.lenet5((a, b), seed=1), points=2)"
    )
    first, last = _tests(source)["t"]
    assert (first.check, first.answer, first.seed, first.points) == ("lenet.lenet5", "f", 0, None)
    assert (last.check, last.answer, last.seed, last.points) == ("lenet.lenet5", "(a, b)", 1, 2.0)


@pytest.mark.parametrize(
    "source", ["assert f(1) == 2", "1 if f(1) == 2 else 0", "check.lenet5(f)", "grade(f, 2)", "f ="]
)
def test_a_test_of_another_form_is_refused(source):
    with pytest.raises(CourseError, match="grade\\(check"):
        _tests(source)
