"""The formulas of tp_cnn.models.geometry against PyTorch, and the figures of the documents."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from tp_cnn.errors import CourseError
from tp_cnn.models import CifarNet, LeNet5
from tp_cnn.models.geometry import (
    Layer,
    ReceptiveField,
    conv_weights,
    dense_weights,
    layers_of,
    measured_receptive_field,
    output_size,
    receptive_field,
)

small = st.integers(1, 5)
conv_layers = st.builds(Layer, small, small, st.integers(0, 3), st.integers(1, 3), st.just(False))


def side_or_none(compute):
    """The side that PyTorch gives, or None where it refuses."""
    try:
        return compute().shape[-1]
    except RuntimeError:
        return None


def formula_or_none(size, layer):
    try:
        return output_size(size, *layer)
    except CourseError:
        return None


@given(st.integers(1, 30), conv_layers)
@settings(deadline=None)
def test_output_size_is_that_of_conv2d(size, layer):
    conv = nn.Conv2d(1, 1, layer.kernel, layer.stride, layer.padding, layer.dilation)
    expected = side_or_none(lambda: conv(torch.zeros(1, 1, size, size)))
    assert formula_or_none(size, layer) == expected


@given(st.integers(1, 30), small, small, st.integers(0, 2), st.integers(1, 3), st.booleans())
@settings(max_examples=300, deadline=None)
def test_output_size_is_that_of_max_pool2d(size, kernel, stride, padding, dilation, ceil_mode):
    assume(padding <= kernel // 2)  # PyTorch refuses more
    layer = Layer(kernel, stride, padding, dilation, ceil_mode)
    expected = side_or_none(lambda: F.max_pool2d(torch.zeros(1, 1, size, size), *layer))
    assert formula_or_none(size, layer) == expected


@given(st.integers(1, 30), small, small, st.integers(0, 2), st.booleans())
@settings(max_examples=300, deadline=None)
def test_output_size_is_that_of_avg_pool2d(size, kernel, stride, padding, ceil_mode):
    assume(padding <= kernel // 2)
    layer = Layer(kernel, stride, padding, ceil_mode=ceil_mode)
    image = torch.zeros(1, 1, size, size)
    expected = side_or_none(lambda: F.avg_pool2d(image, kernel, stride, padding, ceil_mode))
    assert formula_or_none(size, layer) == expected


def test_last_window_of_ceil_mode_starts_inside():
    # Without the rule the size would be 3: the third window would start at pixel 4 of 4.
    assert output_size(4, kernel=1, stride=2, padding=0, ceil_mode=True) == 2
    assert output_size(3, kernel=2, stride=2, padding=1, ceil_mode=True) == 2
    assert output_size(7, kernel=2, stride=2, ceil_mode=True) == 4  # 28×28 crops, question 22


def test_sizes_of_the_documents():
    assert output_size(25, 5) == 21
    assert output_size(32, 5) == 28
    assert output_size(25, 3, padding=2) == 27  # document 004 says 25: that is padding 1
    assert output_size(25, 3, padding=1) == 25


@pytest.mark.parametrize("values", [(0, 3), (5, 0), (5, 3, 0), (5, 3, 1, -1), (5, 3, 1, 0, 0)])
def test_output_size_refuses_values_out_of_range(values):
    with pytest.raises(CourseError, match="1 or more"):
        output_size(*values)


def test_output_size_says_what_does_not_fit():
    with pytest.raises(CourseError, match="window of 7 does not fit in 4"):
        output_size(4, 4, padding=1, dilation=2)


@given(st.integers(1, 6), st.integers(1, 6), conv_layers, st.booleans(), st.integers(13, 16))
@settings(max_examples=50, deadline=None)
def test_weights_are_those_of_pytorch(in_channels, out_channels, layer, bias, size):
    conv = nn.Conv2d(in_channels, out_channels, layer.kernel, bias=bias)
    count = sum(weights.numel() for weights in conv.parameters())
    assert conv_weights(in_channels, out_channels, layer.kernel, bias) == count

    conv = nn.Conv2d(in_channels, out_channels, *layer[:4], bias=bias, device="meta")
    images = torch.empty(1, in_channels, size, size + 3, device="meta")
    dense = nn.Linear(images.numel(), conv(images).numel(), bias=bias, device="meta")
    count = sum(weights.numel() for weights in dense.parameters())
    assert dense_weights(images.numel(), conv(images).numel(), bias) == count


def test_weights_of_document_004_with_their_depth():
    assert conv_weights(3, 1, 5) == 76
    assert dense_weights(25 * 25 * 3, 1) == 1876


def test_receptive_fields_of_question_7():
    assert receptive_field([]) == ReceptiveField(1, 1, 0)
    assert receptive_field([Layer(3)]).size == 3
    assert receptive_field([Layer(3)] * 2).size == 5
    assert receptive_field([Layer(3)] * 3).size == 7  # three 3×3 see as far as one 7×7
    lenet = [Layer(5, padding=2), Layer(2, 2), Layer(5), Layer(2, 2)]
    assert receptive_field(lenet) == ReceptiveField(16, 4, -2)


def test_window_moves_by_the_jump():
    field = ReceptiveField(size=6, jump=2, start=-2)
    assert field.window(0) == (-2, 3)
    assert field.window(5) == (8, 13)


@st.composite
def networks(draw):
    """A random chain of convolutions, poolings and activations whose jump stays small."""
    modules, channels = [], 1
    for _ in range(draw(st.integers(1, 4))):
        kernel, padding = draw(st.integers(1, 4)), draw(st.integers(0, 2))
        stride = draw(st.integers(1, 2))
        if draw(st.booleans()):
            dilation = draw(st.integers(1, 2))
            outputs = draw(st.integers(1, 3))
            conv = nn.Conv2d(channels, outputs, kernel, stride, padding, dilation)
            modules += [conv, nn.BatchNorm2d(outputs), nn.ReLU()]
            channels = outputs
        else:
            kind = draw(st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]))
            padding = min(padding, kernel // 2)
            modules.append(kind(kernel, stride, padding, ceil_mode=draw(st.booleans())))
    return nn.Sequential(*modules)


@given(networks())
@settings(max_examples=60, deadline=None)
def test_formula_agrees_with_the_gradient(network):
    formula = receptive_field(layers_of(network))
    side = 2 * formula.size + 12 * formula.jump
    measured = measured_receptive_field(network, (1, side, side))
    # A stride larger than the kernels leaves holes; the extent is the formula's all the same.
    assert measured == formula


@pytest.mark.parametrize(
    ("model", "shape", "expected"),
    [
        (LeNet5(), (1, 50, 50), ReceptiveField(16, 4, -2)),
        (CifarNet(batch_norm=True), (3, 96, 96), ReceptiveField(36, 8, -14)),
    ],
)
def test_receptive_field_of_the_networks_of_the_course(model, shape, expected):
    assert receptive_field(layers_of(model)) == expected
    assert measured_receptive_field(model.features, shape) == expected


def test_nothing_hides_a_pixel():
    """Zero weights, dead ReLUs, one winner by window, a pooling module used twice."""
    pool = nn.MaxPool2d(2)
    conv = nn.Conv2d(1, 1, 3)
    nn.init.zeros_(conv.weight)
    nn.init.constant_(conv.bias, -1)
    network = nn.Sequential(conv, nn.ReLU(), pool, nn.Dropout(0.9), nn.Conv2d(1, 1, 3), pool)
    before = {name: weights.clone() for name, weights in network.state_dict().items()}
    field = receptive_field(layers_of(network))
    assert measured_receptive_field(network, (1, 60, 60)) == field
    for name, weights in network.state_dict().items():
        assert torch.equal(weights, before[name])
    assert network.training
    assert weights.dtype == torch.float32


def test_residual_block_is_measured_although_it_has_no_formula():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 3, 3, padding=1)
            self.conv2 = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, maps):
            return F.relu(maps + self.conv2(F.relu(self.conv1(maps))))

    assert measured_receptive_field(Block(), (3, 20, 20)) == ReceptiveField(5, 1, -2)
    with pytest.raises(CourseError, match="Block: expected Conv2d"):
        layers_of(Block())


def test_measure_refuses_an_image_that_is_too_small():
    network = nn.Sequential(nn.Conv2d(1, 1, 5, padding=2), nn.Conv2d(1, 1, 5, padding=2))
    with pytest.raises(CourseError, match="take a larger one"):
        measured_receptive_field(network, (1, 9, 9))
    assert measured_receptive_field(network, (1, 12, 12)).size == 9
    with pytest.raises(CourseError, match="take a larger one"):
        measured_receptive_field(nn.Conv2d(1, 1, 9), (1, 9, 9))  # a single output: no next one


def test_measure_refuses_what_it_cannot():
    with pytest.raises(CourseError, match="dilation of a pooling"):
        measured_receptive_field(nn.MaxPool2d(2, dilation=2), (1, 20, 20))
    flat = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())
    with pytest.raises(CourseError, match=r"model\.features"):
        measured_receptive_field(flat, (1, 20, 20))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 8, (3, 3), padding="same", dilation=2), nn.Tanh()),
            nn.MaxPool2d(3, 2, padding=1, ceil_mode=True),
            nn.AvgPool2d(2),
            nn.Conv2d(8, 8, 4, padding="valid"),
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(8, 2))


def test_layers_of_a_model_are_those_of_its_features():
    assert layers_of(Model()) == [
        Layer(3, 1, 2, 2),
        Layer(3, 2, 1, ceil_mode=True),
        Layer(2, 2),
        Layer(4),
    ]


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Linear(3, 3), "Linear: expected Conv2d"),
        (nn.Sequential(nn.Conv2d(1, 1, 3), nn.AdaptiveAvgPool2d(1)), "AdaptiveAvgPool2d"),
        (nn.Conv2d(1, 1, (3, 5)), r"kernel_size=\(3, 5\)"),
        (nn.Conv2d(1, 1, 2, padding="same"), "one side more than the other"),
    ],
)
def test_layers_of_says_what_it_cannot_read(module, message):
    with pytest.raises(CourseError, match=message):
        layers_of(module)
