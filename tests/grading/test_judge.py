"""The judge outside: the same verdicts as a check gives beside the answer, and nothing to forge."""

import json

import numpy as np
import pytest

from tests.checks.test_wrong_answers import (
    CHECKS,
    cases,
    strange_functions,
    strange_networks,
    strange_values,
)
from tp_cnn.checks.engine import plain
from tp_cnn.checks.engine.framework import FunctionCheck, ValueCheck
from tp_cnn.checks.engine.loops import LoopCheck
from tp_cnn.checks.engine.networks import NetworkCheck
from tp_cnn.grading.judge import Talk, check_named, judge
from tp_cnn.grading.sandbox.desk import Desk


class Here:
    """A conversation with a desk of this process; all goes through JSON."""

    def __init__(self, answer, forge=None):
        self.desk, self.forge = Desk({"answer": answer}), forge

    def ask(self, work, arguments, limit):
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


@pytest.mark.parametrize(("name", "label", "answer"), cases("wrong"))
def test_a_wrong_answer_is_named_from_outside(name, label, answer):
    verdict, beside = judged(name, answer), CHECKS[name](answer)
    assert (verdict.status, verdict.mistake) == ("wrong", label)
    assert verdict.share == beside.share


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_to_do_is_to_do_from_outside(name):
    placeholders = [..., None]
    if isinstance(CHECKS[name], FunctionCheck | LoopCheck | NetworkCheck):
        placeholders += [lambda *inputs: ..., lambda *inputs: None, lambda *inputs: 1 + ...]
    assert {judged(name, one).status for one in placeholders} == {"todo"}


@pytest.mark.parametrize("name", CHECKS)
def test_strange_answers_are_wrong_from_outside(name):
    check, values = CHECKS[name], list(strange_values(np.ones(3)))
    answers = values[::3] if isinstance(check, ValueCheck) else [*values[::4], *strange_functions()]
    if isinstance(check, NetworkCheck):
        answers = [*strange_networks(check.image_shape), *strange_functions(), 12, "12"]
    for answer in answers:
        verdict = judged(name, answer)
        assert verdict.status == "wrong", (answer, verdict)
        assert plain.write(verdict.message)
