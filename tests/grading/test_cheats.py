"""A sample of the cheats of `benchmarks/cheats.py` earns nothing that is not flagged."""

import cheats
import pytest

pytestmark = pytest.mark.slow
SAMPLE = [
    ("verdict", "property always true"),
    ("verdict", "judge replaced"),
    ("answer", "the check's own answer"),
    ("IPython", "result of a cell rewritten"),
    ("message", "replies forged in advance"),
    ("message", "the call says what the argument is"),
    ("library", "NumPy says that all is close"),
    ("frames", "the caller's right answer"),
    ("objects", "an array whose comparison is true"),
]


@pytest.fixture(scope="module")
def outcomes(mini, needs_sandbox):
    copies = {name: cheats.cheat(mini, (family, name)) for family, name in SAMPLE}
    copies |= {f"honnête {n}": cheats.honest(mini, n) for n in range(4)}
    return cheats.graded(mini, copies, jobs=2)


def test_a_cheat_earns_nothing_and_is_told(outcomes):
    found = {name: outcomes[name] for _, name in SAMPLE}
    assert {
        name: sum(mark.automatic or 0 for mark in one.marks) for name, one in found.items()
    } == (dict.fromkeys(found, 0))
    assert [name for name, one in found.items() if not one.reasons] == []


def test_no_honest_copy_is_suspected(outcomes):
    honest = [one for name, one in outcomes.items() if name.startswith("honnête")]
    assert [one.reasons for one in honest] == [[]] * 4
    assert max(one.total for one in honest) > 0
