"""Submissions are read in a process with limits: hostile code takes none of the grader's memory."""

import json

import pytest

from tp_cnn.grading import preparation
from tp_cnn.grading.engine import Exam
from tp_cnn.grading.rebuild import Rebuilt


@pytest.fixture(scope="module")
def exam(mini):
    return Exam.of(mini)


def _endless(*_):
    while True:
        pass


def _greedy(*_):
    return len(bytes(10**10))


def _ending(*_):
    raise SystemExit(3)


@pytest.mark.parametrize("function", [_endless, _greedy, _ending])
@pytest.mark.slow
def test_what_goes_beyond_the_limits_is_told(exam, monkeypatch, function):
    monkeypatch.setattr(preparation, "_prepare", function)
    monkeypatch.setattr(preparation, "SECONDS", 3)
    rebuilt, prepared = preparation.prepare(exam.assignment, b"{}", {}, exam.solutions)
    assert prepared is None
    assert rebuilt == Rebuilt(reasons=[preparation.TOO_HEAVY])


def _mistaken(*_):
    raise KeyError("x")


def test_a_mistake_of_ours_is_none_of_the_student_s(exam, monkeypatch):
    monkeypatch.setattr(preparation, "_prepare", _mistaken)
    with pytest.raises(RuntimeError, match="KeyError: 'x'"):
        preparation.prepare(exam.assignment, b"{}", {}, exam.solutions)


def test_a_long_sum_is_no_reason_to_refuse_a_notebook(exam, answered):
    content = answered(poids="filter_weights = 0 " + "+ 1" * 900)
    _, prepared = preparation.prepare(exam.assignment, content, {}, exam.solutions)
    assert prepared is not None


def test_an_ordinary_submission_is_prepared(exam, answered):
    content = answered(poids="filter_weights = 76")
    rebuilt, prepared = preparation.prepare(exam.assignment, content, {}, exam.solutions)
    sources = [cell.source for cell in prepared.cells]
    assert "filter_weights = 76" in sources
    assert not any("parameters" in source for source in sources)  # nothing needs them
    assert len(rebuilt.notebook.cells) == len(exam.assignment.cells)


def test_the_filled_copy_is_preferred_to_the_blank_one_and_both_to_another_notebook(exam, answered):
    other = {"cells": [{"cell_type": "code", "source": "import pandas", "metadata": {}}]}
    contents = [json.dumps(other).encode(), b"{", answered(), answered(poids="filter_weights = 3")]
    assert [exam.likeness(content) for content in contents] == [0, 0, 1, 2]
