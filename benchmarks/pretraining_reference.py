"""Reference results of notebook 09: the table ``tp_cnn/experiments/reference/pretraining.csv``.

A denoising auto-encoder sees all the train images of MNIST without their labels. Its encoder, or
one with weights drawn at random, then begins a classifier that learns from few labelled images;
accuracy on the 10,000 test images. Each seed has its own auto-encoder, labelled images and weights.
A seed that is whole is not measured again: kill and restart at will.
"""

import argparse
import time

import common
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from tp_cnn.data.normalise import to_unit
from tp_cnn.data.sources import load
from tp_cnn.models.autoencoder import ConvAutoEncoder

COUNTS = (100, 300, 1000, 3000)
LATENT, NOISE, RATE = 16, 0.5, 2e-3
EPOCHS, STEPS = 5, 400
WAYS = {"poids au hasard": False, "encodeur pré-appris": True}
NOTE = f"MNIST ; auto-encodeur : 60 000 images, {EPOCHS} époques ; classifieur : {STEPS} pas"


def denoiser(images: torch.Tensor, seed: int) -> ConvAutoEncoder:
    """An auto-encoder that learnt to remove noise from ``images``, (N, 1, 28, 28) from 0 to 1."""
    torch.manual_seed(seed)
    model, criterion = ConvAutoEncoder(LATENT), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(images)).split(64):
            clean = images[rows]
            loss = criterion(model(clean + NOISE * torch.randn_like(clean)), clean)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def teach(encoder: nn.Module, images: torch.Tensor, labels: torch.Tensor, seed: int) -> nn.Module:
    """A classifier that begins with ``encoder``, trained on labelled images."""
    torch.manual_seed(seed)
    model = nn.Sequential(encoder, nn.ReLU(), nn.Linear(LATENT, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(STEPS):
        rows = torch.randint(len(images), (50,))
        loss = cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    train, test = load("mnist", "train"), load("mnist", "test")
    images, test_images = to_unit(train.images), to_unit(test.images)
    for seed in range(options.seeds):
        done = sum(row["seed"] == seed for row in common.reference_rows("pretraining"))
        if done == len(COUNTS) * len(WAYS):
            continue
        learned = denoiser(images, seed).state_dict()
        chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
        for count in COUNTS:
            for way, begins in WAYS.items():
                start = time.process_time()
                torch.manual_seed(seed)
                network = ConvAutoEncoder(LATENT)
                if begins:
                    network.load_state_dict(learned)
                few = chosen[:count]
                model = teach(network.encoder, images[few], train.labels[few], seed)
                with torch.no_grad():
                    right = (model(test_images).argmax(1) == test.labels).float().mean().item()
                row = {"way": way, "images": count, "seed": seed, "test_accuracy": round(right, 4)}
                row["seconds"] = round(time.process_time() - start, 1)
                common.add_to_reference(
                    "pretraining", row, ("way", "images", "seed"), train.origin, NOTE
                )


if __name__ == "__main__":
    main()
