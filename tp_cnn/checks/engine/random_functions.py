"""The check of a function that draws at random, by facts that do not depend on what it draws.

The function is called many times on the same arguments, and what comes out is read as facts: which
windows of the images, which share of zeros.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace

import numpy as np
import torch

from tp_cnn.checks.engine.calls import Trial, attempt, private_draws, refuse_blanks, told
from tp_cnn.checks.engine.compare import Unreadable, show, to_array
from tp_cnn.checks.engine.facts import Fact, Seen, judge_facts
from tp_cnn.checks.engine.framework import FunctionCheck, Verdict
from tp_cnn.checks.engine.running import Call, plain_call

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

    def judge(self, student: object, rng: np.random.Generator, call: Call = plain_call) -> Verdict:
        tries, seed = self.tries(rng), int(rng.integers(2**31))
        trials = self._observe(student, tries, seed, call)
        refuse_blanks([trial.result for trial in trials])
        right = self._observe(self.answer, tries, seed)
        verdict = judge_facts(
            self._facts(trials, right, tries),
            self._facts(right, right, tries),
            self.mistakes,
            lambda answer: self._facts(self._observe(answer, tries, seed), right, tries),
            self.tolerance,
        )
        if verdict is None:
            return Verdict("right", f"vérifié sur {len(trials)} appels.")
        return replace(verdict, message=verdict.message + told(trials[0].printed))

    def _observe(
        self, function: object, tries: list[tuple], seed: int, call: Call = plain_call
    ) -> list[Trial]:
        calls = [arguments for arguments in tries for _ in range(self.calls)]
        with private_draws(seed):
            return [attempt(function, arguments, self._names(), call) for arguments in calls]

    def _facts(self, trials: list[Trial], right: list[Trial], tries: list[tuple]) -> Seen:
        """The facts of each try in turn; they stop at the first result of a wrong shape."""
        facts = []
        for index, arguments in enumerate(tries):
            part = slice(index * self.calls, (index + 1) * self.calls)
            wanted = right[part][0].result
            found = [_array(trial.result, wanted) for trial in trials[part]]
            misfit = next((place for place, array in enumerate(found) if array is None), None)
            facts.append(_shape_fact(trials[part][misfit or 0], misfit is None))
            if misfit is not None:
                break
            facts += self.read(arguments, np.stack(found))
        return Seen(facts)


def _array(result: object, wanted: object) -> np.ndarray | None:
    """The result as an array of numbers, or None if it is anything else or has another shape.

    What follows in the notebook calls methods of a tensor: a list of tensors, or an array of
    NumPy's, is something else.
    """
    try:
        array = to_array(result)
    except Unreadable:
        return None
    same = array.shape == to_array(wanted).shape and isinstance(result, torch.Tensor)
    return array.astype(np.float64) if same else None


def _shape_fact(trial: Trial, right: bool) -> Fact:
    """0 where the shape is right; else a list, that cannot be taken for it."""
    if right:
        return Fact(0)
    if isinstance(trial.result, list | tuple):
        sentence = "vous obtenez une liste ; il faut un seul tenseur (torch.stack en réunit)."
        return Fact([-2], trial.when(sentence))
    if isinstance(trial.result, np.ndarray):
        sentence = "vous obtenez un tableau NumPy ; il faut un tenseur (torch.tensor en fait un)."
        return Fact([-3], trial.when(sentence))
    try:
        shape = to_array(trial.result).shape
    except Unreadable as reason:
        return Fact([-1], trial.when(f"vous obtenez {reason} ; il faut un tenseur."))
    obtained = f"un tenseur de forme {shape}" if shape else f"le nombre {show(trial.result)}"
    sentence = trial.when(f"vous obtenez {obtained} ; ce n'est pas la bonne forme.")
    return Fact([1, *shape], sentence, vague=True)
