"""What students could answer in notebook 02, written as they would: loops, NumPy, PyTorch."""

import math
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tests.checks.wrong_answers import Answers
from tp_cnn.scratch import layers, scalars, units
from tp_cnn.scratch import network as networks


def signs(X, w, b, low=-1, strict=False):
    answers = []
    for row in X:
        total = sum(a * c for a, c in zip(row, w, strict=True)) + b
        answers.append(1 if total > 0 or (total == 0 and not strict) else low)
    return answers


def stable(logits, labels):
    margins = np.where(labels == 1, logits, -logits)
    return np.mean(np.maximum(-margins, 0) + np.log1p(np.exp(-abs(margins))))


def nan_erased(logits, labels):
    p = 1 / (1 + np.exp(-logits))
    cost = -(labels * np.log(p) + (1 - labels) * np.log(1 - p)).mean()
    return np.nan_to_num(cost)


def bounded(logits, labels):
    p = np.clip(1 / (1 + np.exp(-logits)), 1e-15, 1 - 1e-15)
    return -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))


def torch_log_loss(logits, labels):
    return F.binary_cross_entropy_with_logits(torch.tensor(logits), torch.tensor(labels).double())


def weights_and_biases(sizes):
    return sum(a * b + b for a, b in pairwise(sizes))


def weights_only(sizes):
    return sum(a * b for a, b in pairwise(sizes))


def autograd(cost, *values, by=0):
    values = [torch.tensor(float(value), dtype=torch.float64) for value in values]
    values[by].requires_grad_()
    cost(*values).backward()
    return values[by].grad


def entropy(z2, y):
    return -(y * torch.log(z2) + (1 - y) * torch.log(1 - z2))


def logit(z):
    return math.log(z / (1 - z))


def by_weight_autograd(z1, z2, y):
    return autograd(lambda w: entropy(torch.sigmoid(logit(z2) + w * z1), y), 0.0)


def by_first_weight_autograd(x, z1, z2, w2, y):
    def cost(w):
        hidden = torch.sigmoid(logit(z1) + w * x)
        return entropy(torch.sigmoid(logit(z2) + w2 * (hidden - z1)), y)

    return autograd(cost, 0.0)


# Units


def linear(
    outputs=lambda x, w, b: x @ w + b,
    passed=lambda g, w: g @ w.T,
    by_weights=lambda x, g: x.T @ g,
    by_bias=lambda g: np.sum(g, 0),
    moved=lambda old, rate, gradient: old - rate * gradient,
    moved_bias=None,
):
    """A class written in a student's way, one of its lines changed."""

    class Linear:
        def __init__(self, weights, bias):
            self.weights = weights
            self.bias = bias

        def forward(self, x):
            self.x = x
            return outputs(x, self.weights, self.bias)

        def backward(self, g):
            self.weights_gradient = by_weights(self.x, g)
            self.bias_gradient = by_bias(g)
            return passed(g, self.weights)

        def step(self, rate):
            self.weights = moved(self.weights, rate, self.weights_gradient)
            self.bias = (moved_bias or moved)(self.bias, rate, self.bias_gradient)

    return Linear


class InPlaceLinear(linear()):
    def step(self, rate):
        self.weights -= rate * self.weights_gradient
        self.bias -= rate * self.bias_gradient


class TorchLinear(linear()):
    def backward(self, g):
        leaves = [torch.tensor(one, requires_grad=True) for one in (self.x, self.weights)]
        (leaves[0] @ leaves[1]).backward(torch.tensor(g))
        self.weights_gradient = leaves[1].grad.numpy()
        self.bias_gradient = torch.tensor(g).sum(0).numpy()
        return leaves[0].grad


class StepWithin(linear()):
    def backward(self, g):
        super().backward(g)
        self.weights = self.weights - 0.5 * self.weights_gradient
        self.bias = self.bias - 0.5 * self.bias_gradient
        return g @ self.weights.T


class Piling(linear()):
    weights_gradient = 0
    bias_gradient = 0

    def backward(self, g):
        self.weights_gradient = self.weights_gradient + self.x.T @ g
        self.bias_gradient = self.bias_gradient + g.sum(0)
        return g @ self.weights.T


def activation(value, slope):
    """``slope(x, y, g)``: what backward returns, from the input, the output and the gradient."""

    class Activation(units.Unit):
        def forward(self, x):
            self.x = x
            self.y = value(x)
            return self.y

        def backward(self, g):
            return slope(self.x, self.y, g)

    return Activation


def torch_activation(function):
    class Activation:
        def forward(self, x):
            self.x = torch.tensor(x, requires_grad=True)
            self.y = function(self.x)
            return self.y.detach().numpy()

        def backward(self, g):
            self.y.backward(torch.tensor(g))
            return self.x.grad.numpy()

    return Activation


def logistic(x):
    return 1 / (1 + np.exp(-x))


def hinge(x):
    return x * (x > 0)


def entropy_class(
    change=lambda gradient, p, truth: gradient / len(p), cost=lambda costs: costs.mean()
):
    class CrossEntropy:
        def forward(self, scores, labels):
            exps = np.exp(scores - np.max(scores, axis=1, keepdims=True))
            self.p = exps / np.sum(exps, axis=1, keepdims=True)
            self.labels = labels
            rows = range(len(labels))
            logs = scores - np.max(scores, axis=1, keepdims=True)
            logs = logs - np.log(exps.sum(axis=1, keepdims=True))
            return cost(-logs[rows, labels])

        def backward(self):
            truth = np.zeros_like(self.p)
            truth[range(len(self.labels)), self.labels] = 1
            return change(self.p - truth, self.p, truth)

    return CrossEntropy


class TorchCrossEntropy:
    def forward(self, scores, labels):
        self.scores = torch.tensor(scores, requires_grad=True)
        self.cost = F.cross_entropy(self.scores, torch.tensor(labels))
        return self.cost.item()

    def backward(self):
        self.cost.backward()
        return self.scores.grad


class CostOfAllClasses(entropy_class()):
    def forward(self, scores, labels):
        super().forward(scores, labels)
        return -torch.tensor(scores).log_softmax(1).mean().item()


class NoLogarithm(entropy_class()):
    def forward(self, scores, labels):
        super().forward(scores, labels)
        shifted = scores - scores.max(axis=1, keepdims=True)
        sums = np.exp(shifted).sum(axis=1, keepdims=True)
        return -(shifted / sums)[np.arange(len(labels)), labels].mean()


class SoftmaxOfColumns(entropy_class()):
    def forward(self, scores, labels):
        exps = np.exp(scores - scores.max())
        self.p, self.labels = exps / exps.sum(axis=0), labels
        return -np.log(self.p[range(len(labels)), labels]).mean()


class SoftmaxOfAll(entropy_class()):
    def forward(self, scores, labels):
        exps = np.exp(scores - scores.max())
        self.p, self.labels = exps / exps.sum(), labels
        return -np.log(self.p[range(len(labels)), labels]).mean()


class LoopNetwork:
    def __init__(self, units, cost):
        self.units = units
        self.cost = cost

    def forward(self, x):
        for k in range(len(self.units)):
            x = self.units[k].forward(x)
        return x

    def backward(self, g):
        for k in range(len(self.units) - 1, -1, -1):
            g = self.units[k].backward(g)
        return g

    def step(self, rate):
        for unit in self.units:
            unit.step(rate)

    def learn(self, x, labels, rate):
        value = self.cost.forward(self.forward(x), labels)
        self.backward(self.cost.backward())
        self.step(rate)
        return value


class FirstToLast(LoopNetwork):
    def backward(self, g):
        for unit in self.units:
            g = unit.backward(g)
        return g


class SameGradient(LoopNetwork):
    def backward(self, g):
        for unit in reversed(self.units):
            result = unit.backward(g)
        return result


class StepFirst(LoopNetwork):
    def learn(self, x, labels, rate):
        value = self.cost.forward(self.forward(x), labels)
        self.step(rate)
        self.backward(self.cost.backward())
        return value


class NoStep(LoopNetwork):
    def learn(self, x, labels, rate):
        value = self.cost.forward(self.forward(x), labels)
        self.backward(self.cost.backward())
        return value


class LastOnly(LoopNetwork):
    def learn(self, x, labels, rate):
        value = self.cost.forward(self.forward(x), labels)
        self.backward(self.cost.backward())
        self.units[-1].step(rate)
        return value


class ThreeUnits(LoopNetwork):
    def backward(self, g):
        for k in (2, 1, 0):
            g = self.units[k].backward(g)
        return g


class CostAfter(LoopNetwork):
    def learn(self, x, labels, rate):
        super().learn(x, labels, rate)
        return self.cost.forward(self.forward(x), labels)


class Uphill(LoopNetwork):
    def learn(self, x, labels, rate):
        return super().learn(x, labels, -rate)


# Layers of images


def pool_backward(maps, gradient, size, better=lambda value, best: value > best, keep="one"):
    passed = np.zeros_like(maps)
    for n, c, i, j in np.ndindex(gradient.shape):
        places = [(i * size + a, j * size + b) for a in range(size) for b in range(size)]
        chosen = places[0]
        for place in places:
            if better(maps[n, c][place], maps[n, c][chosen]):
                chosen = place
        ties = [place for place in places if maps[n, c][place] == maps[n, c][chosen]]
        kept = {"one": [chosen], "ties": ties, "share": ties, "all": places, "mean": places}[keep]
        for place in kept:
            share = len(kept) if keep in ("share", "mean") else 1
            passed[n, c][place] += gradient[n, c, i, j] / share
    return passed


def pool_times_value(maps, gradient, size):
    passed = pool_backward(maps, gradient, size)
    return passed * maps


def pool_corner(maps, gradient, size):
    passed = np.zeros_like(maps)
    rows, columns = gradient.shape[2:]
    passed[:, :, : rows * size : size, : columns * size : size] = gradient
    return passed


def torch_pool(maps, gradient, size):
    leaf = torch.tensor(maps, requires_grad=True)
    F.max_pool2d(leaf, size).backward(torch.tensor(gradient))
    return leaf.grad


def weights_loop(images, gradient):
    filters, rows, columns = gradient.shape[1:]
    channels, height, _ = images.shape[1:]
    kernel = height - rows + 1
    total = np.zeros((filters, channels, kernel, kernel))
    for f, c, a, b in np.ndindex(total.shape):
        seen = images[:, c, a : a + rows, b : b + columns]
        total[f, c, a, b] = (seen * gradient[:, f]).sum()
    return total


def weights_torch(images, gradient):
    kernel = images.shape[2] - gradient.shape[2] + 1
    conv = nn.Conv2d(images.shape[1], gradient.shape[1], kernel, bias=False, dtype=torch.float64)
    conv(torch.tensor(images)).backward(torch.tensor(gradient))
    return conv.weight.grad


def weights_overwritten(images, gradient):
    for image, one in zip(images, gradient, strict=True):
        total = weights_loop(image[None], one[None])
    return total


def weights_first_place(images, gradient):
    kernel = images.shape[2] - gradient.shape[2] + 1
    return np.einsum("nf,ncab->fcab", gradient[:, :, 0, 0], images[:, :, :kernel, :kernel])


def weights_of_all_channels(images, gradient):
    return weights_loop(images.sum(1)[:, None].repeat(images.shape[1], 1), gradient)


def images_loop(weights, gradient, add=True, mirror=False):
    weights = weights[:, :, ::-1, ::-1] if mirror else weights
    kernel, (count, _, rows, columns) = weights.shape[2], gradient.shape
    total = np.zeros((count, weights.shape[1], rows + kernel - 1, columns + kernel - 1))
    for i in range(rows):
        for j in range(columns):
            share = np.einsum("nf,fcab->ncab", gradient[:, :, i, j], weights)
            if add:
                total[:, :, i : i + kernel, j : j + kernel] += share
            else:
                total[:, :, i : i + kernel, j : j + kernel] = share
    return total


def images_overwritten(weights, gradient):
    kernel, (rows, columns) = weights.shape[-1], gradient.shape[2:]
    passed = images_loop(weights, gradient) * 0
    for a in range(kernel):
        for b in range(kernel):
            share = np.tensordot(gradient, weights[:, :, a, b], (1, 0)).transpose(0, 3, 1, 2)
            passed[:, :, a : a + rows, b : b + columns] = share
    return passed


def images_torch(weights, gradient):
    return F.conv_transpose2d(torch.tensor(gradient), torch.tensor(weights))


def images_cropped(weights, gradient):
    edge = weights.shape[2] - 1
    whole = images_loop(weights, gradient)
    if min(gradient.shape[2:]) <= edge:
        return np.zeros((*whole.shape[:2], 0, 0))
    return whole[:, :, edge:-edge, edge:-edge]


def scaled(draws, dim, numerator=2):
    return draws * math.sqrt(numerator / dim)


def weights_of_a_unit(draws):
    return int(np.prod(draws.shape)) // draws.shape[0]


# Scalars


def value(slopes=lambda a, b: [(a, b.data), (b, a.data)], start=1.0, backwards=True, **changes):
    combine = changes.get("combine", lambda old, slope, gradient: old + slope * gradient)

    class Value(scalars.Scalar):
        def __mul__(self, other):
            other = self.wrap(other)
            return type(self)(self.data * other.data, slopes(self, other), "*")

        def backward(self):
            self.grad = start
            for one in list(reversed(self.order())) if backwards else self.order():
                for source, slope in one.edges:
                    source.grad = combine(source.grad, slope, one.grad)

    return Value


class OwnGradient(value()):
    def backward(self):
        self.grad = 1.0
        for one in reversed(self.order()):
            for source, slope in one.edges:
                source.grad += slope * source.grad


class Recursive(value()):
    def backward(self):
        self.grad = 1.0
        self.down()

    def down(self):
        for source, slope in self.edges:
            source.grad += slope * self.grad
            source.down()


class Paths(value()):
    """Right: each path from the result brings its own product."""

    def backward(self, product=1.0):
        self.grad += product
        for source, slope in self.edges:
            source.backward(product * slope)


ANSWERS = {
    "neuron": Answers(
        right=[signs, lambda X, w, b: 2 * ((X * w).sum(axis=1) >= -b) - 1],
        wrong={
            "no-bias": lambda X, w, b: signs(X, w, 0),
            "bias-sign": lambda X, w, b: signs(X, w, -b),
            "raw": lambda X, w, b: np.dot(X, w) + b,
            "zero-one": lambda X, w, b: signs(X, w, b, low=0),
            "zero": lambda X, w, b: np.sign(np.dot(X, w) + b),
            "strict": lambda X, w, b: signs(X, w, b, strict=True),
            "reversed": lambda X, w, b: [-one for one in signs(X, w, b)],
            "scalar": lambda X, w, b: 1 if np.sum(X @ w + b) >= 0 else -1,
        },
    ),
    "log_loss": Answers(
        right=[stable, torch_log_loss],
        wrong={
            "sum": lambda logits, labels: stable(logits, labels) * len(labels),
            "reversed": lambda logits, labels: stable(-logits, labels),
            "negative": lambda logits, labels: -stable(logits, labels),
            "ones-only": lambda logits, labels: np.mean(np.logaddexp(0, -logits) * (labels == 1)),
            "labels-ignored": lambda logits, labels: np.logaddexp(0, logits).mean(),
            "base-2": lambda logits, labels: np.logaddexp2(
                0, np.where(labels == 1, -logits, logits) / np.log(2)
            ).mean(),
            "nan-erased": nan_erased,
            "clipped": bounded,
        },
    ),
    "parameters_221": Answers(
        right=[2 * 3 + 1 * 3, 9.0],
        wrong={
            "no-bias": 2 * 2 + 2 * 1,
            "units": 2 + 2 + 1,
            "last-bias": 8,
            "one-bias": 6 + 1,
            "inputs-bias": 9 + 2,
            "cost": 10,
        },
    ),
    "count_parameters": Answers(
        right=[
            weights_and_biases,
            lambda sizes: sum(
                one.numel() for a, b in pairwise(sizes) for one in nn.Linear(a, b).parameters()
            ),
        ],
        wrong={
            "no-bias": weights_only,
            "bias-per-input": lambda sizes: weights_only(sizes) + sum(sizes) - sizes[-1],
            "input-bias": lambda sizes: weights_only(sizes) + sum(sizes),
            "one-bias-a-layer": lambda sizes: weights_only(sizes) + len(sizes[1:]),
            "first-layer": lambda sizes: weights_and_biases(sizes[:2]),
            "last-layer": lambda sizes: (sizes[-2] + 1) * sizes[-1],
            "product": lambda sizes: math.prod(sizes),
        },
    ),
    "cost_by_output": Answers(
        right=[
            lambda z2, y: -y / z2 + (1 - y) / (1 - z2),
            lambda z2, y: autograd(entropy, z2, y),
        ],
        wrong={
            "sign": lambda z2, y: y / z2 - (1 - y) / (1 - z2),
            "logit": lambda z2, y: z2 - y,
            "ones-only": lambda z2, y: -y / z2,
            "inner-sign": lambda z2, y: -(y / z2 + (1 - y) / (1 - z2)),
            "cost": lambda z2, y: -(y * math.log(z2) + (1 - y) * math.log(1 - z2)),
            "multiplied": lambda z2, y: (z2 - y) * (z2 - z2**2),
        },
    ),
    "cost_by_weight": Answers(
        right=[
            lambda z1, z2, y: (-y / z2 + (1 - y) / (1 - z2)) * z2 * (1 - z2) * z1,
            by_weight_autograd,
        ],
        wrong={
            "sign": lambda z1, z2, y: z1 * y - z1 * z2,
            "no-slope": lambda z1, z2, y: (-y / z2 + (1 - y) / (1 - z2)) * z1,
            "no-cost": lambda z1, z2, y: z1 * z2 * (1 - z2),
            "no-input": lambda z1, z2, y: z2 - y,
            "plus": lambda z1, z2, y: (-y / z2 + (1 - y) / (1 - z2)) * z2 * (1 + z2) * z1,
            "slope-twice": lambda z1, z2, y: (z2 - y) * z2 * (1 - z2) * z1,
            "hidden-slope": lambda z1, z2, y: (z2 - y) * (z1 - z1**2),
            "sum": lambda z1, z2, y: z2 - y + z1,
        },
    ),
    "output_by_hidden": Answers(
        right=[
            lambda z2, w2: w2 * (z2 - z2**2),
            lambda z2, w2: autograd(lambda z1: torch.sigmoid(logit(z2) + w2 * z1), 0.0),
        ],
        wrong={
            "no-slope": lambda z2, w2: w2,
            "no-weight": lambda z2, w2: z2 - z2 * z2,
            "plus": lambda z2, w2: w2 * z2 + w2 * z2**2,
            "one-minus": lambda z2, w2: w2 - w2 * z2,
            "tanh": lambda z2, w2: w2 * (1 - z2) * (1 + z2),
            "sum": lambda z2, w2: z2 - z2 * z2 + w2,
        },
    ),
    "cost_by_first_weight": Answers(
        right=[
            lambda x, z1, z2, w2, y: (
                (-y / z2 + (1 - y) / (1 - z2)) * z2 * (1 - z2) * w2 * z1 * (1 - z1) * x
            ),
            by_first_weight_autograd,
        ],
        wrong={
            "sign": lambda x, z1, z2, w2, y: (y - z2) * w2 * z1 * (1 - z1) * x,
            "no-hidden-slope": lambda x, z1, z2, w2, y: x * w2 * (z2 - y),
            "no-weight": lambda x, z1, z2, w2, y: x * (z1 - z1**2) * (z2 - y),
            "no-input": lambda x, z1, z2, w2, y: w2 * (z1 - z1**2) * (z2 - y),
            "no-slope": lambda x, z1, z2, w2, y: (
                (-y / z2 + (1 - y) / (1 - z2)) * w2 * z1 * (1 - z1) * x
            ),
            "slope-twice": lambda x, z1, z2, w2, y: (z2 - y) * (z2 - z2**2) * w2 * (z1 - z1**2) * x,
            "no-cost": lambda x, z1, z2, w2, y: (z2 - z2**2) * w2 * (z1 - z1**2) * x,
            "plus": lambda x, z1, z2, w2, y: (z2 - y) * w2 * (z1 + z1**2) * x,
            "hidden-for-input": lambda x, z1, z2, w2, y: (z2 - y) * w2 * z1**2 * (1 - z1),
        },
    ),
    "linear": Answers(
        right=[units.Linear, InPlaceLinear, TorchLinear],
        wrong={
            "no-bias": linear(outputs=lambda x, w, b: x @ w),
            "one-bias": linear(outputs=lambda x, w, b: x @ w + b[0]),
            "bias-subtracted": linear(outputs=lambda x, w, b: x @ w - b),
            "step-within": StepWithin,
            "untransposed": linear(passed=lambda g, w: g @ w),
            "inputs-untransposed": linear(by_weights=lambda x, g: x @ g),
            "weights-transposed": linear(by_weights=lambda x, g: g.T @ x),
            "weights-mean": linear(by_weights=lambda x, g: x.T @ g / len(x)),
            "bias-not-summed": linear(by_bias=lambda g: g),
            "bias-axis-kept": linear(by_bias=lambda g: g.sum(axis=0, keepdims=True)),
            "bias-mean": linear(by_bias=lambda g: np.mean(g, axis=0)),
            "bias-all-summed": linear(by_bias=lambda g: np.sum(g)),
            "bias-of-examples": linear(by_bias=lambda g: g.sum(1)),
            "uphill": linear(moved=lambda old, rate, gradient: old + rate * gradient),
            "no-rate": linear(moved=lambda old, rate, gradient: old - gradient),
            "own-rate": linear(moved=lambda old, rate, gradient: old - 0.5 * gradient),
            "still": linear(moved=lambda old, rate, gradient: old),
            "bias-still": linear(moved_bias=lambda old, rate, gradient: old),
            "replaced": linear(moved=lambda old, rate, gradient: -rate * gradient),
            "piling": Piling,
        },
    ),
    "sigmoid": Answers(
        right=[
            units.Sigmoid,
            torch_activation(torch.sigmoid),
            activation(logistic, lambda x, y, g: g * (y - y**2)),
        ],
        wrong={
            "plus": activation(logistic, lambda x, y, g: g * (y + y**2)),
            "slope-of-input": activation(logistic, lambda x, y, g: g * (x - x**2)),
            "slope-alone": activation(logistic, lambda x, y, g: y - y**2),
            "no-slope": activation(logistic, lambda x, y, g: g),
            "one-factor": activation(logistic, lambda x, y, g: g - g * y),
            "reversed": activation(lambda x: 1 / (1 + np.exp(x)), lambda x, y, g: g * (y - y**2)),
        },
    ),
    "tanh": Answers(
        right=[
            units.Tanh,
            torch_activation(torch.tanh),
            activation(np.tanh, lambda x, y, g: g / np.cosh(x) ** 2),
        ],
        wrong={
            "no-square": activation(np.tanh, lambda x, y, g: g - g * y),
            "sigmoid": activation(np.tanh, lambda x, y, g: g * (y - y**2)),
            "plus": activation(np.tanh, lambda x, y, g: g + g * y**2),
            "slope-of-input": activation(np.tanh, lambda x, y, g: g * (1 - x**2)),
            "slope-alone": activation(np.tanh, lambda x, y, g: 1 - y**2),
            "no-slope": activation(np.tanh, lambda x, y, g: g),
        },
    ),
    "relu": Answers(
        right=[
            units.ReLU,
            torch_activation(torch.relu),
            activation(hinge, lambda x, y, g: g * (y > 0)),
        ],
        wrong={
            "zero": activation(hinge, lambda x, y, g: g * (x >= 0)),
            "by-gradient": activation(hinge, lambda x, y, g: np.maximum(g, 0)),
            "no-slope": activation(hinge, lambda x, y, g: g),
            "slope-alone": activation(hinge, lambda x, y, g: np.where(x > 0, 1, 0)),
            "times-output": activation(hinge, lambda x, y, g: y * g),
            "reversed": activation(hinge, lambda x, y, g: g * (x < 0)),
            "absolute": activation(abs, lambda x, y, g: g * (x > 0)),
        },
    ),
    "cross_entropy": Answers(
        right=[units.CrossEntropy, entropy_class(), TorchCrossEntropy],
        wrong={
            "sum": entropy_class(cost=sum),
            "all-classes": CostOfAllClasses,
            "no-logarithm": NoLogarithm,
            "negative": entropy_class(cost=lambda costs: -costs.mean()),
            "columns": SoftmaxOfColumns,
            "one-for-all": SoftmaxOfAll,
            "no-one-hot": entropy_class(lambda gradient, p, truth: p / len(p)),
            "number-removed": entropy_class(
                lambda gradient, p, truth: (p - truth.argmax(axis=1)[:, None]) / len(p)
            ),
            "no-mean": entropy_class(lambda gradient, p, truth: gradient),
            "mean-of-all": entropy_class(lambda gradient, p, truth: gradient / p.size),
            "only-truth": entropy_class(lambda gradient, p, truth: truth * gradient / len(p)),
            "reversed": entropy_class(lambda gradient, p, truth: (truth - p) / len(p)),
            "by-probability": entropy_class(lambda gradient, p, truth: -truth / p / len(p)),
        },
    ),
    "network": Answers(
        right=[networks.Network, LoopNetwork],
        wrong={
            "first-to-last": FirstToLast,
            "same-gradient": SameGradient,
            "step-first": StepFirst,
            "no-step": NoStep,
            "last-only": LastOnly,
            "three-units": ThreeUnits,
            "cost-after": CostAfter,
            "uphill": Uphill,
        },
    ),
    "gradient_by_maps": Answers(
        right=[pool_backward, torch_pool, layers.gradient_by_maps],
        wrong={
            "everywhere": lambda *inputs: pool_backward(*inputs, keep="all"),
            "average": lambda *inputs: pool_backward(*inputs, keep="mean"),
            "all-ties": lambda *inputs: pool_backward(*inputs, keep="ties"),
            "shared": lambda *inputs: pool_backward(*inputs, keep="share"),
            "last-tie": lambda *inputs: pool_backward(*inputs, better=lambda a, b: a >= b),
            "times-maximum": pool_times_value,
            "corner": pool_corner,
            "smallest": lambda *inputs: pool_backward(*inputs, better=lambda a, b: a < b),
        },
    ),
    "gradient_by_weights": Answers(
        right=[weights_loop, weights_torch],
        wrong={
            "mirror": lambda images, gradient: np.rot90(weights_loop(images, gradient), 2, (2, 3)),
            "transposed": lambda images, gradient: weights_loop(images, gradient).transpose(
                0, 1, 3, 2
            ),
            "one-place": weights_first_place,
            "mean": lambda images, gradient: weights_loop(images, gradient) / len(images),
            "mean-of-places": lambda images, gradient: (
                weights_loop(images, gradient) / np.prod(gradient.shape[2:])
            ),
            "first-image": lambda images, gradient: weights_loop(images[:1], gradient[:1]),
            "last-image": weights_overwritten,
            "channels-first": lambda images, gradient: weights_loop(images, gradient).transpose(
                1, 0, 2, 3
            ),
            "all-channels": weights_of_all_channels,
        },
    ),
    "gradient_by_bias": Answers(
        right=[
            lambda gradient: gradient.sum(axis=(0, 2, 3)),
            lambda gradient: [gradient[:, f].sum() for f in range(gradient.shape[1])],
        ],
        wrong={
            "not-summed": lambda gradient: gradient,
            "by-place": lambda gradient: np.sum(gradient, axis=0),
            "by-image": lambda gradient: gradient.sum(3).sum(2),
            "all": np.sum,
            "mean": lambda gradient: gradient.mean(0).sum((1, 2)),
            "mean-of-all": lambda gradient: gradient.mean(axis=(0, 2, 3)),
            "wrong-axis": lambda gradient: [one.sum() for one in gradient],
        },
    ),
    "gradient_by_images": Answers(
        right=[images_loop, images_torch],
        wrong={
            "mirror": lambda *inputs: images_loop(*inputs, mirror=True),
            "overwritten": lambda *inputs: images_loop(*inputs, add=False),
            "overwritten-by-weight": images_overwritten,
            "transposed": lambda weights, gradient: images_loop(
                weights.transpose(0, 1, 3, 2), gradient
            ),
            "negative": lambda weights, gradient: -images_loop(weights, gradient),
            "first-filter": lambda weights, gradient: images_loop(weights[:1], gradient[:, :1]),
            "mean": lambda weights, gradient: images_loop(weights, gradient) / len(gradient),
            "all-images": lambda weights, gradient: (
                images_loop(weights, gradient).sum(0)[None].repeat(len(gradient), 0)
            ),
            "all-channels": lambda weights, gradient: (
                images_loop(weights, gradient).sum(1)[:, None].repeat(weights.shape[1], 1)
            ),
            "cropped": images_cropped,
        },
    ),
    "initialise": Answers(
        right=[
            lambda draws: scaled(draws, weights_of_a_unit(draws)),
            lambda draws: draws / np.sqrt(draws[0].size / 2),
        ],
        wrong={
            "all-weights": lambda draws: scaled(draws, draws.size),
            "units": lambda draws: scaled(draws, len(draws)),
            "depth-forgotten": lambda draws: scaled(
                draws, draws.shape[2] ** 2 if draws.ndim == 4 else draws.shape[1]
            ),
            "channels-only": lambda draws: scaled(draws, len(draws[0])),
            "no-root": lambda draws: draws * 2 / weights_of_a_unit(draws),
            "no-two": lambda draws: scaled(draws, weights_of_a_unit(draws), 1),
            "divided": lambda draws: draws * math.sqrt(weights_of_a_unit(draws) / 2),
            "kept": lambda draws: 1 * draws,
        },
    ),
    "engine": Answers(
        right=[scalars.Value, value(), Paths],
        wrong={
            "own-data": value(lambda a, b: [(a, a.data), (b, b.data)]),
            "ones": value(lambda a, b: [(a, 1), (b, 1)]),
            "one-side": value(lambda a, b: [(a, b.data)]),
            "no-start": value(start=0.0),
            "nothing-passed": OwnGradient,
            "forwards": value(backwards=False),
            "local": value(combine=lambda old, slope, gradient: old + slope),
            "overwritten": value(combine=lambda old, slope, gradient: slope * gradient),
            "recursive": Recursive,
        },
    ),
}
