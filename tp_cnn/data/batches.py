"""Batches of a set that lives on the device, and the split of a train set."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from tp_cnn import runtime
from tp_cnn.data.augment import Augmentation
from tp_cnn.data.normalise import ZCA, Normalisation, to_unit
from tp_cnn.data.sources import ImageSet
from tp_cnn.errors import CourseError

VALUES_AT_ONCE = 2**20  # float32: 4 MB, which a processor's caches hold
GPU_VALUES_AT_ONCE = 2**24  # 64 MB


class Batches:
    """Batches of images and labels, usable wherever a ``DataLoader`` is.

    The whole set is copied once to the device, as uint8. A batch is drawn, augmented, converted to
    float32 and normalised there. Iterating again draws another order and other augmentations;
    two objects with the same seed draw the same ones.

    Args:
        image_set: what `tp_cnn.data.sources.load` gives.
        batch_size: images in a batch; the last one may be smaller.
        shuffle: draw another order at each epoch.
        augment: augmentations, applied one after the other to uint8 images.
        normalise: uint8 images to float32; by default, values between 0 and 1.
        seed: of the order and of the augmentations.
        device: by default the one that `tp_cnn.runtime.device` chooses.

    Yields:
        images: float32 (batch, C, H, W), in channels-last memory order.
        labels: int64 (batch,).
    """

    def __init__(
        self,
        image_set: ImageSet,
        batch_size: int = 128,
        shuffle: bool = False,
        augment: Sequence[Augmentation] = (),
        normalise: Normalisation = to_unit,
        seed: int = 0,
        device: torch.device | str | None = None,
    ):
        if batch_size < 1:
            raise CourseError(f"batch_size is {batch_size}: expected 1 or more")
        if len(image_set) == 0:
            raise CourseError(
                f"{image_set.name} ({image_set.split}) has no image to make batches of"
            )
        self.device = torch.device(device) if device else runtime.device()
        self.images = image_set.images.to(self.device)
        self.labels = image_set.labels.to(self.device)
        self.image_set = image_set
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.augment = tuple(augment)
        self.normalise = normalise
        self.generator = torch.Generator(self.device).manual_seed(seed)

    def description(self) -> dict[str, str]:
        """What the batches depend on: a checkpoint keeps it, and refuses to go on with others."""
        return {
            "images": self.image_set.fingerprint(),
            "batch_size": str(self.batch_size),
            "shuffle": str(self.shuffle),
            "augment": ", ".join(map(_named, self.augment)) or "none",
            "normalise": _named(self.normalise),
            "seed": str(self.generator.initial_seed()),
        }

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)  # rounded up

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for chosen in self._order().split(self.batch_size * self._at_once()):
            images = self.images.index_select(0, chosen)  # 10 times faster than self.images[chosen]
            labels = self.labels.index_select(0, chosen)
            for augmentation in self.augment:
                images = augmentation(images, self.generator)
            images = self.normalise(images).contiguous(memory_format=torch.channels_last)
            yield from zip(
                images.split(self.batch_size), labels.split(self.batch_size), strict=True
            )

    def _at_once(self) -> int:
        """How many batches to prepare together: small images are not worth a call each.

        On a processor augmentations draw batch by batch; a GPU would wait for so many small calls.
        The values that ZCA sums hang on the batch.
        """
        on_cpu = self.device.type == "cpu"
        if isinstance(self.normalise, ZCA) or (self.augment and on_cpu):
            return 1
        values = VALUES_AT_ONCE if on_cpu else GPU_VALUES_AT_ONCE
        return max(1, values // (self.batch_size * self.images[0].numel()))

    def _order(self) -> Tensor:
        count = len(self.labels)
        if self.shuffle:
            return torch.randperm(count, generator=self.generator, device=self.device)
        return torch.arange(count, device=self.device)


def _named(function: Callable) -> str:
    """A function or an object that is called, without the address where it lies in memory."""
    return getattr(function, "__qualname__", None) or re.sub(r" at 0x\w+", "", repr(function))


def split_train(
    image_set: ImageSet, validation: float | int = 0.1, seed: int = 0
) -> tuple[ImageSet, ImageSet]:
    """Draw a validation set from a train set, with the same share of each class.

    Args:
        validation: a share between 0 and 1, or a number of images.

    Returns:
        The remaining train set, and the validation set. No image is in both.

    Raises:
        CourseError: fewer images than classes on one side.
    """
    train, held_out = _draw(image_set, validation, seed)
    return image_set.subset(train), image_set.subset(held_out)


def keep(image_set: ImageSet, count: int, seed: int = 0) -> ImageSet:
    """``count`` images drawn with the same share of each class; all of them if it has fewer.

    Raises:
        CourseError: fewer images than classes.
    """
    if count >= len(image_set):
        return image_set
    return image_set.subset(_draw(image_set, len(image_set) - count, seed)[0])


def only(image_set: ImageSet, classes: Sequence[str]) -> ImageSet:
    """The images of these classes alone, labelled by their place in ``classes``.

    Raises:
        CourseError: the set has no class of that name.
    """
    absent = [name for name in classes if name not in image_set.classes]
    if absent:
        known = ", ".join(image_set.classes)
        raise CourseError(f"{image_set.name} has no class {absent[0]!r}: expected among {known}")
    label_of = {image_set.classes.index(name): new for new, name in enumerate(classes)}
    new_labels = torch.tensor([label_of.get(old, -1) for old in range(len(image_set.classes))])
    labels = new_labels[image_set.labels]
    kept = (labels >= 0).nonzero().flatten()
    return replace(
        image_set, images=image_set.images[kept], labels=labels[kept], classes=tuple(classes)
    )


def _draw(image_set: ImageSet, held_out: float | int, seed: int) -> list[list[int]]:
    """Indices of the images that stay and of those held out, each in the order of the set."""
    from sklearn.model_selection import train_test_split  # slow to import

    try:
        drawn = train_test_split(
            range(len(image_set)),
            test_size=held_out,
            random_state=seed,
            stratify=image_set.labels.numpy(),
        )
    except ValueError as error:
        raise CourseError(
            f"cannot hold {held_out} of {len(image_set)} images out: {error}"
        ) from None
    return [sorted(indices) for indices in drawn]
