"""The check of a class that a student writes, by what a few lines that use it find.

Those lines are a generator: it makes an object, calls its methods, and yields each thing to judge
with its name in French. What comes first is judged first, whatever happens later.
"""

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, replace

import numpy as np

from tp_cnn.checks.engine import diagnosis
from tp_cnn.checks.engine.calls import Refused, attempt, told
from tp_cnn.checks.engine.compare import Unreadable, blanks, difference, show
from tp_cnn.checks.engine.facts import Fact, Seen, judge_facts
from tp_cnn.checks.engine.framework import Check, Verdict
from tp_cnn.checks.engine.pairs import Clue, pairs_of
from tp_cnn.display import decimal

LEFT = "il reste des « ... » à remplacer dans votre classe."


@dataclass
class ClassObservation:
    """What the lines found, and how far they went."""

    facts: list[Fact]
    printed: str = ""
    refusal: Refused | None = None  # the student's code failed after these facts


@dataclass(eq=False, repr=False)
class ClassCheck(Check):
    """The check of a class; ``answer`` and each mistake's answer are classes.

    Attributes:
        lines: called with a class and the arguments of a try; yields (name, value).
        tries: draws the arguments to try, as for a `FunctionCheck`.
    """

    _: KW_ONLY
    lines: Callable[..., Iterator[tuple[str, object]]]
    tries: Callable[[np.random.Generator], list[tuple]]

    def judge(self, student: object, rng: np.random.Generator) -> Verdict:
        if not isinstance(student, type):
            raise Refused(f"il faut une classe ; vous donnez {show(student)}.", "type")
        tries = self.tries(rng)
        observed, right = self.observe(student, tries), self.observe(self.answer, tries)
        verdict = judge_facts(
            Seen(observed.facts),
            Seen(right.facts),
            self.mistakes,
            lambda answer: Seen(self.observe(answer, tries).facts),
            self.tolerance,
            look_for_clues=False,
        )
        if verdict:
            seen = None if verdict.mistake or verdict.clue else self._clue(observed, right)
            pointer = f"\n  → {seen.pointer}" if seen else ""
            message = verdict.message + pointer + told(observed.printed)
            return replace(verdict, message=message, clue=seen.name if seen else verdict.clue)
        if observed.refusal:
            raise self._named(observed, tries)
        return Verdict("right", f"valeurs comparées à {decimal(self.tolerance, 'g')} près.")

    def observe(self, kind: type, tries: list[tuple]) -> ClassObservation:
        """Use a class on each try in turn, until its code fails or a blank is met."""
        found = ClassObservation([])
        names = list(inspect.signature(self.lines).parameters)[1:]
        for arguments in tries:
            given = copy.deepcopy(arguments)
            words = (f"{name}={show(one)}" for name, one in zip(names, arguments, strict=True))
            when = f"avec {', '.join(words)} :\n  pour "
            steps = self.lines(kind, *given)
            while found.refusal is None:
                try:
                    trial = attempt(lambda steps=steps: next(steps, None), (), [])
                    found.printed += trial.printed
                    if trial.result is None:
                        break
                    name, value = trial.result
                    _refuse(name, value, given, arguments, names)
                    found.facts.append(Fact(_frozen(value), when=f"{when}{name}, "))
                except Refused as refusal:
                    found.refusal = refusal
        return found

    def _clue(self, observed: ClassObservation, right: ClassObservation) -> Clue | None:
        """What the first wrong values have in common with the right ones, over all the tries."""
        both = [*zip(observed.facts, right.facts, strict=False)]
        wrong = [one for one, other in both if difference(one.value, other.value, self.tolerance)]
        alike = [(one, other) for one, other in both if _name(one) == _name(wrong[0])]
        with contextlib.suppress(Unreadable):  # a later one may be anything
            values = [[fact.value for fact in facts] for facts in zip(*alike, strict=True)]
            pairs = pairs_of(*values, self.tolerance)
            return diagnosis.of_written(pairs, None, self.tolerance) if pairs else None

    def _same_facts(self, one: ClassObservation, other: ClassObservation) -> bool:
        pairs = zip(one.facts, other.facts, strict=False)
        gaps = (difference(a.value, b.value, self.tolerance) for a, b in pairs)
        return len(one.facts) == len(other.facts) and not any(gaps)

    def _named(self, observed: ClassObservation, tries: list[tuple]) -> Refused:
        """The refusal, with the mistake that went as far, then failed in the same way."""
        refusal = observed.refusal
        for mistake in self.mistakes if refusal.error else ():
            wrong = self.observe(mistake.answer, tries)
            same_end = wrong.refusal and wrong.refusal.error == refusal.error
            if same_end and self._same_facts(wrong, observed):
                return Refused(f"{refusal}\n  → {mistake.message}", mistake.name)
        return refusal


def _name(fact: Fact) -> str:
    return fact.when.rpartition("\n")[2]


def _refuse(label: str, value: object, given: tuple, arguments: tuple, names: list[str]) -> None:
    """Refuse a blank, and a class that modified what it was given."""
    if value is None:
        message = f"{label} est vide (None) : manque-t-il un return ?"
        raise Refused(message, status="todo", clue="no-return")
    if blanks(value):
        raise Refused(LEFT, status="todo")
    for name, after, before in zip(names, given, arguments, strict=True):
        if not np.array_equal(after, before):
            message = f"votre classe modifie {name}.\n  → Travaillez sur une copie de {name}."
            raise Refused(message, "mutation")


def _frozen(value: object) -> object:
    """As it is now: the class may change its own arrays later."""
    return value.copy() if type(value) is np.ndarray else value
