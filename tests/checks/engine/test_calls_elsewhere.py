"""Judging a function that lives in another process: what goes in and out is plain."""

import importlib
import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from tests.checks.test_wrong_answers import CHECKS, answers_of
from tp_cnn.checks import ameliorations, convolution
from tp_cnn.checks.engine import plain
from tp_cnn.checks.engine.compare import Described
from tp_cnn.checks.engine.framework import FunctionCheck, Verdict
from tp_cnn.checks.engine.running import Failure, Returned, plain_call

WORKER = """
import sys
from tp_cnn.checks.engine import plain
from tp_cnn.checks.engine.running import plain_call

answers = {}
exec(compile(sys.argv[1], "answers", "exec"), answers)
for line in sys.stdin:
    name, arguments = plain.read(line)
    print(plain.write_outcome(plain_call(answers.get(name), arguments)), flush=True)
"""
ANSWERS = """
def relu(values):
    return values * (values > 0)

def chatty(values):
    print("bonjour")
    return values / nothing

def careless(values):
    values *= 0
    return values

def flip(images):
    import torch
    return torch.stack([one.flip(2) if torch.rand(()) < 0.5 else one for one in images])

number, unwritten = 3, ...
two = lambda a, b: a
odd = lambda values: {1, 2}
empty = lambda values: ...
"""


@pytest.fixture(scope="module")
def elsewhere():
    """A way to call a function of ANSWERS, by its name, in a process of its own."""
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, ANSWERS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def call(name, arguments):
        worker.stdin.write(plain.write((name, arguments)) + "\n")
        worker.stdin.flush()
        return plain.read_outcome(worker.stdout.readline())

    yield call
    worker.stdin.close()
    worker.wait()
    worker.stdout.close()


def test_right_functions_are_right_from_elsewhere(elsewhere):
    assert convolution.relu("relu", call=elsewhere).ok
    assert convolution.relu("relu", seed=1, call=elsewhere).ok
    assert ameliorations.random_flip("flip", call=elsewhere).ok


def test_an_error_elsewhere_is_told_with_its_line_and_what_was_printed(elsewhere):
    message = convolution.relu("chatty", call=elsewhere).message
    assert "pour chatty(values=[-2, -0.5, 0, 3, 100])," in message
    assert "NameError (nom inconnu) : name 'nothing' is not defined" in message
    assert "ligne 7 : " in message
    assert message.endswith("Votre code a affiché :\n    bonjour")


@pytest.mark.parametrize(
    ("name", "status", "mistake", "words"),
    [
        ("careless", "wrong", "mutation", "modifie son argument values"),
        ("number", "wrong", "type", "il faut une fonction ; vous donnez 3."),
        ("two", "wrong", "signature", "accepter 1 argument, dans cet ordre : values."),
        ("odd", "wrong", "type", "vous obtenez un ensemble ; il faut un tableau de nombres."),
        ("unwritten", "todo", None, "remplacez les « ... »"),
        ("missing", "todo", None, "remplacez les « ... »"),
        ("empty", "todo", None, "dans la fonction, remplacez les « ... »"),
    ],
)
def test_other_obstacles_elsewhere(elsewhere, name, status, mistake, words):
    verdict = convolution.relu(name, call=elsewhere)
    assert (verdict.status, verdict.mistake) == (status, mistake)
    assert words in verdict.message


def by_json(function, arguments):
    """The plain call, with all that goes in and out written as JSON and read again."""
    outcome = plain_call(function, plain.read(plain.write(arguments)))
    return plain.read_outcome(plain.write_outcome(outcome))


FUNCTIONS = [name for name, check in CHECKS.items() if isinstance(check, FunctionCheck)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_verdict_is_the_same_through_json(name):
    """So arguments and results of every such check are plain."""
    answers = answers_of(name)
    for answer in answers.right:
        assert CHECKS[name](answer, call=by_json).ok
    for label, answer in answers.wrong.items():
        assert CHECKS[name](answer, call=by_json).mistake == label


def test_other_checks_have_no_such_call():
    network = importlib.import_module("tp_cnn.checks.lenet").lenet5
    with pytest.raises(TypeError, match="call"):
        network(lambda: None, call=by_json)


@pytest.mark.parametrize(
    "value",
    [3, True, -2.5, math.inf, "é", None, ..., [1, [2, 3]], [(5, 1), (2, 2)], ()],
)
def test_plain_values_come_back(value):
    assert plain.read(plain.write(value)) == value


def test_arrays_and_tensors_come_back():
    for value in [np.arange(6).reshape(2, 3).T, np.array(2.5), np.zeros((0, 3)), np.float32(1.5)]:
        back = plain.read(plain.write(value))
        assert isinstance(back, np.ndarray)
        assert (back.dtype, back.tolist()) == (value.dtype, value.tolist())
    tensor = torch.tensor([[1, 2]], dtype=torch.uint8)
    back = plain.read(plain.write(tensor))
    assert back.dtype == torch.uint8
    assert torch.equal(back, tensor)
    back += 1  # it can be modified, as an array read from a buffer cannot


def test_what_is_not_plain_is_described():
    endless = []
    endless.append(endless)
    assert plain.read(plain.write([{1}, print])) == [
        Described("un ensemble"),
        Described("une fonction et non sa valeur"),
    ]
    assert str(Verdict("wrong", str(plain.read(plain.write(endless)))))


def test_an_outcome_comes_back_whole():
    failure = Failure("exception", "no", ("ValueError", "Exception"), "ligne 3 : x")
    outcome = Returned((1, ...), failure, "f", ("a",), (0,), "bonjour\n")
    assert plain.read_outcome(plain.write_outcome(outcome)) == outcome


@pytest.mark.parametrize("text", ["", "{", "[1", "{}", "3", '{"array": ["O", [1], ""]}'])
def test_a_text_of_something_else_is_refused(text):
    with pytest.raises(ValueError, match="illisible"):
        plain.read_outcome(text)


@pytest.mark.parametrize("text", ["", "{", '{"array": ["O", [1], ""]}', '{"array": [], "a": 1}'])
def test_a_value_of_something_else_is_refused(text):
    with pytest.raises(ValueError, match="illisible"):
        plain.read(text)
