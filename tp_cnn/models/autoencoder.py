"""Auto-encoders: a network that learns to give back its input through a few numbers."""

from torch import Tensor, nn


class ConvAutoEncoder(nn.Module):
    """Two convolutions of stride 2, ``latent`` numbers, and the way back.

    The transposed convolutions mirror the convolutions (Zeiler and others, 2010): with a stride of
    2, ``output_padding`` says which of the two sizes that 14 or 7 can come from is meant.

    Shape: (batch, 1, 28, 28) -> the same, before the sigmoid (`nn.BCEWithLogitsLoss`).
    """

    def __init__(self, latent: int = 2):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=3, stride=2, padding=1),  # (batch, 16, 14, 14)
            nn.ReLU(),
            nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1),  # (batch, 32, 7, 7)
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, latent),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent, 32 * 7 * 7),
            nn.ReLU(),
            nn.Unflatten(1, (32, 7, 7)),
            nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1),  # 14
            nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 3, stride=2, padding=1, output_padding=1),  # 28
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.decoder(self.encoder(images))


class LinearAutoEncoder(nn.Module):
    """One matrix to encode, one to decode: it can do no better than PCA (Baldi and Hornik, 1989).

    Shape: (batch, inputs) -> the same.
    """

    def __init__(self, inputs: int, latent: int):
        super().__init__()
        self.encoder = nn.Linear(inputs, latent, bias=False)
        self.decoder = nn.Linear(latent, inputs, bias=False)

    def forward(self, vectors: Tensor) -> Tensor:
        return self.decoder(self.encoder(vectors))
