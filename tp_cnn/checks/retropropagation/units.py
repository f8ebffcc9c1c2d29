"""The units with forward, backward and step, and the network that they make (003)."""

from collections.abc import Iterator

import numpy as np

from tp_cnn.checks.engine.classes import ClassCheck
from tp_cnn.checks.engine.framework import Mistake
from tp_cnn.checks.retropropagation.neuron import sigmoid_of

SLOPE_ALONE = "Le gradient reçu est oublié : la pente de l'unité le multiplie."
NO_SLOPE = "Le gradient passe sans changer : multipliez-le par la pente de l'unité."
RATE = 0.5


def _normal(rng: np.random.Generator, *shapes: tuple) -> tuple:
    return tuple(rng.normal(size=shape) for shape in shapes)


def _rate(rng: np.random.Generator) -> float:
    return round(float(rng.uniform(0.1, 0.4)), 2)


class _Linear:
    def __init__(self, weights, bias):
        self.weights, self.bias = weights, bias

    def forward(self, inputs):
        self.inputs = inputs
        return np.einsum("nd,du->nu", inputs, self.weights) + self.bias

    def backward(self, gradient):
        self.weights_gradient = np.einsum("nd,nu->du", self.inputs, gradient)
        self.bias_gradient = np.einsum("nu->u", gradient)
        return np.einsum("nu,du->nd", gradient, self.weights)

    def step(self, rate):
        self.weights = self.weights - rate * self.weights_gradient
        self.bias = self.bias - rate * self.bias_gradient


class _NoBias(_Linear):
    def forward(self, inputs):
        return super().forward(inputs) - self.bias


class _OneBias(_Linear):
    def forward(self, inputs):
        return super().forward(inputs) - self.bias + self.bias[0]


class _BiasSubtracted(_Linear):
    def forward(self, inputs):
        return super().forward(inputs) - 2 * self.bias


class _Untransposed(_Linear):
    """Runs on square shapes only."""

    def backward(self, gradient):
        super().backward(gradient)
        return gradient @ self.weights


def _keeping(name: str, kept) -> type:
    """The layer, but for one gradient that backward keeps: ``kept(unit, gradient)``."""

    class Kept(_Linear):
        def backward(self, gradient):
            passed = super().backward(gradient)
            setattr(self, name, kept(self, gradient))
            return passed

    return Kept


class _StepWithin(_Linear):
    """Moves the weights in backward, before they have carried the error back."""

    def backward(self, gradient):
        super().backward(gradient)
        _Linear.step(self, RATE)
        return gradient @ self.weights.T


class _Uphill(_Linear):
    def step(self, rate):
        super().step(-rate)


class _NoRate(_Linear):
    def step(self, rate):
        super().step(1)


class _OwnRate(_Linear):
    def step(self, rate):
        super().step(RATE)


class _Still(_Linear):
    def step(self, rate):
        pass


class _BiasStill(_Linear):
    def step(self, rate):
        self.weights = self.weights - rate * self.weights_gradient


class _Replaced(_Linear):
    def step(self, rate):
        self.weights, self.bias = -rate * self.weights_gradient, -rate * self.bias_gradient


class _Piling(_Linear):
    def __init__(self, weights, bias):
        super().__init__(weights, bias)
        self.weights_gradient, self.bias_gradient = 0, 0

    def backward(self, gradient):
        before = self.weights_gradient, self.bias_gradient
        passed = super().backward(gradient)
        self.weights_gradient = before[0] + self.weights_gradient
        self.bias_gradient = before[1] + self.bias_gradient
        return passed


def _use_linear(kind, inputs, weights, bias, gradient, rate) -> Iterator[tuple[str, object]]:
    unit = kind(weights.copy(), bias.copy())
    yield "la sortie de forward", unit.forward(inputs)
    yield "ce que backward renvoie", unit.backward(gradient)
    yield "weights_gradient", unit.weights_gradient
    yield "bias_gradient", unit.bias_gradient
    unit.step(rate)
    yield "weights après un pas", unit.weights
    yield "bias après un pas", unit.bias
    yield "la sortie de forward après ce pas", unit.forward(inputs + 1)
    yield "ce que backward renvoie la deuxième fois", unit.backward(gradient)
    yield "weights_gradient la deuxième fois", unit.weights_gradient
    yield "bias_gradient la deuxième fois", unit.bias_gradient


linear = ClassCheck(
    "Une couche de neurones sans activation : forward, backward, step.",
    answer=_Linear,
    lines=_use_linear,
    tries=lambda rng: [
        (
            np.array([[1.0, 2], [0, -1]]),
            np.array([[1.0, 0, -1], [2, 1, 0]]),
            np.array([3.0, 1, 2]),
            np.array([[1.0, 2, 3], [-2, 0, 1]]),
            RATE,
        ),
        (*_normal(rng, (4, 3), (3, 2), 2, (4, 2)), _rate(rng)),
        (*_normal(rng, (3, 3), (3, 3), 3, (3, 3)), _rate(rng)),
    ],
    mistakes=[
        Mistake("no-bias", _NoBias, "Le biais manque : chaque neurone ajoute le sien."),
        Mistake(
            "one-bias", _OneBias, "Le biais d'un seul neurone sert à tous : chacun ajoute le sien."
        ),
        Mistake("bias-subtracted", _BiasSubtracted, "Le biais s'ajoute, il ne se retire pas."),
        Mistake(
            "step-within",
            _StepWithin,
            "backward déplace les poids : il calcule des dérivées, le pas revient à step.",
        ),
        Mistake(
            "untransposed",
            _Untransposed,
            "weights a la forme (entrées, sorties) : pour remonter de U sorties à D entrées, il en "
            "faut la transposée. Une couche carrée cacherait cette erreur.",
        ),
        Mistake(
            "inputs-untransposed",
            _keeping("weights_gradient", lambda unit, gradient: unit.inputs @ gradient),
            "weights_gradient a la forme de weights : transposez les entrées, que le lot "
            "disparaisse dans le produit.",
        ),
        Mistake(
            "weights-transposed",
            _keeping("weights_gradient", lambda unit, gradient: gradient.T @ unit.inputs),
            "weights_gradient est transposé : il doit avoir la forme de weights.",
        ),
        Mistake(
            "weights-mean",
            _keeping(
                "weights_gradient", lambda unit, gradient: unit.weights_gradient / len(gradient)
            ),
            "La moyenne sur le lot est déjà prise, par le coût : ici, on additionne.",
        ),
        Mistake(
            "bias-not-summed",
            _keeping("bias_gradient", lambda unit, gradient: gradient),
            "Un biais sert à tous les exemples : additionnez leurs gradients.",
        ),
        Mistake(
            "bias-axis-kept",
            _keeping("bias_gradient", lambda unit, gradient: gradient.sum(axis=0, keepdims=True)),
            "bias_gradient garde un axe de trop : il doit avoir la forme de bias (keepdims ?).",
        ),
        Mistake(
            "bias-mean",
            _keeping("bias_gradient", lambda unit, gradient: gradient.mean(axis=0)),
            "La moyenne sur le lot est déjà prise, par le coût : le gradient du biais est une "
            "somme.",
        ),
        Mistake(
            "bias-all-summed",
            _keeping("bias_gradient", lambda unit, gradient: gradient.sum()),
            "Chaque neurone a son biais : on additionne sur le lot, pas sur les neurones.",
        ),
        Mistake(
            "bias-of-examples",
            _keeping("bias_gradient", lambda unit, gradient: gradient.sum(axis=1)),
            "La somme porte sur les neurones : c'est sur les exemples du lot qu'il faut sommer.",
        ),
        Mistake("uphill", _Uphill, "On descend : le pas va contre le gradient."),
        Mistake("no-rate", _NoRate, "rate ne sert pas : il règle la longueur du pas."),
        Mistake(
            "own-rate",
            _OwnRate,
            "La longueur du pas ne change jamais : c'est rate, l'argument de step, qui la donne.",
        ),
        Mistake("still", _Still, "step ne change rien aux poids."),
        Mistake("bias-still", _BiasStill, "step oublie le biais."),
        Mistake("replaced", _Replaced, "Le pas s'ajoute aux anciens poids, il ne les efface pas."),
        Mistake(
            "piling",
            _Piling,
            "Les gradients s'accumulent d'un pas à l'autre : backward doit les remplacer.",
        ),
    ],
)


def _activation(name: str, function, slope):
    """A class with the methods of an activation; ``slope(inputs, outputs, gradient)``."""

    def forward(self, inputs):
        self.inputs, self.outputs = inputs, function(inputs)
        return self.outputs

    def backward(self, gradient):
        return slope(self.inputs, self.outputs, gradient)

    return type(name, (), {"forward": forward, "backward": backward})


def _use_activation(kind, inputs, gradient) -> Iterator[tuple[str, object]]:
    unit = kind()
    yield "la sortie de forward", unit.forward(inputs)
    yield "ce que backward renvoie", unit.backward(gradient)


def _activation_tries(rng: np.random.Generator) -> list[tuple]:
    return [
        (np.array([[0.0, 1, -2]]), np.array([[1.0, 1, 1]])),
        (2 * rng.normal(size=(3, 4)), rng.normal(size=(3, 4))),
        (rng.normal(size=(2, 3, 2, 2)), rng.normal(size=(2, 3, 2, 2))),
    ]


_Sigmoid = _activation("Sigmoid", sigmoid_of, lambda x, s, g: g * s * (1 - s))

sigmoid = ClassCheck(
    "Une sigmoïde : forward et backward.",
    answer=_Sigmoid,
    lines=_use_activation,
    tries=_activation_tries,
    mistakes=[
        Mistake(
            "plus",
            _activation("Sigmoid", sigmoid_of, lambda x, s, g: g * s * (1 + s)),
            "La pente de la sigmoïde est s (1 - s), avec un signe moins : elle s'annule quand s "
            "approche de 1.",
        ),
        Mistake(
            "slope-of-input",
            _activation("Sigmoid", sigmoid_of, lambda x, s, g: g * x * (1 - x)),
            "s (1 - s) s'écrit avec la sortie de la sigmoïde, pas avec son entrée.",
        ),
        Mistake(
            "slope-alone",
            _activation("Sigmoid", sigmoid_of, lambda x, s, g: s * (1 - s)),
            SLOPE_ALONE,
        ),
        Mistake(
            "no-slope",
            _activation("Sigmoid", sigmoid_of, lambda x, s, g: g),
            NO_SLOPE,
        ),
        Mistake(
            "one-factor",
            _activation("Sigmoid", sigmoid_of, lambda x, s, g: g * (1 - s)),
            "Un facteur manque : la pente est nulle des deux côtés, quand s vaut 0 ou 1.",
        ),
        Mistake(
            "reversed",
            _activation("Sigmoid", lambda x: sigmoid_of(-x), lambda x, s, g: g * s * (1 - s)),
            "La sigmoïde décroît : un signe moins manque devant l'entrée, dans exp.",
        ),
    ],
)

_Tanh = _activation("Tanh", np.tanh, lambda x, t, g: g - g * t * t)

tanh = ClassCheck(
    "Une tangente hyperbolique : forward et backward.",
    answer=_Tanh,
    lines=_use_activation,
    tries=_activation_tries,
    mistakes=[
        Mistake(
            "no-square",
            _activation("Tanh", np.tanh, lambda x, t, g: g * (1 - t)),
            "Le carré manque : la pente est la même pour t et pour -t.",
        ),
        Mistake(
            "sigmoid",
            _activation("Tanh", np.tanh, lambda x, t, g: g * t * (1 - t)),
            "C'est la pente de la sigmoïde : celle de la tangente hyperbolique vaut 1 en 0.",
        ),
        Mistake(
            "plus",
            _activation("Tanh", np.tanh, lambda x, t, g: g * (1 + t * t)),
            "La pente diminue quand t s'éloigne de 0 : un signe est faux.",
        ),
        Mistake(
            "slope-of-input",
            _activation("Tanh", np.tanh, lambda x, t, g: g * (1 - x * x)),
            "1 - t² s'écrit avec la sortie de l'unité, pas avec son entrée.",
        ),
        Mistake(
            "slope-alone",
            _activation("Tanh", np.tanh, lambda x, t, g: 1 - t * t),
            SLOPE_ALONE,
        ),
        Mistake(
            "no-slope",
            _activation("Tanh", np.tanh, lambda x, t, g: g),
            NO_SLOPE,
        ),
    ],
)


def _rectified(x):
    return np.where(x > 0, x, 0.0)


_ReLU = _activation("ReLU", _rectified, lambda x, y, g: np.where(x > 0, g, 0.0))

relu = ClassCheck(
    "ReLU : forward et backward, pour des tableaux de toute forme.",
    answer=_ReLU,
    lines=_use_activation,
    tries=lambda rng: [
        (np.array([[2.0, -1, 0, 3, 100]]), np.array([[5.0, 6, 7, -8, 9]])),
        (rng.normal(size=(3, 4)), rng.normal(size=(3, 4))),
        (rng.integers(-1, 2, (2, 3, 4, 4)).astype(float), rng.normal(size=(2, 3, 4, 4))),
    ],
    mistakes=[
        Mistake(
            "zero",
            _activation("ReLU", _rectified, lambda x, y, g: np.where(x >= 0, g, 0.0)),
            "En 0, on convient d'une pente nulle, comme PyTorch.",
        ),
        Mistake(
            "by-gradient",
            _activation("ReLU", _rectified, lambda x, y, g: np.where(g > 0, g, 0.0)),
            "C'est le gradient reçu qui est coupé selon son signe : ce qui décide, c'est l'entrée "
            "que forward a vue.",
        ),
        Mistake(
            "no-slope",
            _activation("ReLU", _rectified, lambda x, y, g: g),
            "Le gradient passe partout : il s'arrête là où l'entrée était négative.",
        ),
        Mistake(
            "slope-alone",
            _activation("ReLU", _rectified, lambda x, y, g: (x > 0).astype(float)),
            SLOPE_ALONE,
        ),
        Mistake(
            "times-output",
            _activation("ReLU", _rectified, lambda x, y, g: g * y),
            "La pente vaut 1 où l'entrée est positive, quelle que soit sa valeur.",
        ),
        Mistake(
            "reversed",
            _activation("ReLU", _rectified, lambda x, y, g: np.where(x < 0, g, 0.0)),
            "Le gradient passe du mauvais côté : la pente vaut 1 où l'entrée est positive.",
        ),
        Mistake(
            "absolute",
            _activation("ReLU", np.abs, lambda x, y, g: np.where(x > 0, g, 0.0)),
            "C'est la valeur absolue : une valeur négative devient 0.",
        ),
    ],
)


class _CrossEntropy:
    def forward(self, scores, labels):
        powers = np.exp(scores - scores.max(1)[:, None])
        self.probabilities = powers / powers.sum(1)[:, None]
        self.truth = np.eye(scores.shape[1])[labels]
        gaps = scores.max(1) + np.log(powers.sum(1)) - (scores * self.truth).sum(1)
        return gaps.mean()

    def backward(self):
        return (self.probabilities - self.truth) / len(self.truth)


class _NoMean(_CrossEntropy):
    def backward(self):
        return super().backward() * len(self.truth)


class _SumCost(_CrossEntropy):
    def forward(self, scores, labels):
        return super().forward(scores, labels) * len(labels)


class _AllClasses(_CrossEntropy):
    def forward(self, scores, labels):
        super().forward(scores, labels)
        highest = scores.max(1)[:, None]
        sums = np.log(np.exp(scores - highest).sum(1))[:, None]
        return -(scores - highest - sums).mean()


class _NegativeCost(_CrossEntropy):
    def forward(self, scores, labels):
        return -super().forward(scores, labels)


class _NoOneHot(_CrossEntropy):
    def backward(self):
        return self.probabilities / len(self.truth)


class _NumberRemoved(_CrossEntropy):
    def backward(self):
        labels = self.truth.argmax(1)
        return (self.probabilities - labels[:, None]) / len(labels)


class _NoLogarithm(_CrossEntropy):
    """Divides the scores by the sum, as if they were probabilities."""

    def forward(self, scores, labels):
        super().forward(scores, labels)
        shifted = scores - scores.max(1)[:, None]
        return -(shifted / np.exp(shifted).sum(1)[:, None] * self.truth).sum(1).mean()


class _OnlyTruth(_CrossEntropy):
    def backward(self):
        return super().backward() * self.truth


class _Reversed(_CrossEntropy):
    def backward(self):
        return -super().backward()


class _ByLogarithm(_CrossEntropy):
    """The derivative by the probabilities, not by the scores."""

    def backward(self):
        return -self.truth / self.probabilities / len(self.truth)


class _MeanOfAll(_CrossEntropy):
    def backward(self):
        return super().backward() / self.truth.shape[1]


class _Columns(_CrossEntropy):
    """The softmax of each column."""

    def forward(self, scores, labels):
        powers = np.exp(scores - scores.max())
        self.probabilities = powers / powers.sum(0)
        self.truth = np.eye(scores.shape[1])[labels]
        return -np.log((self.probabilities * self.truth).sum(1)).mean()


class _OneForAll(_CrossEntropy):
    """One softmax over the whole batch."""

    def forward(self, scores, labels):
        powers = np.exp(scores - scores.max())
        self.probabilities = powers / powers.sum()
        self.truth = np.eye(scores.shape[1])[labels]
        return -np.log((self.probabilities * self.truth).sum(1)).mean()


def _use_cost(kind, scores, labels) -> Iterator[tuple[str, object]]:
    cost = kind()
    yield "la sortie de forward", cost.forward(scores, labels)
    yield "ce que backward renvoie", cost.backward()


cross_entropy = ClassCheck(
    "L'entropie croisée, dernière couche du réseau : forward et backward.",
    answer=_CrossEntropy,
    lines=_use_cost,
    tries=lambda rng: [
        (np.array([[2.0, 0, 1], [0, 1, 3]]), np.array([0, 2])),
        (2 * rng.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])),
        (np.array([[1000.0, 0, -1000], [-990, 5, 3]]) + rng.normal(size=(2, 3)), np.array([1, 2])),
    ],
    mistakes=[
        Mistake("sum", _SumCost, "C'est la somme des coûts du lot : on en veut la moyenne."),
        Mistake(
            "all-classes",
            _AllClasses,
            "C'est la moyenne sur toutes les classes : seule la bonne, sur chaque ligne, coûte.",
        ),
        Mistake(
            "no-logarithm",
            _NoLogarithm,
            "Ce sont les exponentielles qui se divisent par leur somme : sur les scores, on retire "
            "le logarithme de cette somme.",
        ),
        Mistake("negative", _NegativeCost, "Un coût est positif : il manque un signe moins."),
        Mistake(
            "columns",
            _Columns,
            "Le softmax mélange les exemples : les probabilités d'une ligne font 1.",
        ),
        Mistake(
            "one-for-all",
            _OneForAll,
            "Le softmax divise par la somme de tout le lot : chaque ligne a la sienne.",
        ),
        Mistake(
            "no-one-hot",
            _NoOneHot,
            "Il manque l'étiquette : la bonne classe se distingue des autres, on lui retire 1.",
        ),
        Mistake(
            "number-removed",
            _NumberRemoved,
            "C'est le numéro de l'étiquette qui est retiré, à toutes les classes : que retire-t-on "
            "et à laquelle ?",
        ),
        Mistake(
            "no-mean",
            _NoMean,
            "Le coût est une moyenne sur le lot : son gradient l'est aussi.",
        ),
        Mistake(
            "mean-of-all",
            _MeanOfAll,
            "La moyenne porte sur les exemples, pas sur les classes.",
        ),
        Mistake(
            "only-truth",
            _OnlyTruth,
            "Seule la bonne classe reçoit un gradient : les scores des autres comptent aussi, par "
            "la somme du softmax.",
        ),
        Mistake(
            "reversed", _Reversed, "Le signe est inversé : augmenter le bon score coûte moins."
        ),
        Mistake(
            "by-probability",
            _ByLogarithm,
            "C'est la dérivée par les probabilités : remontez jusqu'aux scores, avant le softmax.",
        ),
    ],
)


class _Network:
    def __init__(self, units, cost):
        self.units, self.cost = units, cost

    def forward(self, inputs):
        for unit in self.units:
            inputs = unit.forward(inputs)
        return inputs

    def backward(self, gradient):
        for unit in self.units[::-1]:
            gradient = unit.backward(gradient)
        return gradient

    def step(self, rate):
        for unit in self.units:
            unit.step(rate)

    def learn(self, inputs, labels, rate):
        value = self.cost.forward(self.forward(inputs), labels)
        self.backward(self.cost.backward())
        self.step(rate)
        return value


class _FirstToLast(_Network):
    def backward(self, gradient):
        for unit in self.units:
            gradient = unit.backward(gradient)
        return gradient


class _SameGradient(_Network):
    def backward(self, gradient):
        for unit in self.units[::-1]:
            passed = unit.backward(gradient)
        return passed


class _StepFirst(_Network):
    def learn(self, inputs, labels, rate):
        value = self.cost.forward(self.forward(inputs), labels)
        self.step(rate)
        self.backward(self.cost.backward())
        return value


class _NoStep(_Network):
    def learn(self, inputs, labels, rate):
        return self.cost.forward(self.forward(inputs), labels)


class _LastOnly(_Network):
    def step(self, rate):
        self.units[-1].step(rate)


class _ThreeUnits(_Network):
    def backward(self, gradient):
        for rank in (2, 1, 0):
            gradient = self.units[rank].backward(gradient)
        return gradient


class _CostAfter(_Network):
    def learn(self, inputs, labels, rate):
        super().learn(inputs, labels, rate)
        return self.cost.forward(self.forward(inputs), labels)


class _LearnsUphill(_Network):
    def learn(self, inputs, labels, rate):
        return super().learn(inputs, labels, -rate)


class _Hidden(_Linear):
    """Of as many inputs as outputs: gradients of a wrong order have the right shape."""

    def step(self, rate):
        super().step(rate)
        del self.weights_gradient, self.bias_gradient  # a step needs a new backward


class _Hyperbolic:
    def forward(self, inputs):
        self.outputs = np.tanh(inputs)
        return self.outputs

    def backward(self, gradient):
        return gradient * (1 - self.outputs**2)

    def step(self, rate):
        """Nothing to move."""


def _use_network(
    kind, inputs, labels, first_weights, second_weights, rate, hidden
) -> Iterator[tuple[str, object]]:
    """``hidden``: how many layers have the first weights, each with its activation."""
    layers = [_Hidden(first_weights.copy(), np.zeros(len(first_weights))) for _ in range(hidden)]
    first, second = layers[0], _Hidden(second_weights.copy(), np.zeros(second_weights.shape[1]))
    units = [unit for layer in layers for unit in (layer, _Hyperbolic())]
    network = kind([*units, second], _CrossEntropy())
    scores = network.forward(inputs)
    yield "la sortie de forward", scores
    yield "ce que backward renvoie", network.backward(scores + 1)
    for time in ("au premier", "au deuxième"):
        yield f"le coût que learn renvoie {time} appel", network.learn(inputs, labels, rate)
        yield f"les poids de la dernière couche {time} appel de learn", second.weights
        yield f"les poids de la première couche {time} appel de learn", first.weights


network = ClassCheck(
    "Un réseau : des unités à la suite, un coût ; forward, backward, learn.",
    answer=_Network,
    lines=_use_network,
    tries=lambda rng: [
        (
            np.array([[1.0, 2]]),
            np.array([0]),
            np.array([[1.0, 0], [0, -1]]),
            np.array([[1.0, 2], [0, 1]]),
            0.5,
            1,
        ),
        (
            *_normal(rng, (4, 3)),
            np.array([0, 1, 1, 0]),
            *_normal(rng, (3, 3), (3, 2)),
            float(rng.uniform(0.2, 0.9)),
            2,
        ),
    ],
    mistakes=[
        Mistake(
            "first-to-last",
            _FirstToLast,
            "backward parcourt les unités dans l'ordre de forward : l'erreur remonte, de la "
            "dernière à la première.",
        ),
        Mistake(
            "same-gradient",
            _SameGradient,
            "Chaque unité reçoit le même gradient : donnez-lui celui que la suivante renvoie.",
        ),
        Mistake(
            "step-first",
            _StepFirst,
            "Le pas vient avant backward, ou sans lui : il lui faut les gradients de ce lot.",
        ),
        Mistake("no-step", _NoStep, "learn mesure le coût sans rien apprendre."),
        Mistake(
            "last-only",
            _LastOnly,
            "Seule la dernière unité fait un pas : learn appelle le step de toutes.",
        ),
        Mistake(
            "three-units",
            _ThreeUnits,
            "backward ne remonte que trois unités : il doit les suivre toutes, quel que soit leur "
            "nombre.",
        ),
        Mistake(
            "cost-after",
            _CostAfter,
            "Le coût renvoyé est celui d'après le pas : gardez celui d'avant.",
        ),
        Mistake("uphill", _LearnsUphill, "Le pas monte : step retire déjà le gradient."),
    ],
)
