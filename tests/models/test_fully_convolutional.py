"""A fully convolutional network against the network it comes from."""

import pytest
import torch
from torch import nn
from torchvision.models import vgg16
from torchvision.models.vgg import VGG

from tp_cnn.errors import CourseError
from tp_cnn.models import CifarNet, Dense, LeNet5
from tp_cnn.models.fully_convolutional import to_fully_convolutional


def narrow_vgg():
    """torchvision's VGG with its own forward and pooling to 7×7, but few channels."""
    with torch.device("meta"):  # the classifier replaced below has 120 million weights
        model = VGG(nn.Sequential())
    for channels in (3, 4, 4, 4, 4):
        model.features.extend([nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)])
    model.classifier = nn.Sequential(
        *(nn.Linear(4 * 7 * 7, 12), nn.ReLU(), nn.Dropout()),
        *(nn.Linear(12, 12), nn.ReLU(), nn.Dropout(), nn.Linear(12, 5)),
    )
    return model


MODELS = {
    "LeNet5": (LeNet5, (1, 28, 28), 4),
    "CifarNet": (lambda: CifarNet(batch_norm=True, dropout=0.5), (3, 32, 32), 8),
    "CifarNet, 28×28": (CifarNet, (3, 28, 28), 8),
    "VGG": (narrow_vgg, (3, 224, 224), 32),
}


@pytest.mark.parametrize("name", MODELS)
def test_same_outputs_at_the_nominal_size_and_a_map_beyond(name):
    build, (channels, height, width), jump = MODELS[name]
    torch.manual_seed(0)
    model = build().double().eval()
    convolutional = to_fully_convolutional(model)
    images = torch.randn(2, channels, height, width, dtype=torch.float64)
    outputs = convolutional(images)
    assert outputs.shape[2:] == (1, 1)
    torch.testing.assert_close(outputs.flatten(1), model(images), rtol=1e-10, atol=1e-12)
    assert outputs.std(dim=1).min() > 0  # not all alike, which would compare equal too easily

    # A multiple of 32 plus the jumps, so that no pooling rounds.
    larger = torch.randn(1, channels, 256 + 2 * jump, 256, dtype=torch.float64)
    rows, columns = convolutional(larger).shape[2:]
    assert rows == columns + 2
    assert columns > 1
    assert not any(isinstance(module, nn.Linear) for module in convolutional.modules())


def test_map_is_the_network_slid_over_the_image():
    """Without padding, each output of the map is exactly the network on its window."""
    torch.manual_seed(0)
    model = nn.Module()
    model.features = nn.Sequential(
        *(nn.Conv2d(1, 4, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(4, 6, 3), nn.Tanh(), nn.AvgPool2d(2)),
    )
    model.classifier = nn.Sequential(
        nn.Flatten(), nn.Linear(6 * 3 * 3, 8), nn.ReLU(), nn.Linear(8, 3)
    )
    image = torch.randn(1, 1, 32, 40)
    scores = to_fully_convolutional(model)(image)
    assert scores.shape == (1, 3, 4, 6)
    for row in range(4):
        for column in range(6):
            window = image[:, :, 4 * row : 4 * row + 20, 4 * column : 4 * column + 20]
            expected = model.classifier(model.features(window))
            torch.testing.assert_close(scores[:, :, row, column], expected)


def test_real_vgg16_on_a_larger_image():
    with torch.device("meta"):  # sizes only: nothing is computed
        model = vgg16(weights=None)
        images = torch.empty(1, 3, 320, 384)
    convolutional = to_fully_convolutional(model)
    assert convolutional(images).shape == (1, 1000, 4, 6)
    count = sum(weights.numel() for weights in convolutional.parameters())
    assert count == sum(weights.numel() for weights in model.parameters())


def test_weights_are_shared_and_the_mode_kept():
    model = LeNet5()
    convolutional = to_fully_convolutional(model)
    assert convolutional.training
    assert not to_fully_convolutional(model.eval()).training
    with torch.no_grad():
        model.classifier[1].weight.fill_(3)
    first = next(module for module in convolutional[1:] if isinstance(module, nn.Conv2d))
    assert (first.weight == 3).all()
    assert first.kernel_size == (5, 5)


def model_of(features, classifier, **others):
    model = nn.Module()
    model.features, model.classifier = nn.Sequential(*features), nn.Sequential(*classifier)
    for name, module in others.items():
        setattr(model, name, module)
    return model


conv, linear = nn.Conv2d(1, 4, 3), nn.Linear(4 * 9, 2)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Dense((10,)), "expected two Sequential"),
        (nn.Linear(3, 3), "Linear: expected two Sequential"),
        (model_of([nn.ReLU()], [linear]), "without any Conv2d"),
        (model_of([conv], [nn.Flatten()]), "without any Linear"),
        (model_of([conv], [nn.Linear(4 * 6, 2)]), "24 inputs of the first Linear for 4 maps"),
        (model_of([conv], [linear, nn.BatchNorm1d(2)]), "BatchNorm1d in the classifier"),
        (model_of([conv], [linear], avgpool=nn.AdaptiveAvgPool2d(1)), "3 × 3"),
        (model_of([conv], [linear], avgpool=nn.AvgPool2d(3)), "AvgPool2d"),
    ],
)
def test_what_cannot_be_converted_is_named(model, message):
    with pytest.raises(CourseError, match=message):
        to_fully_convolutional(model)
