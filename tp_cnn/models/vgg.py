"""VGG (Simonyan and Zisserman, 2015): 3×3 convolutions only, then deeper."""

from collections.abc import Sequence

from torch import Tensor, nn

VGG16 = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))  # table 1, column D


class VGG(nn.Module):
    """Stages of 3×3 convolutions, each ended by a pooling that halves the size.

    Args:
        stages: (number of convolutions, filters) of each stage.
        head: what turns the last maps into logits.
        batch_norm: normalise after each convolution (it came after the paper).

    Shape: (batch, 3, height, width) -> (batch, classes), logits.
    """

    def __init__(
        self, stages: Sequence[tuple[int, int]], head: nn.Module, batch_norm: bool = False
    ):
        super().__init__()
        layers, inputs = [], 3
        for convolutions, filters in stages:
            layers += stage(inputs, filters, convolutions, batch_norm)
            inputs = filters
        self.features = nn.Sequential(*layers)
        self.classifier = head

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def stage(inputs: int, filters: int, convolutions: int, batch_norm: bool) -> list[nn.Module]:
    """Some 3×3 convolutions that keep the size, and the pooling that halves it."""
    layers = []
    for _ in range(convolutions):
        layers.append(nn.Conv2d(inputs, filters, kernel_size=3, padding=1))
        layers += [nn.BatchNorm2d(filters)] if batch_norm else []
        layers.append(nn.ReLU())
        inputs = filters
    return [*layers, nn.MaxPool2d(2)]


def vgg16(classes: int = 1000, dropout: float = 0.5) -> VGG:
    """The paper's 16 layers: 138,357,544 weights, for (batch, 3, 224, 224)."""
    head = nn.Sequential(
        nn.Flatten(),
        nn.Linear(512 * 7 * 7, 4096),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(4096, 4096),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(4096, classes),
    )
    return VGG(VGG16, head)


def vgg_cifar(classes: int = 10) -> VGG:
    """Six convolutions for (batch, 3, 32, 32), the dense layers replaced by an average."""
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, classes))
    return VGG(((2, 32), (2, 64), (2, 128)), head, batch_norm=True)
