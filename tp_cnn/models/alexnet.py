"""AlexNet (Krizhevsky, Sutskever and Hinton, 2012). Its CIFAR-size cousin is `CifarNet`."""

from torch import Tensor, nn


class AlexNet(nn.Module):
    """Five convolutions, three dense layers: 61,100,840 weights, 58.6 million of them dense.

    The paper's network is cut in two for two GPUs and has 60.97 million weights; this is its later
    form in one piece ("One weird trick", Krizhevsky, 2014), which torchvision has too.

    Shape: (batch, 3, 224, 224) -> (batch, classes), logits.
    """

    def __init__(self, classes: int = 1000, dropout: float = 0.5):
        super().__init__()
        self.features = nn.Sequential(
            *convolution(3, 64, kernel=11, stride=4, padding=2),  # (batch, 64, 55, 55)
            nn.MaxPool2d(3, stride=2),  # 27
            *convolution(64, 192, kernel=5, padding=2),
            nn.MaxPool2d(3, stride=2),  # 13
            *convolution(192, 384, kernel=3, padding=1),
            *convolution(384, 256, kernel=3, padding=1),
            *convolution(256, 256, kernel=3, padding=1),
            nn.MaxPool2d(3, stride=2),  # (batch, 256, 6, 6)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Linear(4096, classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def convolution(
    inputs: int, filters: int, kernel: int, stride: int = 1, padding: int = 0
) -> list[nn.Module]:
    """A convolution and its ReLU."""
    return [nn.Conv2d(inputs, filters, kernel, stride, padding), nn.ReLU()]
