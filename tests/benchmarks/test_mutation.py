"""No check accepts a mutant of its solution, but for those that are listed as equivalent."""

import hashlib
from types import SimpleNamespace

import mutation
import pytest

from tp_cnn.authoring.markers import Cell
from tp_cnn.authoring.source import read_sources
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake

SIZE = 60


@pytest.fixture(scope="module")
def sources():
    return {source.name: source for source in read_sources()}


@pytest.fixture(scope="module")
def trials(sources):
    return [trial for source in sources.values() for trial in mutation.trials_of(source)]


def drawn(trials, size):
    """The same trials as long as their answers do not change."""
    return sorted(trials, key=lambda one: hashlib.sha256("\n".join(one.key).encode()).digest())[
        :size
    ]


@pytest.mark.slow
def test_no_mutant_of_a_sample_is_accepted(sources, trials):
    sample = drawn(trials, SIZE)
    judged = []
    for name, source in sources.items():
        judged += mutation.judge_all(source, [one for one in sample if one.notebook == name], 2)
    known = mutation.read_equivalent()
    kinds = {one.key: mutation.without_equivalent(one, known).kind for one in judged}
    assert len(kinds) == SIZE
    assert [key for key, kind in kinds.items() if kind == "accepted"] == []


def test_each_listed_mutant_is_one_and_has_a_reason(trials):
    made = {trial.key for trial in trials}
    known = mutation.read_equivalent()
    assert set(known) - made == set()
    assert all(len(reason) > 10 for reason in known.values())


def cells(answer, test):
    return [
        Cell("here:1", "code", text, role, role, id=role)
        for text, role in [(answer, "answer"), (test, "test")]
    ]


@pytest.mark.parametrize(
    ("mutant", "kind"),
    [
        ("def twice(x):\n    return x + x", ("accepted", False)),
        ("def twice(x):\n    return x", ("named", False)),
        ("def twice(x):\n    return 3 * x", ("clue", False)),
        ("def twice(x):\n    return x**3 - 5", ("other", False)),
        ("def twice(x):\n    return [x, x]", ("clue", False)),
        ("def twice(x):\n    return 'x'", ("obstacle", False)),
        ("def twice(x):\n    return ...", ("obstacle", False)),
        ("def twice(x):\n    pass", ("clue", False)),
        ("def twice(x):\n    return y", ("explained", False)),
        ("def twice(x):\n    raise KeyError(x)", ("error", False)),
        ("twice = unknown", ("error", False)),
        ("def twice(x):\n    while True:\n        pass", ("limit", False)),
        ("def twice(x):\n    return 2 * x if x < 100 else 0", ("other", True)),
    ],
)
def test_says_what_becomes_of_a_mutant(mutant, kind, monkeypatch):
    monkeypatch.setattr(mutation, "SECONDS", 1)
    twice = FunctionCheck(
        "Le double.",
        answer=lambda x: 2 * x,
        tries=lambda rng: [(3,), (int(rng.integers(5, 9)),)],
        mistakes=[Mistake("once", lambda x: x, "Il manque le facteur 2.")],
    )
    larger = FunctionCheck(
        "Le double.", answer=lambda x: 2 * x, tries=lambda _: [(200,)], mistakes=[]
    )

    def check(answer, seed=0):
        return (larger if seed else twice)(answer)

    question = cells("def twice(x):\n    return 2 * x", "check.f(twice)\ncheck.f(twice, seed=1)")
    task = (question, {"answer": mutant}, {"check": SimpleNamespace(f=check)})
    assert dict(mutation.isolated([task], 1)) == {0: kind}


def test_an_equal_number_is_equivalent():
    right = SimpleNamespace(ok=True)
    question = cells("a = 3 * 5", "check.f(a)")
    namespace = {"check": SimpleNamespace(f=lambda answer: right)}
    assert mutation.judge(question, {"answer": "a = 15"}, dict(namespace))[0] == "equivalent"
    assert mutation.judge(question, {"answer": "a = 16"}, dict(namespace))[0] == "accepted"
