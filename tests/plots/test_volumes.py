"""Networks drawn as volumes, read from the networks themselves."""

import pytest
import torch
from torch import nn

from tests.plots.test_convolution import check_readable
from tp_cnn.errors import CourseError
from tp_cnn.models import CifarNet, LeNet5
from tp_cnn.plots.volumes import volumes


def lines(drawn):
    """What is written below the volumes, layers then shapes."""
    texts = [text.get_text() for text in drawn.axes[0].texts[:-1]]
    return texts[0::2], texts[1::2]


def vgg16():
    layers, channels = [], 3
    for repeats, filters in [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]:
        for _ in range(repeats):
            layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU()]
            channels = filters
        layers.append(nn.MaxPool2d(2))
    dense = [nn.Linear(25088, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers, nn.Flatten(), *dense)


def test_lenet_5_layer_by_layer():
    drawn = volumes(LeNet5(), (1, 28, 28), title="LeNet-5")
    layers, shapes = lines(drawn)
    convolutions = ["conv 5×5", "max 2×2"] * 2
    assert layers == ["image", *convolutions, "mise à plat", "dense", "dense", "dense"]
    assert shapes[:5] == ["1×28×28", "6×28×28", "6×14×14", "16×10×10", "16×5×5"]
    assert shapes[5:] == ["400", "120", "84", "10"]
    assert len(drawn.axes[0].patches) == 3 * len(shapes) + 4  # three faces; four sliding windows
    check_readable(drawn)


def test_what_changes_no_shape_is_left_out():
    plain, improved = CifarNet(), CifarNet(batch_norm=True, dropout=0.5)
    drawn = volumes(improved, (3, 32, 32))
    assert lines(drawn) == lines(volumes(plain, (3, 32, 32)))
    assert lines(drawn)[1][-4:] == ["64×4×4", "1 024", "1 000", "10"]
    check_readable(drawn)


def test_equal_convolutions_in_a_row_are_drawn_once():
    with torch.device("meta"):
        network = vgg16()
    drawn = volumes(network, (3, 224, 224))
    layers, shapes = lines(drawn)
    assert layers[1::2][:5] == [f"{times} × conv 3×3" for times in (2, 2, 3, 3, 3)]
    assert shapes[-5:] == ["512×7×7", "25 088", "4 096", "4 096", "1 000"]
    check_readable(drawn)


def test_a_stride_and_an_average_are_named():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.AvgPool2d(2), nn.Flatten())
    assert lines(volumes(network, (3, 11, 11)))[0] == [
        "image",
        "conv 3×3, stride 2",
        "moyenne 2×2",
        "mise à plat",
    ]


def test_a_network_that_refuses_the_image_says_where():
    with pytest.raises(CourseError, match="refused by"):
        volumes(LeNet5(), (1, 32, 32))
