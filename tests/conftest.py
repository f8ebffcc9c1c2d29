import os

if "PYTEST_XDIST_WORKER" in os.environ:  # before PyTorch: processes at once share the cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

from tp_cnn.data.sources import ImageSet


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    """A developer's own TP_CNN_* variables must not change what the tests see."""
    for variable in os.environ:
        if variable.startswith("TP_CNN_"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("TP_CNN_PROGRESS", "0")
    monkeypatch.setenv("TP_CNN_PRECISION", "float32")  # by default it hangs on a measure


@pytest.fixture
def image_set():
    """A function that makes a small set of images whose class can be learnt in an epoch or two."""

    def make(count: int = 200, size: int = 28, channels: int = 1, classes: int = 4) -> ImageSet:
        generator = torch.Generator().manual_seed(0)
        labels = torch.arange(count) % classes
        images = torch.randint(0, 60, (count, channels, size, size), generator=generator)
        for image, label in zip(images, labels.tolist(), strict=True):
            image[:, 4 * label : 4 * label + 4] += 180  # a bright band whose height is the class
        names = tuple(f"band {label}" for label in range(classes))
        return ImageSet(images.to(torch.uint8), labels, names, "bands", "train", "made by a test")

    return make
