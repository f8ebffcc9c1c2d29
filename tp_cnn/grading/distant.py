"""A class that stands in the grader's process for a student's, which stays in the sandbox.

A check makes an object of it, reads its attributes, calls its methods, adds two of them: each time
the kernel is asked (see `sandbox.objects`). Plain values come back as they are; any other object as
a `Stand`, the same one for the same object, which a check may follow.

Units and costs that a check gives to a student's network are the judge's: they know right answers
and never enter the sandbox. They are lent: the student's code asks for what their methods give.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np

from tp_cnn.checks.engine import plain
from tp_cnn.checks.engine.compare import Described
from tp_cnn.checks.engine.running import Elsewhere, Failure, Returned, plain_call
from tp_cnn.grading.sandbox.objects import OPERATORS

METHODS = ("forward", "backward", "step")  # of what is lent
CALLS, LONGEST, LARGEST = 1000, 100_000, 1000  # uses, characters of arguments, sizes of arrays
TOO_MANY = "les unités ont été appelées trop de fois"
TOO_LARGE = "ce que reçoit une unité est trop grand"
HELD = 1_000_000  # objects


class Asker(Protocol):
    """Asks the student's kernel; see `judge.Talk`."""

    def __call__(self, work: str, *arguments: object) -> Returned: ...

    def sense(self) -> AbstractContextManager: ...


class Missing(Elsewhere, AttributeError):
    """The student's object has no such attribute."""


class Distant:
    """The objects of one answer, and those lent to it."""

    def __init__(self, ask: Asker):
        self.ask = ask
        self.stands: dict[int, Stand] = {}  # by their number in the kernel
        self.lent: list[object] = []
        self.given: list[np.ndarray] = []
        self.calls = 0  # of what is lent

    def kind(self) -> type:
        """A class that makes what the student's makes."""
        student = self.find("held", 0, "")
        return type("Student", (), {"__new__": lambda cls, *arguments: student(*arguments)})

    def refer(self, value: object) -> list:
        """What tells the kernel of an object: its own, or one of the judge's."""
        if isinstance(value, Stand):
            return ["held", value.number]
        return ["lent", _rank(value, self.lent)]

    def find(self, side: str, number: int, text: str) -> "Stand":
        """What the kernel speaks of.

        Raises:
            ValueError: it cannot be.
        """
        if side != "held" or type(number) is not int or not 0 <= number < HELD:
            raise ValueError(f"référence impossible : {side!r}, {number!r}")
        return self.stands.setdefault(number, Stand(self, number, str(text)))

    def use(self, work: str, *arguments: object) -> object:
        """What comes of a work on the student's objects."""
        outcome = self.ask(work, *arguments)
        print(outcome.printed, end="")
        if outcome.failure:
            missing = work == "read" and "AttributeError" in outcome.failure.errors
            raise (Missing if missing else Elsewhere)(outcome)
        with self.ask.sense():
            for number, array in outcome.result["changed"]:
                _change(self.given[number], array)
            return outcome.result["value"]

    def call(self, one: "Stand", arguments: tuple) -> object:
        """Call an object of the student's; an array that it was given before is the same there."""
        numbers = [
            _rank(given, self.given) if isinstance(given, np.ndarray) else None
            for given in arguments
        ]
        return self.use("apply", one, arguments, numbers)

    def called_back(self, message: dict) -> str:
        """What comes of the use, by the student's code, of an object lent to it.

        Raises:
            ValueError, LookupError: no code of the course asks so.
        """
        number, work, name = (message.get(key) for key in ("object", "work", "name"))
        if type(number) is not int or not 0 <= number < len(self.lent):
            raise ValueError(f"objet inconnu : {number!r}")
        if not isinstance(name, str) or name.startswith("_"):
            raise ValueError(f"attribut interdit : {name!r}")
        work = {"call": _call, "read": _read, "write": _write}[work]
        text = str(message.get("arguments"))
        self.calls += 1
        failure = TOO_MANY if self.calls > CALLS else TOO_LARGE if len(text) > LONGEST else ""
        if failure:
            outcome = Returned(failure=Failure("exception", failure, ("RuntimeError",)))
        else:
            arguments, named = plain.read(text)
            outcome = plain_call(lambda: work(self.lent[number], name, arguments, named), ())
        return plain.write_outcome(outcome)


class Stand(Described):
    """Stands for an object of the student's."""

    __eq__, __hash__ = object.__eq__, object.__hash__
    __array_ufunc__ = None  # NumPy leaves operators to this class

    def __init__(self, distant: Distant, number: int, text: str):
        super().__init__(text)
        self.__dict__.update(distant=distant, number=number)

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.distant.use("read", self, name)

    def __call__(self, *arguments: object) -> object:
        return self.distant.call(self, arguments)

    def __iter__(self) -> Iterator:
        return iter(self.distant.use("operate", "list", self))


def _operator(name: str, reflected: bool) -> Callable:
    def operate(self: Stand, other: object) -> object:
        operands = (other, self) if reflected else (self, other)
        return self.distant.use("operate", name, *operands)

    return operate


for _name in OPERATORS:
    setattr(Stand, f"__{_name}__", _operator(_name, reflected=False))
    setattr(Stand, f"__r{_name}__", _operator(_name, reflected=True))


def _rank(value: object, known: list) -> int:
    """The rank of an object in a list, at whose end a new one goes."""
    for rank, one in enumerate(known):
        if one is value:
            return rank
    known.append(value)
    return len(known) - 1


def _change(mine: np.ndarray, theirs: np.ndarray) -> None:
    """Do here what the student's code did there to an array that it was given."""
    if mine.size != theirs.size:
        raise ValueError("un tableau a changé de taille")
    mine.shape = theirs.shape
    mine[...] = theirs


def _call(one: object, name: str, arguments: tuple, named: dict) -> object:
    if name not in METHODS:
        raise AttributeError(_has_no(one, name))
    if any(_is_large(value) for value in (*arguments, *named.values())):
        raise RuntimeError(TOO_LARGE)
    return getattr(one, name)(*arguments, **named)


def _read(one: object, name: str, arguments: tuple, named: dict) -> object:
    if name not in vars(one):
        raise AttributeError(_has_no(one, name))
    return vars(one)[name]


def _write(one: object, name: str, arguments: tuple, named: dict) -> None:
    """Only an array in place of another."""
    (value,) = arguments
    if np.shape(vars(one).get(name)) != np.shape(value) or not isinstance(value, np.ndarray):
        raise AttributeError(_has_no(one, name))
    setattr(one, name, value)


def _has_no(one: object, name: str) -> str:
    return f"{type(one).__name__!r} object has no attribute {name!r}"


def _is_large(value: object) -> bool:
    return max(np.shape(value), default=0) > LARGEST
