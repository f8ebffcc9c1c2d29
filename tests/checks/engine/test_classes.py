"""What is said of classes: of a method that returns nothing, of a code that fails like another."""

import numpy as np

from tp_cnn.checks import convolution, retropropagation
from tp_cnn.scratch import scalars, units


class NoReturn(units.Linear):
    def forward(self, inputs):
        super().forward(inputs)


class NoProduct(scalars.Value):
    def __mul__(self, other):
        super().__mul__(other)


def test_a_method_without_return_is_told_so():
    for check, answer, what in [
        (retropropagation.linear, NoReturn, "la sortie de forward"),
        (retropropagation.engine, NoProduct, "la valeur de a * b"),
    ]:
        verdict = check(answer)
        assert verdict.status == "todo"
        assert verdict.message == f"{what} est vide (None) : manque-t-il un return ?"


def test_relu_has_no_ceiling():
    class Clipped(units.ReLU):
        def forward(self, inputs):
            super().forward(inputs)
            return np.clip(inputs, 0, 6)

    assert not convolution.relu(lambda values: np.clip(values, 0, 6)).ok
    assert retropropagation.relu(units.ReLU).ok
    assert not retropropagation.relu(Clipped).ok


def test_the_end_of_the_order_forgotten_is_told_what_does_not_arrive():
    class Forgetful(scalars.Value):
        def backward(self):
            self.grad = 1.0
            for one in reversed(self.order()[:-1]):
                for source, slope in one.edges:
                    source.grad += slope * one.grad

    verdict = retropropagation.engine(Forgetful)
    assert "à commencer par le résultat" in verdict.message
