"""The network that the course ships, already trained: CifarNet on eight classes of CIFAR-10.

``weights/cifarnet8.md``, its card, says how it was trained, and holds the digest of its file.
"""

import hashlib
from importlib.resources import files

import torch
from safetensors.torch import load
from torch import nn

from tp_cnn.data import weights
from tp_cnn.data.normalise import CIFAR10, Normalise
from tp_cnn.errors import CourseError
from tp_cnn.models.cifarnet import CifarNet

# All but "cat" and "dog", which the notebook on transfer keeps for itself.
CLASSES = ("airplane", "automobile", "bird", "deer", "frog", "horse", "ship", "truck")
WEIGHTS = files(__package__) / "weights" / "cifarnet8.safetensors"
AGAIN = "Install tp_cnn anew"
CARD = files(__package__) / "weights" / "cifarnet8.md"


def normalise() -> Normalise:
    """The normalisation that the network was trained with: what it reads must go through it."""
    return Normalise(CIFAR10)


def empty() -> CifarNet:
    """The same network before any training, its weights drawn from torch's random state."""
    return CifarNet(batch_norm=True, classes=len(CLASSES))


def pretrained_cifarnet() -> CifarNet:
    """CifarNet with batch norm, trained on ``CLASSES``; a new copy in float32, in eval mode.

    Raises:
        CourseError: the file is absent, or is not the one that the card describes.
    """
    model = empty()
    model.load_state_dict(load(_checked_bytes()))  # float16 in the file, copied to float32
    return model.eval()


def pretrained_resnet18() -> nn.Module | None:
    """torchvision's ResNet-18 with its ImageNet weights, in eval mode; None where they are not.

    Nothing is downloaded: ``tp-cnn data fetch resnet18`` does that.
    """
    path = weights.find("resnet18")
    if path is None:
        return None
    from torchvision.models import resnet18  # slow to import

    model = resnet18()
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return model.eval()


def card() -> dict[str, str]:
    """The lines ``- key: value`` of the card."""
    lines = CARD.read_text(encoding="utf-8").splitlines()
    return dict(line[2:].split(": ", 1) for line in lines if line.startswith("- "))


def _checked_bytes() -> bytes:
    try:
        content = WEIGHTS.read_bytes()
    except OSError as error:
        raise CourseError(
            f"{WEIGHTS.name}: cannot be read ({error}). Install tp_cnn anew"
        ) from None
    found, expected = hashlib.sha256(content).hexdigest(), card()["sha256"]
    if found != expected:
        raise CourseError(
            f"{WEIGHTS.name}: its SHA-256 is {found[:16]}…, expected {expected[:16]}…: the file "
            f"was changed or damaged. {AGAIN}"
        )
    return content
