"""A student's code that never ends is stopped and told, where the system allows it."""

import contextlib
import re
import signal
import threading
import time

import pytest
from IPython.core.interactiveshell import InteractiveShell
from torch import nn

from tests.checks.test_wrong_answers import CHECKS
from tp_cnn.checks import cifar, convolution, lenet
from tp_cnn.checks.engine import limits
from tp_cnn.checks.engine.classes import ClassCheck
from tp_cnn.checks.engine.framework import ValueCheck
from tp_cnn.checks.engine.limits import TimeUp, time_limit
from tp_cnn.checks.engine.tables import TableCheck

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer here")
SMALL = 0.2
RUNS_CODE = [name for name, one in CHECKS.items() if not isinstance(one, ValueCheck | TableCheck)]


def endless(*arguments):
    while True:
        pass


def stubborn(*arguments):
    """Swallows the first alarm."""
    with contextlib.suppress(BaseException):
        endless()
    endless()


@pytest.mark.parametrize("name", RUNS_CODE)
def test_every_check_of_code_ends(name):
    check = CHECKS[name]
    student = (
        type("Endless", (), {"__init__": endless}) if isinstance(check, ClassCheck) else endless
    )
    for limit in (SMALL, 10 * SMALL, 100 * SMALL):  # a busy machine may not have called it yet
        verdict = check(student, limit=limit)
        assert verdict.mistake == "time"
        assert "n'a pas fini" in verdict.message
        own = re.search(r"ligne \d+ : (while True:|pass)", verdict.message)  # the student's line
        if own:
            break
    assert own


def test_a_network_that_never_ends():
    class Endless(nn.Module):
        def forward(self, images):
            endless()

    assert lenet.lenet5(Endless(), limit=SMALL).mistake == "time"


def test_a_bare_except_is_not_enough(monkeypatch):
    monkeypatch.setattr(limits, "AGAIN", SMALL)
    assert convolution.relu(stubborn, limit=SMALL).mistake == "time"
    assert cifar.training_step(stubborn, limit=SMALL).mistake == "time"


def test_what_ends_in_time_is_judged():
    assert convolution.relu(lambda values: values.clip(0)).ok
    assert convolution.relu(lambda values: values.clip(0), limit=0).ok


def test_the_handler_and_the_timer_of_before_come_back():
    def handler(number, frame):
        pass

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1000, 7)
        with pytest.raises(TimeUp), time_limit(SMALL):
            endless()
        assert signal.getsignal(signal.SIGALRM) is handler
        left, interval = signal.setitimer(signal.ITIMER_REAL, 0)
        assert 0 < left < 1000
        assert interval == 7
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_the_keyboard_still_interrupts():
    def interrupted(*arguments):
        signal.raise_signal(signal.SIGINT)
        endless()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored under nohup
    try:
        with pytest.raises(KeyboardInterrupt):
            convolution.relu(interrupted, limit=SMALL)
    finally:
        signal.signal(signal.SIGINT, before)


def test_no_limit_in_another_thread():
    verdicts = []

    def slow(values):
        time.sleep(2 * SMALL)
        return values.clip(0)

    thread = threading.Thread(target=lambda: verdicts.append(convolution.relu(slow, limit=SMALL)))
    thread.start()
    thread.join()
    assert verdicts[0].ok


def test_in_a_notebook(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell = InteractiveShell.instance()
    try:
        shell.user_ns["check"] = convolution.relu
        shell.run_cell("def endless(x):\n    while True:\n        x = x", store_history=True)
        cell = shell.execution_count - 1
        result = shell.run_cell(f"check(endless, limit={SMALL})", store_history=True)
        after = shell.run_cell("check(lambda values: values.clip(0))")
    finally:
        InteractiveShell.clear_instance()
    assert result.success
    assert after.result.ok
    printed = capsys.readouterr().out
    assert "votre code n'a pas fini dans le temps laissé" in printed
    assert f"cellule [{cell}], ligne " in printed
