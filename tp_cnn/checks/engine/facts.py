"""What was seen of a student's function that cannot be judged by its result alone.

The right function and each known mistake are seen in the same way; a mistake is named when its
first difference from the right function is also the student's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tp_cnn.checks.engine import diagnosis
from tp_cnn.checks.engine.compare import Difference, difference
from tp_cnn.checks.engine.framework import Mistake, Verdict
from tp_cnn.checks.engine.pairs import Clue, pairs_of
from tp_cnn.checks.engine.shapes import of_shapes


@dataclass(frozen=True)
class Fact:
    """Something that was seen, and what to say if it should not be so."""

    value: object  # a number, an array, or what the function returned
    sentence: str = ""  # in French; empty for a value returned: `difference` finds one
    when: str = ""  # what to write before that sentence
    vague: bool = False  # the sentence only says that something is wrong


@dataclass(frozen=True)
class Seen:
    """Facts in the order in which they are judged.

    ``clues`` are not judged: they tell apart mistakes that look alike.
    """

    facts: Sequence[Fact]
    clues: tuple = ()


def judge_facts(
    seen: Seen,
    wanted: Seen,
    mistakes: Sequence[Mistake],
    see: Callable[[object], Seen],
    tolerance: float,
    look_for_clues: bool = True,
) -> Verdict | None:
    """What to say of the first fact that differs; None if none does.

    Args:
        see: what is seen of a mistake's answer.
        look_for_clues: whether to say what a wrong result has in common with the right one, where
            no mistake gives it; a check that sees more of the results does it better.
    """
    first = _first_difference(seen, wanted, tolerance)
    if first is None:
        return None
    fact = seen.facts[first]
    gap = _gap(seen, wanted, first, tolerance)
    sentence = fact.sentence or fact.when + gap.sentence
    alike = None
    for mistake in mistakes:
        wrong = see(mistake.answer)
        if not _same_difference(seen, wrong, wanted, first, tolerance):
            continue
        alike = alike or mistake
        if _first_difference(seen, wrong, tolerance) is None:  # in what follows too
            alike = mistake
            break
    if alike:
        return Verdict("wrong", f"{sentence}\n  → {alike.message}", alike.name)
    if fact.value is None:
        return Verdict("wrong", f"{sentence}\n  → Il manque un return.", clue="no-return")
    if fact.sentence:
        return Verdict("wrong", sentence, clue=None if fact.vague else "seen")
    clue = None
    if look_for_clues:
        clue = _clue(fact.value, wanted.facts[first].value, gap.kind, tolerance)
    pointer = f"\n  → {clue.pointer}" if clue else ""
    name = None if gap.kind == "value" else gap.kind
    return Verdict("wrong", sentence + pointer, name, clue=clue and clue.name)


def _clue(value: object, wanted: object, kind: str, tolerance: float) -> Clue | None:
    """What a wrong result has in common with the right one."""
    if kind == "shape":
        return of_shapes(value, wanted)
    if kind != "value":
        return None
    pairs = pairs_of([value], [wanted], tolerance)
    return diagnosis.of_written(pairs, None, tolerance) if pairs else None


def _same_difference(seen: Seen, wrong: Seen, wanted: Seen, first: int, tolerance: float) -> bool:
    return (
        _first_difference(wrong, wanted, tolerance) == first
        and not _gap(seen, wrong, first, tolerance)
        and seen.clues == wrong.clues
    )


def _first_difference(seen: Seen, wanted: Seen, tolerance: float) -> int | None:
    indices = range(min(len(seen.facts), len(wanted.facts)))
    return next((index for index in indices if _gap(seen, wanted, index, tolerance)), None)


def _gap(seen: Seen, other: Seen, index: int, tolerance: float) -> Difference | None:
    return difference(seen.facts[index].value, other.facts[index].value, tolerance)
