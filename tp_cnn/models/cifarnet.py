"""The lab sheet's network for CIFAR-10, in the manner of AlexNet (questions 8 to 34)."""

from torch import Tensor, nn


class CifarNet(nn.Module):
    """Three 5×5 convolutions with pooling, then 1000 and ``classes`` neurons: 1,191,170 weights.

    Args:
        batch_norm: normalise after each convolution (question 34).
        dropout: probability of switching off a neuron between fc4 and fc5 (question 29); 0: never.
        ceil_mode: round the size up in the third pooling, so that a 28×28 crop ends at 4×4 too
            (question 22). It changes nothing for 32×32 images.
        classes: number of outputs; they are logits, the softmax is in the loss.

    Shape: (batch, 3, 32, 32), or (batch, 3, 28, 28) with ``ceil_mode``, -> (batch, classes).
    """

    def __init__(
        self,
        batch_norm: bool = False,
        dropout: float = 0.0,
        ceil_mode: bool = True,
        classes: int = 10,
    ):
        super().__init__()
        self.features = nn.Sequential(
            *_stage(3, 32, batch_norm),  # (batch, 32, 16, 16)
            *_stage(32, 64, batch_norm),  # (batch, 64, 8, 8)
            *_stage(64, 64, batch_norm, ceil_mode),  # (batch, 64, 4, 4)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (batch, 1024)
            nn.Linear(64 * 4 * 4, 1000),
            nn.ReLU(),
            *([nn.Dropout(dropout)] if dropout else []),
            nn.Linear(1000, classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def _stage(inputs: int, filters: int, batch_norm: bool, ceil_mode: bool = False) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, filters, kernel_size=5, padding=2)
    normalisation = [nn.BatchNorm2d(filters)] if batch_norm else []
    # ReLU then max-pooling is the same function; in this order it is 4 times less to activate.
    return [convolution, *normalisation, nn.MaxPool2d(2, ceil_mode=ceil_mode), nn.ReLU()]
