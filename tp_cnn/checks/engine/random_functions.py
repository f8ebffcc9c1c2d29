"""The check of a function that draws at random, by facts that do not depend on what it draws.

The function is called many times on the same arguments, and what comes out is read as facts: which
windows of the images, which share of zeros. A mistake is named when its first wrong fact is the
student's too.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

import numpy as np
import torch

from tp_cnn.checks.engine.calls import Refused, Trial, attempt, told
from tp_cnn.checks.engine.compare import Unreadable, blanks, difference, show, to_array
from tp_cnn.checks.engine.framework import FunctionCheck, Verdict


@dataclass(frozen=True)
class Fact:
    """What was seen: a number, or a list of them, and what to say if it is not the right one."""

    value: object
    sentence: str  # in French


Reader = Callable[[tuple, np.ndarray], list[Fact]]


@dataclass(eq=False, repr=False)
class RandomCheck(FunctionCheck):
    """The check of a function that gives an array drawn at random.

    Attributes:
        read: gives the facts, from the arguments and the results of all the calls, (calls, ...).
        calls: how many for each tuple of arguments.
    """

    _: KW_ONLY
    read: Reader
    calls: int = 12

    def judge(self, student: object, rng: np.random.Generator) -> Verdict:
        if not callable(student):
            raise Refused(f"il faut une fonction ; vous donnez {show(student)}.", "type")
        tries, seed = self.tries(rng), int(rng.integers(2**31))
        trials = self._observe(student, tries, seed)
        if all(blanks(trial.result) for trial in trials):
            message = "la fonction ne renvoie rien. Si elle est écrite, il lui manque un return."
            raise Refused(message, status="todo")
        right = self._observe(self.answer, tries, seed)
        wanted = self._facts(right, right, tries)
        seen = self._facts(trials, right, tries)
        first = _first_difference(seen, wanted)
        if first is None:
            return Verdict("right", f"vérifié sur {len(trials)} appels.")
        for mistake in self.mistakes:
            wrong = self._facts(self._observe(mistake.answer, tries, seed), right, tries)
            same_place = _first_difference(wrong, wanted) == first
            if same_place and not difference(seen[first].value, wrong[first].value, self.tolerance):
                message = f"{seen[first].sentence}\n  → {mistake.message}"
                return Verdict("wrong", message + told(trials[0].printed), mistake.name)
        return Verdict("wrong", seen[first].sentence + told(trials[0].printed))

    def _observe(self, function: Callable, tries: list[tuple], seed: int) -> list[Trial]:
        # What the check draws must not change what the notebook draws next: not torch.manual_seed,
        # which sets the GPU's generator too.
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            calls = [arguments for arguments in tries for _ in range(self.calls)]
            return [attempt(function, arguments, self._names()) for arguments in calls]

    def _facts(self, trials: list[Trial], right: list[Trial], tries: list[tuple]) -> list[Fact]:
        """The facts of each try in turn; they stop at the first result of a wrong shape."""
        facts = []
        for index, arguments in enumerate(tries):
            part = slice(index * self.calls, (index + 1) * self.calls)
            shape = to_array(right[part][0].result).shape
            found = [_array(trial.result, shape) for trial in trials[part]]
            misfit = next((place for place, array in enumerate(found) if array is None), None)
            facts.append(_shape_fact(trials[part][misfit or 0], misfit is None))
            if misfit is not None:
                break
            facts += self.read(arguments, np.stack(found))
        return facts


def _array(result: object, shape: tuple[int, ...]) -> np.ndarray | None:
    """The result as an array of numbers, or None if it is anything else or has another shape."""
    try:
        array = to_array(result)
    except Unreadable:
        return None
    return array.astype(np.float64) if array.shape == shape else None


def _shape_fact(trial: Trial, right: bool) -> Fact:
    if right:
        return Fact([], "")
    try:
        shape = to_array(trial.result).shape
    except Unreadable as reason:
        return Fact([-1], trial.when(f"vous obtenez {reason} ; il faut un tenseur."))
    return Fact(list(shape), trial.when(f"vous obtenez un tenseur de forme {shape}."))


def _first_difference(seen: list[Fact], wanted: list[Fact]) -> int | None:
    pairs = zip(seen, wanted, strict=False)
    gaps = [difference(fact.value, right.value, 1e-4) for fact, right in pairs]
    return next((index for index, gap in enumerate(gaps) if gap), None)
