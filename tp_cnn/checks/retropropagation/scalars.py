"""The bonus: an automatic differentiation of single numbers."""

import math
from collections.abc import Iterator

from tp_cnn.checks.engine.classes import ClassCheck
from tp_cnn.checks.engine.framework import Mistake


class _Base:
    """What the student's class inherits too, written otherwise than in the package."""

    def __init__(self, data, edges=(), label=""):
        self.data, self.edges, self.label, self.grad = data, list(edges), label, 0.0

    def __add__(self, other):
        return type(self)(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def tanh(self):
        value = math.tanh(self.data)
        return type(self)(value, [(self, 1 - value**2)])

    def order(self):
        done = []

        def visit(one):
            if all(one is not other for other in done):
                for source, _ in one.edges:
                    visit(source)
                done.append(one)

        visit(self)
        return done


class _Value(_Base):
    def __mul__(self, other):
        other = other if isinstance(other, _Base) else type(self)(other)
        return type(self)(self.data * other.data, self.edges_with(other))

    def edges_with(self, other):
        return [(self, other.data), (other, self.data)]

    def backward(self):
        self.grad = 1.0
        for one in self.order()[::-1]:
            for source, derivative in one.edges:
                source.grad = source.grad + derivative * one.grad


class _OwnData(_Value):
    def edges_with(self, other):
        return [(self, self.data), (other, other.data)]


class _Ones(_Value):
    def edges_with(self, other):
        return [(self, 1.0), (other, 1.0)]


class _OneSide(_Value):
    def edges_with(self, other):
        return [(self, other.data)]


class _Overwritten(_Value):
    def backward(self):
        self.grad = 1.0
        for one in self.order()[::-1]:
            for source, derivative in one.edges:
                source.grad = derivative * one.grad


class _Forwards(_Value):
    def backward(self):
        self.grad = 1.0
        for one in self.order():
            for source, derivative in one.edges:
                source.grad += derivative * one.grad


class _NoStart(_Value):
    def backward(self):
        for one in self.order()[::-1]:
            for source, derivative in one.edges:
                source.grad += derivative * one.grad


class _NothingPassed(_Value):
    def backward(self):
        self.grad = 1.0


class _Local(_Value):
    def backward(self):
        self.grad = 1.0
        for one in self.order()[::-1]:
            for source, derivative in one.edges:
                source.grad += derivative


class _Recursive(_Value):
    """Walks down from each one as soon as it is met: what is shared is passed on too early."""

    def backward(self, gradient=1.0):
        self.grad = gradient
        for source, derivative in self.edges:
            _Recursive.backward(source, source.grad + derivative * gradient)


def _use_value(kind, a, b, c) -> Iterator[tuple[str, object]]:
    first, second, third = kind(a), kind(b), kind(c)
    product = first * second
    yield "la valeur de a * b", getattr(product, "data", product)
    yield "la dérivée de a * b par a, notée dans edges", _derivative(product, first)
    yield "la dérivée de a * b par b, notée dans edges", _derivative(product, second)
    product.backward()
    yield "(a * b).grad après (a * b).backward()", product.grad
    yield "a.grad après (a * b).backward()", first.grad
    yield "b.grad après (a * b).backward()", second.grad
    first, second, third = kind(a), kind(b), kind(c)
    shared = first * second + third
    result = (shared * shared).tanh() * first + shared
    yield "la valeur de (s * s).tanh() * a + s, où s = a * b + c", result.data
    result.backward()
    for name, one in {"a": first, "b": second, "c": third, "s": shared}.items():
        yield f"{name}.grad après ((s * s).tanh() * a + s).backward(), où s = a * b + c", one.grad
    first = kind(a)
    tripled = first * 3.0
    tripled.backward()
    yield "la valeur de a * 3, où 3 est un simple nombre", tripled.data
    yield "a.grad après (a * 3).backward()", first.grad


def _derivative(result, source) -> float:
    return sum(slope for one, slope in result.edges if one is source)


engine = ClassCheck(
    "Un moteur de dérivation : le produit, et backward, pour des nombres qui se souviennent.",
    answer=_Value,
    lines=_use_value,
    tries=lambda rng: [
        (2.0, 3.0, -5.0),
        *[tuple(rng.uniform(0.4, 1.2, 3).tolist()) for _ in range(2)],
    ],
    mistakes=[
        Mistake(
            "own-data",
            _OwnData,
            "La dérivée de a × b par a est b : les deux sont échangées.",
        ),
        Mistake("ones", _Ones, "Ce sont les dérivées d'une somme."),
        Mistake("one-side", _OneSide, "Un produit dépend de ses deux facteurs : il a deux arêtes."),
        Mistake(
            "no-start",
            _NoStart,
            "Rien ne part : la dérivée du résultat par lui-même vaut 1.",
        ),
        Mistake(
            "nothing-passed",
            _NothingPassed,
            "Rien n'arrive aux facteurs : chacun reçoit sa dérivée locale multipliée par le "
            "gradient de celui qui transmet, à commencer par le résultat.",
        ),
        Mistake(
            "forwards",
            _Forwards,
            "L'ordre est celui du calcul : on remonte, du résultat vers les entrées.",
        ),
        Mistake(
            "local",
            _Local,
            "La dérivée locale est ajoutée sans le gradient de celui qui la reçoit : multipliez.",
        ),
        Mistake(
            "overwritten",
            _Overwritten,
            "Un nombre qui sert plusieurs fois reçoit plusieurs parts : elles s'ajoutent.",
        ),
        Mistake(
            "recursive",
            _Recursive,
            "Un nombre transmet son gradient avant de l'avoir reçu en entier : suivez order().",
        ),
    ],
)
