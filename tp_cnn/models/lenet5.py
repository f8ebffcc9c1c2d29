"""LeNet-5 for 28×28 images (LeCun, Bottou, Bengio and Haffner, 1998; lab sheet, question 13)."""

from torch import Tensor, nn

from tp_cnn.errors import CourseError

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}
POOLINGS = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}


class LeNet5(nn.Module):
    """Two convolutions with pooling, then 120, 84 and ``classes`` neurons: 61,706 weights.

    The first convolution pads by 2, so that a 28×28 image is seen as the 32×32 of the paper.

    Args:
        activation: ``"relu"``, or ``"tanh"`` as in the paper.
        pooling: ``"max"``, or ``"average"``, close to the paper's subsampling.
        channels: channels of the input, 1 for grey levels.
        classes: number of outputs; they are logits, the softmax is in the loss.

    Shape: (batch, channels, 28, 28) -> (batch, classes).

    Raises:
        CourseError: the activation or the pooling is not one of those above.
    """

    def __init__(
        self, activation: str = "relu", pooling: str = "max", channels: int = 1, classes: int = 10
    ):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, 6, kernel_size=5, padding=2),  # (batch, 6, 28, 28)
            *_pool_and_activate(activation, pooling),  # (batch, 6, 14, 14)
            nn.Conv2d(6, 16, kernel_size=5),  # (batch, 16, 10, 10)
            *_pool_and_activate(activation, pooling),  # (batch, 16, 5, 5)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (batch, 400)
            nn.Linear(16 * 5 * 5, 120),
            _pick(ACTIVATIONS, activation)(),
            nn.Linear(120, 84),
            _pick(ACTIVATIONS, activation)(),
            nn.Linear(84, classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def _pool_and_activate(activation: str, pooling: str) -> list[nn.Module]:
    pool, activate = _pick(POOLINGS, pooling)(2), _pick(ACTIVATIONS, activation)()
    # An increasing function and a maximum commute: pooling first leaves 4 times less to activate.
    return [pool, activate] if pooling == "max" else [activate, pool]


def _pick(layers: dict[str, type[nn.Module]], name: str) -> type[nn.Module]:
    if name not in layers:
        raise CourseError(f"{name!r}: expected one of {', '.join(layers)}")
    return layers[name]
