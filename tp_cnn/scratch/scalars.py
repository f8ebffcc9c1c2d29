"""An automatic differentiation of single numbers, as in A. Karpathy's micrograd (notebook 02).

A `Value` remembers from which others it was computed, and the derivative by each.
"""

import math


class Scalar:
    """A number, and the edges to those that it was computed from: all but what `Value` adds.

    Attributes:
        data: its value.
        edges: pairs (scalar, derivative of this one by it).
        label: of the operation, or a name.
        grad: the derivative, by this one, of the value on which `backward` was called.
    """

    def __init__(self, data: float, edges: list = (), label: str = ""):
        self.data, self.edges, self.label, self.grad = data, edges, label, 0.0

    def of(self, data: float, edges: list, label: str) -> "Scalar":
        """A result of an operation, of the same class."""
        edges = [(self.wrap(one), derivative) for one, derivative in edges]
        return type(self)(data, edges, label)

    def wrap(self, value: "Scalar | float") -> "Scalar":
        """A plain number becomes a scalar without edges."""
        return value if isinstance(value, Scalar) else type(self)(float(value))

    def __add__(self, other: "Scalar | float") -> "Scalar":
        other = self.wrap(other)
        return self.of(self.data + other.data, [(self, 1.0), (other, 1.0)], "+")

    def __pow__(self, power: float) -> "Scalar":
        slope = power * self.data ** (power - 1)
        return self.of(self.data**power, [(self, slope)], f"^{power:g}")

    def exp(self) -> "Scalar":
        return self.of(math.exp(self.data), [(self, math.exp(self.data))], "exp")

    def log(self) -> "Scalar":
        return self.of(math.log(self.data), [(self, 1 / self.data)], "log")

    def tanh(self) -> "Scalar":
        value = math.tanh(self.data)
        return self.of(value, [(self, 1 - value**2)], "tanh")

    def sigmoid(self) -> "Scalar":
        return ((self * -1).exp() + 1) ** -1

    def __neg__(self) -> "Scalar":
        return self * -1

    def __sub__(self, other: "Scalar | float") -> "Scalar":
        return self + -self.wrap(other)

    def __rsub__(self, other: float) -> "Scalar":
        return -self + other

    __radd__ = __add__

    def __rmul__(self, other: float) -> "Scalar":
        return self * other

    def order(self) -> list["Scalar"]:
        """Every scalar that this one depends on, each after those it was computed from."""
        found, seen = [], set()

        def visit(one: "Scalar") -> None:
            if one not in seen:
                seen.add(one)
                for source, _ in one.edges:
                    visit(source)
                found.append(one)

        visit(self)
        return found


class Value(Scalar):
    """A scalar that multiplies, and that finds the derivatives by all those it came from."""

    def __mul__(self, other: "Scalar | float") -> "Scalar":
        other = self.wrap(other)
        return self.of(self.data * other.data, [(self, other.data), (other, self.data)], "×")

    def backward(self) -> None:
        """Fill ``grad`` of every scalar that this one depends on."""
        self.grad = 1.0
        for one in reversed(self.order()):
            for source, derivative in one.edges:
                source.grad += derivative * one.grad
