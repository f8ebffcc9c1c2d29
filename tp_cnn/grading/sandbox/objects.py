"""Objects that the judge and a kernel keep for each other, by number, while a class is judged.

The judge uses a student's class from its own process: it asks what an attribute, a call, an
operator gives here. Objects of its own know right answers: it lends them, and what is done here
with a `Lent` is asked back.
"""

import builtins
import operator
import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tp_cnn.checks.engine import plain
from tp_cnn.checks.engine.compare import describe
from tp_cnn.checks.engine.running import Failure, Returned, plain_call

OPERATORS = ("add", "sub", "mul", "truediv", "pow", "matmul")
OPERATIONS = {"list": list, **{name: getattr(operator, name) for name in OPERATORS}}
OVER = "cet objet ne sert que dans la méthode que la vérification appelle."


class Objects:
    """Those of one answer, a class, which has the number 0."""

    def __init__(self, answer: object, ask_back: Callable[[dict], str]):
        """``ask_back`` sends a message to the judge and gives its reply."""
        self.held: list[object] = []
        self.numbers: dict[int, int] = {}  # of what is held, by its identity
        self.refer(answer)
        self.lending = Lending(ask_back)
        self.lent: dict[int, Lent] = {}
        self.given: dict[int, np.ndarray] = {}  # arrays of the judge's
        self.before: dict[int, np.ndarray] = {}  # as they were

    def refer(self, value: object) -> list:
        """What tells the judge of an object that cannot travel."""
        number = self.numbers.setdefault(id(value), len(self.held))
        if number == len(self.held):
            self.held.append(value)  # its identity stays its own
        return ["held", number, describe(value)]

    def find(self, side: str, number: int) -> object:
        """What the judge speaks of."""
        if side == "held":
            return self.held[number]
        return self.lent.setdefault(number, Lent(number, self.lending))

    def read(self, one: object, name: str) -> Returned:
        """What an attribute holds: a method is an object too."""
        return self._done(lambda: getattr(one, name))

    def apply(self, one: Callable, arguments: tuple, numbers: list) -> Returned:
        """What a call gives; an array that has a number is the same object each time."""
        pairs = zip(arguments, numbers, strict=True)
        mine = [one if number is None else self._given(one, number) for one, number in pairs]
        return self._done(lambda: one(*mine))

    def operate(self, name: str, *operands: object) -> Returned:
        return self._done(lambda: OPERATIONS[name](*operands))

    def _given(self, array: np.ndarray, number: int) -> np.ndarray:
        if number not in self.given:
            self.given[number], self.before[number] = array, array.copy()
        return self.given[number]

    def _done(self, work: Callable) -> Returned:
        """What came of a work, and the judge's arrays that it changed."""
        self.lending.borrower = threading.get_ident()
        try:
            outcome = plain_call(work, ())
        finally:
            self.lending.borrower = None
        changed = [
            (number, array)
            for number, array in self.given.items()
            if not np.array_equal(array, self.before[number])
        ]
        self.before |= {number: array.copy() for number, array in changed}
        return replace(outcome, result={"value": outcome.result, "changed": changed})


class Lending:
    """The way back to the judge, open while a work is done, to the thread that does it."""

    def __init__(self, ask_back: Callable[[dict], str]):
        self.ask_back = ask_back
        self.borrower: int | None = None

    def ask(self, number: int, work: str, name: str, *arguments: object, **named: object) -> object:
        if self.borrower != threading.get_ident():
            raise RuntimeError(OVER)
        text = plain.write((arguments, named))
        asked = {"object": number, "work": work, "name": name, "arguments": text}
        outcome = plain.read_outcome(self.ask_back({"type": "callback", **asked}))
        if outcome.failure:
            raise _error(outcome.failure)
        return outcome.result


class Lent:
    """Stands for an object of the judge's, a unit or a cost: its methods run there."""

    def __init__(self, number: int, lending: Lending):
        self.__dict__.update(_number=number, _lending=lending)

    def forward(self, *arguments, **named):
        return self._lending.ask(self._number, "call", "forward", *arguments, **named)

    def backward(self, *arguments, **named):
        return self._lending.ask(self._number, "call", "backward", *arguments, **named)

    def step(self, *arguments, **named):
        return self._lending.ask(self._number, "call", "step", *arguments, **named)

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        return self._lending.ask(self._number, "read", name)

    def __setattr__(self, name: str, value: object) -> None:
        try:
            self._lending.ask(self._number, "write", name, value)
        except AttributeError:  # it has none of this name: the student's own
            self.__dict__[name] = value


def _error(failure: Failure) -> Exception:
    """An exception as the judge's object raised it: its class has the same name."""
    kinds = [getattr(builtins, name, None) for name in failure.errors]
    kinds = [one for one in kinds if isinstance(one, type) and issubclass(one, Exception)]
    name, kind = failure.errors[0], kinds[0] if kinds else Exception
    kind = kind if kind.__name__ == name else type(name, (kind,), {})
    return kind(failure.text)
