"""What changes the digest of a notebook's checks, beyond what the tests of canaries show."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from tp_cnn.checks import ameliorations, cifar, convolution, lenet, retropropagation
from tp_cnn.checks.ameliorations import windows
from tp_cnn.checks.convolution import arrays
from tp_cnn.checks.engine import networks, traces
from tp_cnn.checks.engine.fingerprint import fingerprint


@pytest.mark.parametrize(
    ("module", "holder", "name", "value"),
    [
        (cifar, cifar, "_nearest", lambda patches, vocabulary: None),
        (cifar, cifar, "TOTAL", 3),
        (convolution, arrays, "correlate", lambda *inputs: None),
        (convolution, arrays, "functional", lambda *inputs: None),
        (ameliorations, windows, "locate", lambda *inputs: None),
        (lenet, networks, "run", lambda *inputs: None),
        (lenet, traces, "build", lambda *inputs: None),
        (retropropagation, retropropagation.relu.answer, "backward", lambda *inputs: None),
        (retropropagation, retropropagation.linear.answer, "step", lambda *inputs: None),
        (lenet, networks.Stretch, "layer", property(lambda self: None)),
    ],
)
def test_a_function_that_a_check_uses_is_in_the_digest(monkeypatch, module, holder, name, value):
    before = fingerprint(module)
    monkeypatch.setattr(holder, name, value, raising=False)
    assert fingerprint(module) != before
    monkeypatch.undo()
    assert fingerprint(module) == before


def test_what_an_answer_holds_is_in_the_digest(monkeypatch):
    before = fingerprint(cifar)
    other = dataclasses.replace(cifar.training_step, answer=cifar._step("zero", "step"))
    monkeypatch.setattr(cifar, "training_step", other)
    assert fingerprint(cifar) != before


def test_the_digest_is_the_same_in_another_process():
    code = (
        "from tp_cnn.checks import convolution, ameliorations, retropropagation\n"
        "from tp_cnn.checks.engine.fingerprint import fingerprint\n"
        "print(*map(fingerprint, [convolution, ameliorations, retropropagation]))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    convolution.feature_map(lambda image, fragment: np.zeros(3))  # a call changes nothing
    modules = [convolution, ameliorations, retropropagation]
    assert done.stdout.split() == [fingerprint(module) for module in modules]
