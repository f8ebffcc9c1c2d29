"""A whole training run described by one object: data, network, optimiser, budget."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.optim import lr_scheduler

from tp_cnn import runtime
from tp_cnn.data.augment import (
    CenterCrop,
    ColourJitter,
    Cutout,
    HorizontalFlip,
    Mixup,
    RandomCrop,
    RandomShift,
)
from tp_cnn.data.batches import Batches, keep, split_train
from tp_cnn.data.normalise import ZCA, Normalise, channel_statistics, to_unit
from tp_cnn.data.sources import CLASSES, SHAPES, ImageSet, check_name, load
from tp_cnn.errors import CourseError
from tp_cnn.models import CIFAR_SIZE, Dense, LeNet5, count_weights, hidden_for
from tp_cnn.training import Measure, distributed, evaluate, fit, limits, precision
from tp_cnn.training.history import History

EVALUATION_BATCH = 500  # no gradient to keep: larger batches go faster
IMAGE_SIZE = {"lenet5": 28, **dict.fromkeys(CIFAR_SIZE, 32)}


@dataclass(frozen=True)
class Recipe:
    """What a run depends on. Two runs of one recipe on the same CPU give the same weights."""

    dataset: str = "mnist"
    # "lenet5", "dense" with as many weights as LeNet-5, or one of `tp_cnn.models.CIFAR_SIZE`
    model: str = "lenet5"
    model_options: dict = field(default_factory=dict)  # arguments of what makes the model
    images: int = 0  # train images kept, validation included; 0: all
    validation: float | int = 0.1  # share or number of the train images held out
    test_images: int = 0  # test images measured, the same for every seed; 0: all
    normalise: str = "pixels"  # "none", "pixels", "images" (the two deviations) or "zca"
    shift: int = 0  # random shift in train, in pixels
    crop: int = 0  # size of the random crop in train, centred elsewhere; 0: none
    flip: bool = False  # random horizontal flip in train
    jitter: float = 0.0  # random change of the colours in train, 0.2 for up to 20 %
    cutout: int = 0  # side of the random square hidden in train; 0: none
    mixup: bool = False  # mix each train image with another one
    optimizer: str = "sgd"  # "sgd", "adam" or "adamw"
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "exponential"  # "constant", "exponential", "cosine" or "one-cycle"
    decay: float = 0.85  # factor an epoch of the exponential schedule
    epochs: int = 5
    batch_size: int = 128
    seed: int = 0

    def __post_init__(self):
        limits.check(self)


@dataclass(frozen=True)
class Result:
    """A finished run: the trained model, its history, and the test set measured once, at the end.

    ``test`` is None when the run was interrupted.
    """

    model: nn.Module
    history: History
    test: Measure | None
    batches: dict[str, Batches]  # "train", "validation", "test"


def prepare(
    recipe: Recipe, root: str | Path | None = None, device: torch.device | None = None
) -> dict[str, Batches]:
    """The batches ``"train"``, ``"validation"`` and ``"test"`` of a recipe.

    Statistics come from the train part alone; only it is shuffled and augmented.
    """
    whole, test_set = load(recipe.dataset, "train", root), load(recipe.dataset, "test", root)
    if recipe.images:
        whole = keep(whole, recipe.images, recipe.seed)
    if recipe.test_images:
        test_set = keep(test_set, recipe.test_images)
    train_set, validation_set = split_train(whole, recipe.validation, recipe.seed)
    normalise = _normalisation(recipe, train_set)
    centred = (CenterCrop(recipe.crop),) if recipe.crop else ()

    def batches_for_evaluation(image_set: ImageSet) -> Batches:
        return Batches(
            image_set, EVALUATION_BATCH, augment=centred, normalise=normalise, device=device
        )

    return {
        "train": Batches(
            train_set,
            recipe.batch_size,
            shuffle=True,
            augment=_augmentations(recipe),
            normalise=normalise,
            seed=recipe.seed,
            device=device,
        ),
        "validation": batches_for_evaluation(validation_set),
        "test": batches_for_evaluation(test_set),
    }


def _augmentations(recipe: Recipe) -> list:
    wanted = [
        (recipe.crop, RandomCrop(recipe.crop)),
        (recipe.shift, RandomShift(recipe.shift)),
        (recipe.flip, HorizontalFlip()),
        (recipe.jitter, ColourJitter(recipe.jitter)),
        (recipe.cutout, Cutout(recipe.cutout)),
        (recipe.mixup, Mixup()),
    ]
    return [augmentation for asked, augmentation in wanted if asked]


def _normalisation(recipe: Recipe, train_set: ImageSet) -> Callable:
    images = train_set.images
    seen = CenterCrop(recipe.crop)(images) if recipe.crop else images  # ZCA has a matrix by size
    choices = {
        "none": lambda: to_unit,
        "pixels": lambda: Normalise(channel_statistics(images, "pixels")),
        "images": lambda: Normalise(channel_statistics(images, "images")),
        "zca": lambda: ZCA(seen),
    }
    return choices[recipe.normalise]()


def identity(recipe: Recipe, train_set: ImageSet, test_set: ImageSet) -> dict[str, object]:
    """What a run is: its whole recipe and its data; runs that differ in it are not one run.

    Where the schedule does not look at the last epoch, a longer run begins as the shorter one.
    """
    fields = asdict(recipe)
    if recipe.schedule in ("constant", "exponential"):
        del fields["epochs"]
    data = {"train set": train_set.fingerprint(), "test set": test_set.fingerprint()}
    return {**fields, **data}


def make_model(recipe: Recipe, image_set: ImageSet) -> nn.Module:
    """A new network for these images, its weights drawn from torch's random state.

    Raises:
        CourseError: the network does not take images of this size, or has no such option.
    """
    shape = tuple(image_set.images.shape[1:])
    return _make_network(recipe, image_set.name, shape, len(image_set.classes))


def _make_network(
    recipe: Recipe, name: str, shape: tuple[int, int, int], classes: int
) -> nn.Module:
    channels, height, width = shape
    wanted = IMAGE_SIZE.get(recipe.model)
    if wanted and (height, width) != (wanted, wanted):
        raise CourseError(
            f"{recipe.model} takes {wanted}×{wanted} images, those of {name} are "
            f"{height}×{width}: choose another --model or --dataset"
        )
    if recipe.model in CIFAR_SIZE and channels != 3:
        raise CourseError(f"{recipe.model} takes 3 channels; {name} has {channels}")
    makers = {
        "lenet5": lambda: LeNet5(channels=channels, classes=classes, **recipe.model_options),
        "dense": lambda: Dense(
            hidden_for(count_weights(LeNet5()), 1, shape, classes), shape, classes
        ),
        **{
            name: partial(make, classes=classes, **recipe.model_options)
            for name, make in CIFAR_SIZE.items()
        },
    }
    return makers[recipe.model]()


def check_fits(recipe: Recipe, name: str, shape: tuple[int, int, int], classes: int) -> None:
    """Refuse a recipe whose network or augmentations do not suit images called ``name``.

    The network is tried on images without content ("meta"): only their sizes are computed.

    Args:
        shape: (channels, height, width) of an image.

    Raises:
        CourseError: see `make_model` and `tp_cnn.training.limits.check_size`.
    """
    limits.check_size(recipe, name, shape)
    size = (recipe.crop, recipe.crop) if recipe.crop else shape[1:]
    with torch.device("meta"):
        model = _make_network(recipe, name, shape, classes)
        try:
            model(torch.empty(2, shape[0], *size))
        except RuntimeError:
            raise CourseError(
                f"crop {recipe.crop}: {recipe.model} does not take {size[0]}×{size[1]} images made "
                f"from those of {name}, {shape[1]}×{shape[2]}"
            ) from None


def check_known(recipe: Recipe) -> None:
    """`check_fits` for the data sets whose images are known without being read."""
    check_name(recipe.dataset)
    if recipe.dataset in SHAPES:
        check_fits(recipe, recipe.dataset, SHAPES[recipe.dataset], CLASSES)


def choose_precision(recipe: Recipe, image_set: ImageSet, where: torch.device) -> str:
    """The precision in which such a run would train here."""
    side = recipe.crop or image_set.images.shape[-1]
    shape = (recipe.batch_size, image_set.images.shape[1], side, side)
    model = make_model(recipe, image_set).to(memory_format=torch.channels_last)
    return precision.choose(model, shape, where)


def make_optimizer(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimiser on the model's weights."""
    common = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
    makers = {
        "sgd": lambda: torch.optim.SGD(model.parameters(), momentum=recipe.momentum, **common),
        "adam": lambda: torch.optim.Adam(model.parameters(), **common),
        "adamw": lambda: torch.optim.AdamW(model.parameters(), **common),
    }
    return makers[recipe.optimizer]()


def make_scheduler(recipe: Recipe, optimizer: torch.optim.Optimizer, batches: int):
    """The recipe's schedule (None if constant) and whether it steps each ``"epoch"`` or batch."""
    epochs = recipe.epochs
    makers = {
        "constant": lambda: (None, "epoch"),
        "exponential": lambda: (lr_scheduler.ExponentialLR(optimizer, recipe.decay), "epoch"),
        "cosine": lambda: (lr_scheduler.CosineAnnealingLR(optimizer, epochs * batches), "batch"),
        "one-cycle": lambda: (
            lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, epochs * batches),
            "batch",
        ),
    }
    return makers[recipe.schedule]()


def train(
    recipe: Recipe,
    root: str | Path | None = None,
    device: str | None = None,
    say: Callable[[str], None] = lambda line: None,
    **fit_options,
) -> Result:
    """Train as the recipe says, with a validation set drawn from the train set; then test, once.

    Args:
        root: folder where the data is looked for first.
        device: by default the one that `tp_cnn.runtime.device` chooses.
        say: receives a few lines on the data, the network and the device, before training.
        fit_options: ``checkpoint``, ``computes_in``, ``progress`` and ``after_epoch`` of
            `tp_cnn.training.fit`.

    Raises:
        CourseError: see `tp_cnn.data.sources.load`, `make_model` and `tp_cnn.training.fit`.
    """
    check_known(recipe)
    runtime.seed_everything(recipe.seed)
    where = runtime.device(device)
    batches = prepare(recipe, root, where)
    test_set = batches["test"].image_set
    if recipe.dataset not in SHAPES:
        check_fits(recipe, test_set.name, tuple(test_set.images.shape[1:]), len(test_set.classes))
    model = make_model(recipe, test_set)
    model = model.to(where, memory_format=torch.channels_last)
    optimizer = make_optimizer(recipe, model)
    scheduler, step_each = make_scheduler(recipe, optimizer, len(batches["train"]))
    say(f"data: {batches['train'].image_set.origin}")
    counts = ", ".join(f"{len(part.labels):,} {name}" for name, part in batches.items())
    say(f"images: {counts}")
    say(f"model: {recipe.model}, {count_weights(model):,} weights")
    say(
        f"descent: {recipe.optimizer}, rate {recipe.learning_rate:g}, {recipe.schedule} schedule, "
        f"weight decay {recipe.weight_decay:g}"
    )
    together = f", {distributed.size()} processes" if distributed.size() > 1 else ""
    say(f"device: {runtime.describe_device(where)}{together}")
    checkpoint, computes_in = fit_options.get("checkpoint"), fit_options.pop("computes_in", None)
    if distributed.size() > 1 and not (checkpoint and Path(checkpoint).exists()):
        choice = computes_in or choose_precision(recipe, batches["test"].image_set, where)
        computes_in = distributed.agreed(choice)
    network = distributed.wrap(model)
    history = fit(
        network,
        batches["train"],
        batches["validation"],
        epochs=recipe.epochs,
        optimizer=optimizer,
        scheduler=scheduler,
        step_each=step_each,
        computes_in=computes_in,
        identity=identity(recipe, batches["train"].image_set, test_set),
        **fit_options,
    )
    say(f"precision: {precision.of(model) or 'float32'}")
    test = None if history.interrupted else evaluate(batches["test"], network)
    return Result(model, history, test, batches)
