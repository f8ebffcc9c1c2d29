"""A classifier turned into convolutions, so that it runs on larger images (questions 4 to 6)."""

from math import isqrt

from torch import nn

from tp_cnn.errors import CourseError
from tp_cnn.models.geometry import POINTWISE


def to_fully_convolutional(model: nn.Module) -> nn.Sequential:
    """The same network without fully-connected layers (Long, Shelhamer and Darrell, 2015).

    A fully-connected layer on maps of ``side × side`` pixels is a convolution with a kernel of
    that size; those after it are 1 × 1 convolutions. The result shares the weights of ``model``
    and is in the same mode (training or evaluation).

    Args:
        model: computes ``classifier(features(images))``, with nothing in between but a flattening
            and an adaptive average pooling that changes nothing at the nominal size
            (``LeNet5``, ``CifarNet``, ``VGG16`` of torchvision).

    Returns:
        Takes (batch, channels, height, width) to (batch, classes, rows, columns). An image of the
        nominal size gives one row and one column: the outputs of ``model``. A larger one gives
        about what ``model`` says of a window that slides over it; "about", because a window
        inside an image sees its neighbours where ``model`` pads with zeros.

    Raises:
        CourseError: ``model`` is not built like that.
    """
    features = getattr(model, "features", None)
    classifier = getattr(model, "classifier", None)
    if not isinstance(features, nn.Sequential) or not isinstance(classifier, nn.Sequential):
        raise CourseError(
            f"{type(model).__name__}: expected two Sequential, features and classifier"
        )
    channels = _last_channels(features)
    kernel = _side_of_maps(classifier, channels)
    _check_pooling(getattr(model, "avgpool", None), kernel)
    layers = []
    for module in classifier:
        if isinstance(module, nn.Linear):
            layers.append(_as_convolution(module, kernel))
            kernel = 1  # the first one has seen the whole map
        elif isinstance(module, POINTWISE):
            layers.append(module)
        elif not isinstance(module, nn.Flatten):
            raise CourseError(
                f"{type(module).__name__} in the classifier: expected Flatten, Linear, "
                "an activation or dropout"
            )
    return nn.Sequential(features, *layers).train(model.training)


def _as_convolution(linear: nn.Linear, kernel: int) -> nn.Conv2d:
    inputs = linear.in_features // kernel**2
    # On "meta", nothing is allocated: the weights come from the linear layer.
    convolution = nn.Conv2d(inputs, linear.out_features, kernel, bias=False, device="meta")
    weight = linear.weight.detach().view(convolution.weight.shape)
    convolution.weight = nn.Parameter(weight)
    convolution.bias = linear.bias
    return convolution


def _last_channels(features: nn.Sequential) -> int:
    convolutions = [module for module in features.modules() if isinstance(module, nn.Conv2d)]
    if not convolutions:
        raise CourseError("features without any Conv2d: expected a convolutional network")
    return convolutions[-1].out_channels


def _side_of_maps(classifier: nn.Sequential, channels: int) -> int:
    linear = next((module for module in classifier if isinstance(module, nn.Linear)), None)
    if linear is None:
        raise CourseError("classifier without any Linear: nothing to turn into a convolution")
    side = isqrt(linear.in_features // channels)
    if channels * side**2 != linear.in_features:
        raise CourseError(
            f"{linear.in_features} inputs of the first Linear for {channels} maps: "
            "expected square maps"
        )
    return side


def _check_pooling(pooling: nn.Module | None, side: int) -> None:
    adaptive = isinstance(pooling, nn.AdaptiveAvgPool2d)
    if pooling is None or (adaptive and pooling.output_size in (side, (side, side))):
        return
    raise CourseError(f"{pooling} before the classifier: expected none, or one to {side} × {side}")
