"""The base of the checks: what a test cell calls to tell a student right or wrong.

A check tries a student's answer, prints one of « À faire », « Juste », « Pas encore : ... » and
returns a `Verdict`. It holds the right answer, the known wrong ones beside it, and its tolerance:

>>> output_size = FunctionCheck(
...     "Taille de sortie d'une convolution (question 1).",
...     answer=lambda size, kernel: size - kernel + 1,
...     tries=lambda rng: [(5, 3), (int(rng.integers(8, 40)), 5)],
...     mistakes=[
...         Mistake("plus-one", lambda size, kernel: size - kernel, "Il manque le + 1 : ..."),
...     ],
... )
>>> output_size(lambda size, kernel: size - kernel)
✘ Pas encore : pour votre fonction(size=5, kernel=3), vous obtenez 2, c'est trop petit.
  → Il manque le + 1 : ...

The inputs, the call of the student's function and the comparison are three things. A function that
lives in another process is judged from here by another way to call, which takes what stands for the
function and plain arguments, and gives an `Outcome`, plain too (see `running` and `plain`):

>>> output_size("output_size", call=worker.call)

A check of another kind derives from `Check` and writes `judge`; `attempt` runs the student's code
there and explains its errors. So do `networks` (the layers of a network), `loops` (a training step,
an evaluation), `classes` (what its methods give) and `tables` (cell by cell).
"""

import copy
import inspect
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from tp_cnn import display
from tp_cnn.checks.engine import diagnosis
from tp_cnn.checks.engine.calls import (
    TO_FILL,
    TOO_LONG,
    Refused,
    Trial,
    attempt,
    refuse_blanks,
    told,
)
from tp_cnn.checks.engine.compare import (
    Difference,
    Unreadable,
    blanks,
    difference,
    is_whole,
    to_array,
)
from tp_cnn.checks.engine.formulas import Formula
from tp_cnn.checks.engine.limits import LIMIT, TimeUp, time_limit
from tp_cnn.checks.engine.pairs import Clue, Pair, pairs_of
from tp_cnn.checks.engine.running import Call, plain_call
from tp_cnn.checks.engine.shapes import of_shapes

NOT_YET = ", tant que la vérification du vôtre ne dit pas « Juste »."
WRITTEN_AGAIN = " : le vôtre n'est plus celui qui a été vérifié, relancez sa cellule de test."
LENT = (
    "c'est le code du paquet, pris plus bas à la place du vôtre : exécutez d'abord la cellule de "
    "votre réponse, puis celle-ci."
)
OVERFLOW = (
    "C'est ce que donne une division par 0, le logarithme de 0 ou une exponentielle trop grande : "
    "comment ne pas les calculer ?"
)
LABELS = {"todo": "◻ À faire", "right": "✔ Juste", "wrong": "✘ Pas encore"}


@dataclass(frozen=True)
class Verdict:
    """What a check says of an answer.

    ``mistake`` is the name of the known mistake, or of the obstacle met ("exception",
    "time", "signature", "mutation", "type", "shape", "not-finite"); None when the values are just
    wrong. Then ``clue`` may name what the wrong values have in common (see `diagnosis`).
    """

    status: str  # "todo", "right" or "wrong"
    message: str = ""
    mistake: str | None = None
    clue: str | None = None
    share: float = 0.0  # of the cells of a table that are right, where it is not all

    @property
    def ok(self) -> bool:
        return self.status == "right"

    def __str__(self) -> str:
        return " : ".join(filter(None, [LABELS[self.status], self.message]))

    def _ipython_display_(self) -> None:
        """Show nothing below a cell: the check has printed the message already."""


@dataclass(frozen=True)
class Mistake:
    """A known wrong answer: a value, or a function that is wrong in the same way."""

    name: str
    answer: object
    message: str  # in French: what is wrong and where to look, never the answer


def grade(verdict: Verdict, points: float) -> float:
    """The points of a verdict, as nbgrader reads them from a test cell's last expression.

    A table earns the share of its right cells, in hundredths of a point.
    """
    return float(points) if verdict.ok else round(points * verdict.share, 2)


@dataclass(eq=False, repr=False)
class Check:
    """Base of every check: derive from it and write `judge`.

    Attributes:
        about: what is asked, in French: becomes the docstring of the check.
        answer: the right answer, or a function that computes it.
        mistakes: known wrong answers; the first that agrees with the student's is named.
        tolerance: largest absolute gap allowed on each value.
    """

    about: str
    _: KW_ONLY
    answer: object
    mistakes: Sequence[Mistake]
    tolerance: float = 1e-4

    written = False  # whether answers are written by hand; else functions give them

    def __post_init__(self):
        self.__doc__ = f"{self.about} Tolérance : {display.decimal(self.tolerance, 'g')}."
        self._right = []  # the answers told « Juste »
        self._lent = None  # the function of the package that took the student's place

    def __call__(
        self, student: object = ..., *, seed: int = 0, limit: float = LIMIT, **options
    ) -> Verdict:
        """Judge ``student``, print the verdict, return it; another ``seed``, other inputs.

        Args:
            limit: seconds left to the student's code, where the system allows one; 0 for none.
            options: for `judge`: ``call``, how to call a function (see `FunctionCheck`).
        """
        try:
            if student is None or student is ...:
                raise Refused(TO_FILL, status="todo")
            if callable(student) and student is self._lent:
                raise Refused(LENT, status="todo")
            with time_limit(limit):
                verdict = self.judge(student, np.random.default_rng(seed), **options)
        except Refused as refused:
            verdict = Verdict(refused.status, str(refused), refused.mistake, refused.clue)
        except TimeUp:
            verdict = Verdict("wrong", TOO_LONG, "time")
        self._remember(student, verdict)
        display.show(str(verdict), status=verdict.status, mistake=verdict.mistake)
        return verdict

    def use(self, student: object, otherwise: object) -> object:
        """What the cells below a check run: ``student`` if it said « Juste », else ``otherwise``.

        It is the object that was judged, not its name: a function written again since then is
        another one, and its test cell must be run again. One line says which of the two was taken.

        >>> average_pooling = check.average_pooling.use(average_pooling, pooling.average_pooling)
        Suite : votre code (average_pooling).
        """
        right = any(student is one for one in self._right)
        self._lent = None if right else otherwise
        name = getattr(otherwise, "__name__", type(otherwise).__name__)
        own = getattr(student, "__name__", "<lambda>")
        name = own if right and own != "<lambda>" else name
        taken = f"votre code ({name})." if right else f"le code du paquet ({name})"
        why = WRITTEN_AGAIN if self._right else NOT_YET
        display.show(
            f"Suite : {taken}{'' if right else why}", used="student" if right else "course"
        )
        return student if right else otherwise

    def _remember(self, student: object, verdict: Verdict) -> None:
        self._right = [one for one in self._right if one is not student]
        if verdict.ok:
            self._right.append(student)

    def judge(self, student: object, rng: np.random.Generator) -> Verdict:
        """Say what ``student`` is worth; may raise `Refused` (see `calls.attempt`)."""
        raise NotImplementedError

    def compare(
        self,
        trials: list[Trial],
        wanted: list,
        mistaken: Callable[[Mistake], list | None],
        clue: Callable[[list[Pair]], Clue | None],
    ) -> Verdict:
        """Compare what the student's answer gave with what was wanted, then with each mistake.

        Args:
            trials: what the student's answer gave, one for each input tried.
            wanted: the right result for each input.
            mistaken: gives the results of a mistake for the same inputs, None if it fails on one.
            clue: what else to look for in values that no mistake explains (see `diagnosis`).
        """
        differences = self._differences(trials, wanted)
        first = next((index for index, found in enumerate(differences) if found), None)
        if first is None:
            return Verdict("right", self._precision(wanted))
        trial, found = trials[first], differences[first]
        given = [trial.result for trial in trials]
        name, seen, pointer = (None if found.kind == "value" else found.kind), None, ""
        for mistake in self.mistakes:
            results = mistaken(mistake)
            if results is None or (_all_zero(given) and not _all_zero(results)):
                continue  # an absolute tolerance would take 0 for any small number
            if not any(self._differences(trials, results)):
                name, pointer = mistake.name, f"\n  → {mistake.message}"
                break
        else:
            seen = self._clue(differences, trials, wanted, clue)
            pointer = f"\n  → {seen.pointer}" if seen else ""
        sentence = trial.when(found.sentence) + pointer + told(trial.printed)
        return Verdict("wrong", sentence, name, seen and seen.name)

    def _clue(self, differences, trials, wanted, clue) -> Clue | None:
        """Only values, or a shape, can be compared with the right ones."""
        kinds = {found.kind for found in differences if found}
        if kinds == {"value"}:
            results = [trial.result for trial in trials]
            pairs = pairs_of(results, wanted, self.tolerance)
            return clue(pairs) if pairs else None
        first = next(index for index, found in enumerate(differences) if found)
        if differences[first].kind == "shape":
            return of_shapes(trials[first].result, wanted[first])
        if differences[first].kind == "not-finite":
            return Clue("overflow", OVERFLOW)
        return None

    def _differences(self, trials: list[Trial], expected: list) -> list[Difference | None]:
        pairs = zip(trials, expected, strict=True)
        return [
            difference(trial.result, value, self.tolerance, self.written) for trial, value in pairs
        ]

    def _precision(self, wanted: list) -> str:
        """State the tolerance, except where every value is a whole number."""
        whole = all(is_whole(to_array(value)) for value in wanted)
        return "" if whole else f"valeurs comparées à {display.decimal(self.tolerance, 'g')} près."


@dataclass(eq=False, repr=False)
class ValueCheck(Check):
    """The check of a number or a table; ``answer`` and each mistake's answer are values.

    Attributes:
        formula: how a number is computed, so that slips in it are recognised (see `formulas`).
    """

    _: KW_ONLY
    formula: Formula | None = None

    written = True

    def judge(self, student: object, rng: np.random.Generator) -> Verdict:
        left = blanks(student)
        if left:
            cells = "1 case" if left == 1 else f"{left} cases"
            raise Refused(f"il reste {cells} à remplir.", status="todo")
        return self.compare(
            [Trial(student)], [self.answer], lambda mistake: [mistake.answer], self._clue_in
        )

    def _clue_in(self, pairs: list[Pair]) -> Clue | None:
        return diagnosis.of_written(pairs, self.formula, self.tolerance)


@dataclass(eq=False, repr=False)
class FunctionCheck(Check):
    """The check of a function; ``answer`` and each mistake's answer are functions.

    Attributes:
        tries: draws the arguments to try, as a list of tuples, from a NumPy generator: the
            first ones fixed and small enough to be computed by hand, the last ones random.
        formulas: how the result is computed, or each of its two parts (see `formulas`).
    """

    _: KW_ONLY
    tries: Callable[[np.random.Generator], list[tuple]]
    formulas: Sequence[Formula] = ()

    def __post_init__(self):
        super().__post_init__()
        self.__doc__ += f" Arguments : {', '.join(self._names())}."

    def _names(self) -> list[str]:
        return list(inspect.signature(self.answer).parameters)

    def judge(self, student: object, rng: np.random.Generator, call: Call = plain_call) -> Verdict:
        tries = self.tries(rng)
        trials, refusal = self._attempts(student, tries, call)
        refuse_blanks([trial.result for trial in trials])
        done = tries[: len(trials)]
        wanted = _results(self.answer, done)
        if refusal and not any(self._differences(trials, wanted)):
            raise self._named(refusal, trials, tries)
        return self.compare(
            trials,
            wanted,
            lambda mistake: _results_if_any(mistake.answer, done),
            lambda pairs: self._clue_in(pairs, done),
        )

    def _clue_in(self, pairs: list[Pair], tries: list[tuple]) -> Clue | None:
        function = diagnosis.Function(self.answer, self._names(), self.formulas)
        return diagnosis.of_function(pairs, tries, function, self.tolerance)

    def _attempts(
        self, function: object, tries: list[tuple], call: Call = plain_call
    ) -> tuple[list[Trial], Refused | None]:
        """What ``function`` gave for each try until it failed, and how it then failed.

        A failure is told only if the simpler inputs before it gave no difference.
        """
        trials = []
        for arguments in tries:
            try:
                trials.append(attempt(function, arguments, self._names(), call))
            except Refused as refusal:
                return trials, refusal
        return trials, None

    def _named(self, refusal: Refused, trials: list[Trial], tries: list[tuple]) -> Refused:
        """The refusal, with the mistake that gave the same results, then failed in the same way."""
        for mistake in self.mistakes if refusal.error else ():
            before, failure = self._attempts(mistake.answer, tries[: len(trials) + 1])
            same_end = failure and len(before) == len(trials) and failure.error == refusal.error
            if same_end and not any(self._differences(trials, [one.result for one in before])):
                return Refused(f"{refusal}\n  → {mistake.message}", mistake.name)
        return refusal


def _all_zero(values: list) -> bool:
    try:
        return not any(to_array(value).any() for value in values)
    except Unreadable:
        return False


def _results(function: Callable, tries: list[tuple]) -> list:
    return [function(*copy.deepcopy(arguments)) for arguments in tries]


def _results_if_any(function: Callable, tries: list[tuple]) -> list | None:
    """Those of a mistake, which may end on an error as a student's code would."""
    try:
        return _results(function, tries)
    except Exception:
        return None
