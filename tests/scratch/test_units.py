"""The units against autograd (float64, 1e-10) and against numerical gradients (1e-6)."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from tp_cnn.scratch import layers, perceptron, units
from tp_cnn.scratch.network import Network, dense, numerical_gradient, train
from tp_cnn.scratch.scalars import Value

small = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)
AUTOGRAD, NUMERICAL = 1e-10, 1e-6


def assert_close(ours, theirs, tolerance=AUTOGRAD):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


def tensors(*arrays):
    return [torch.tensor(array, requires_grad=True) for array in arrays]


def compare(unit, function, inputs, rng, parameters=()):
    """Outputs, and the derivatives by the inputs and by ``parameters``, against autograd."""
    tensor, *others = tensors(inputs, *(getattr(unit, name) for name in parameters))
    wanted = function(tensor, *others)
    outputs = unit.forward(inputs)
    assert_close(outputs, wanted.detach())
    gradient = rng.normal(size=outputs.shape)
    wanted.backward(torch.tensor(gradient))
    assert_close(unit.backward(gradient), tensor.grad)
    for name, other in zip(parameters, others, strict=True):
        assert_close(getattr(unit, f"{name}_gradient"), other.grad)
    before = [getattr(unit, name) for name in parameters]
    unit.step(0.1)
    for name, old, other in zip(parameters, before, others, strict=True):
        assert_close(getattr(unit, name), old - 0.1 * other.grad.numpy())
    return gradient


def with_ties(rng, shape):
    """Whole numbers between -1 and 1: zeros, and windows with several largest values."""
    return rng.integers(-1, 2, shape).astype(float)


@given(st.integers(1, 5), small, small, seeds)
@settings(max_examples=40, deadline=None)
def test_linear(count, inputs, outputs, seed):
    rng = np.random.default_rng(seed)
    unit = units.Linear(rng.normal(size=(inputs, outputs)), rng.normal(size=outputs))
    examples = rng.normal(size=(count, inputs))
    compare(unit, lambda x, w, b: x @ w + b, examples, rng, ["weights", "bias"])


@pytest.mark.parametrize(
    ("unit", "function"),
    [(units.Sigmoid, torch.sigmoid), (units.Tanh, torch.tanh), (units.ReLU, torch.relu)],
)
@given(shape=st.lists(small, min_size=1, max_size=4), ties=st.booleans(), seed=seeds)
@settings(max_examples=25, deadline=None)
def test_activations(unit, function, shape, ties, seed):
    rng = np.random.default_rng(seed)
    inputs = with_ties(rng, shape) if ties else 3 * rng.normal(size=shape)
    compare(unit(), function, inputs, rng)


@given(st.integers(1, 6), st.integers(2, 5), st.sampled_from([1.0, 1000.0]), seeds)
@settings(max_examples=40, deadline=None)
def test_cross_entropy(count, classes, scale, seed):
    rng = np.random.default_rng(seed)
    scores, labels = scale * rng.normal(size=(count, classes)), rng.integers(classes, size=count)
    (tensor,) = tensors(scores)
    wanted = F.cross_entropy(tensor, torch.tensor(labels))
    wanted.backward()
    cost = units.CrossEntropy()
    assert_close(cost.forward(scores, labels), wanted.item(), 1e-9)
    assert_close(cost.backward(), tensor.grad)


@given(st.integers(1, 6), st.sampled_from([1.0, 1000.0]), seeds)
@settings(max_examples=40, deadline=None)
def test_log_loss(count, scale, seed):
    rng = np.random.default_rng(seed)
    scores, labels = scale * rng.normal(size=(count, 1)), rng.integers(2, size=count)
    (tensor,) = tensors(scores)
    wanted = F.binary_cross_entropy_with_logits(tensor[:, 0], torch.tensor(labels).double())
    wanted.backward()
    cost = units.LogLoss()
    assert_close(cost.forward(scores, labels), wanted.item(), 1e-9)
    assert_close(cost.backward(), tensor.grad)


@st.composite
def images(draw, largest_kernel=3):
    """Random sizes, odd ones too: (examples, channels, rows, columns), a kernel, a stride."""
    kernel, stride = draw(st.integers(1, largest_kernel)), draw(st.integers(1, 3))
    rows, columns = (draw(st.integers(kernel, kernel + 5)) for _ in range(2))
    return (draw(small), draw(small), rows, columns), kernel, stride


@given(images(), small, st.integers(0, 2), seeds)
@settings(max_examples=60, deadline=None)
def test_convolution(problem, filters, padding, seed):
    shape, kernel, stride = problem
    rng = np.random.default_rng(seed)
    width = int(rng.integers(1, kernel + 1))  # kernels need not be square
    weights = rng.normal(size=(filters, shape[1], kernel, width))
    unit = layers.Conv2d(weights, rng.normal(size=filters), stride, padding)

    def function(x, w, b):
        return F.conv2d(x, w, b, stride, padding)

    compare(unit, function, rng.normal(size=shape), rng, ["weights", "bias"])


def test_gradients_of_a_convolution_guess_the_sizes_of_stride_1():
    rng = np.random.default_rng(0)
    pixels, weights = rng.normal(size=(2, 3, 5, 7)), rng.normal(size=(4, 3, 2, 3))
    unit = layers.Conv2d(weights, np.zeros(4))
    gradient = rng.normal(size=unit.forward(pixels).shape)
    passed = unit.backward(gradient)
    assert_close(layers.gradient_by_weights(pixels, gradient), unit.weights_gradient)
    assert_close(layers.gradient_by_images(weights, gradient), passed)


@given(images(), st.booleans(), seeds)
@settings(max_examples=60, deadline=None)
def test_max_pooling(problem, ties, seed):
    shape, kernel, stride = problem
    rng = np.random.default_rng(seed)
    maps = with_ties(rng, shape) if ties else rng.normal(size=shape)
    compare(layers.MaxPool2d(kernel, stride), lambda x: F.max_pool2d(x, kernel, stride), maps, rng)
    unit = layers.MaxPool2d(kernel)
    gradient = compare(unit, lambda x: F.max_pool2d(x, kernel), maps, rng)
    assert_close(layers.gradient_by_maps(maps, gradient, kernel), unit.backward(gradient))


@given(images(), seeds)
@settings(max_examples=20, deadline=None)
def test_flatten(problem, seed):
    rng = np.random.default_rng(seed)
    compare(layers.Flatten(), torch.nn.Flatten(), rng.normal(size=problem[0]), rng)


def small_cnn(rng):
    units_in_a_row = [
        layers.Conv2d(rng.normal(size=(3, 2, 3, 3)), rng.normal(size=3), padding=1),
        units.Tanh(),
        layers.MaxPool2d(2),
        layers.Conv2d(rng.normal(size=(2, 3, 2, 2)), rng.normal(size=2)),
        units.ReLU(),
        layers.Flatten(),
        units.Linear(rng.normal(size=(8, 5)), rng.normal(size=5)),
        units.Sigmoid(),
        units.Linear(rng.normal(size=(5, 3)), rng.normal(size=3)),
    ]
    return Network(units_in_a_row, units.CrossEntropy())


@pytest.mark.parametrize("seed", [0, 1, 2])  # another one might meet a kink of ReLU
def test_a_whole_network_against_numerical_gradients(seed):
    rng = np.random.default_rng(seed)
    network = small_cnn(rng)
    cost = network.cost
    pictures, labels = rng.normal(size=(2, 2, 6, 7)), rng.integers(3, size=2)
    cost.forward(network.forward(pictures), labels)
    passed = network.backward(cost.backward())

    def by_pictures(values):
        return cost.forward(network.forward(values), labels)

    assert_close(passed, numerical_gradient(by_pictures, pictures), NUMERICAL)
    for unit in (one for one in network.units if hasattr(one, "weights")):
        for name in ("weights", "bias"):
            right = getattr(unit, name)

            def by_parameter(values, unit=unit, name=name):
                setattr(unit, name, values)
                return cost.forward(network.forward(pictures), labels)

            found = numerical_gradient(by_parameter, right)
            setattr(unit, name, right)
            assert_close(getattr(unit, f"{name}_gradient"), found, NUMERICAL)


def test_training_learns_the_exclusive_or():
    inputs, labels = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    rng = np.random.default_rng(0)
    network = Network(dense((2, 8, 1), lambda shape: rng.normal(size=shape)), units.LogLoss())
    costs = train(network, inputs, labels, rate=1.0, epochs=300)
    assert len(costs) == 300
    assert costs[-1] < 0.1 < costs[0]
    assert ((network.forward(inputs)[:, 0] > 0) == labels).all()


def test_an_epoch_of_batches_sees_each_example_once():
    class Spy(units.Unit):
        def __init__(self):
            self.seen = []

        def forward(self, inputs):
            self.seen += inputs[:, 0].tolist()
            return inputs

        def backward(self, gradient):
            return gradient

    spy, inputs = Spy(), np.arange(7.0)[:, None]
    network = Network([spy], units.LogLoss())
    costs = train(network, inputs, np.zeros(7), rate=0.1, epochs=1, batch=3)
    assert sorted(spy.seen) == inputs[:, 0].tolist()
    assert spy.seen != inputs[:, 0].tolist()
    assert costs[0] == pytest.approx(units.log_loss(inputs[:, 0], np.zeros(7)))


@pytest.mark.parametrize("shape", [(6, 400), (4, 3, 5, 5)])
def test_initial_weights_keep_the_size_of_what_goes_through_relu(shape):
    rng = np.random.default_rng(0)
    weights = units.initialise(rng.normal(size=shape))
    assert weights.shape == shape
    assert weights.std() == pytest.approx(np.sqrt(2 / weights[0].size), rel=0.1)


@given(st.lists(st.floats(0.1, 3), min_size=3, max_size=3))
@settings(max_examples=30, deadline=None)
def test_scalars_against_autograd(numbers):
    def formula(a, b, c):
        shared = a * b + c.sigmoid()
        return (shared * shared - a.exp() * 0.1) * b.log() + 2 * c**3 + (1 - b)

    ours = [Value(number) for number in numbers]
    theirs = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in numbers]
    result, wanted = formula(*ours), formula(*theirs)
    result.backward()
    wanted.backward()
    assert result.data == pytest.approx(wanted.item())
    assert [one.grad for one in ours] == pytest.approx([one.grad.item() for one in theirs])


@given(st.integers(0, 1), seeds)
@settings(max_examples=30, deadline=None)
def test_the_derivatives_of_the_2_2_1_network(label, seed):
    rng = np.random.default_rng(seed)
    x, first, first_bias, second, bias = (
        torch.tensor(rng.normal(size=shape), requires_grad=True)
        for shape in [(2,), (2, 2), (2,), (2,), ()]
    )
    hidden = torch.sigmoid(x @ first + first_bias)
    output = torch.sigmoid(hidden @ second + bias)
    error = -label * output.log() - (1 - label) * (1 - output).log()
    by_output, by_second, by_first = torch.autograd.grad(
        error, [output, second, first], retain_graph=True
    )
    (by_hidden,) = torch.autograd.grad(output, [hidden])
    x1, z1, z2, w2 = x[0].item(), hidden[0].item(), output.item(), second[0].item()
    assert_close(perceptron.cross_entropy(z2, label), error.item())
    assert_close(perceptron.cost_by_output(z2, label), by_output.item(), 1e-8)
    assert_close(perceptron.cost_by_weight(z1, z2, label), by_second[0].item())
    assert_close(perceptron.output_by_hidden(z2, w2), by_hidden[0].item())
    assert_close(perceptron.cost_by_first_weight(x1, z1, z2, w2, label), by_first[0, 0].item())


def test_a_neuron_has_two_sides_and_a_border():
    points = np.array([[0.0, 0], [2, 0], [1, 0], [0, 3]])
    assert perceptron.neuron(points, np.array([1.0, 0]), -1.0).tolist() == [-1, 1, 1, -1]
