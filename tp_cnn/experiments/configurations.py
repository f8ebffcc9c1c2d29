"""Named training configurations: a base, and the switches that each one changes (part 3).

Six of them add up, in the order of the lab sheet: each starts from the one before. The others
are variants and bonuses, each compared with the configuration that it starts from.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tp_cnn.errors import CourseError
from tp_cnn.training.recipe import Recipe


@dataclass(frozen=True)
class Configuration:
    """What changes in the recipe of the configuration ``parent``, and a French name for figures."""

    parent: str | None
    label: str
    changes: dict = field(default_factory=dict)  # fields of a Recipe
    model_options: dict = field(default_factory=dict)  # added to those of the parent


START = Recipe(dataset="cifar10", model="cifarnet", epochs=15, batch_size=128)

CUMULATIVE = ("base", "normalisation", "augmentation", "momentum", "dropout", "batch-norm")

# What the networks of notebook 08 share; each family has its own rate, found on validation images
# (benchmarks/rates.py), that of ResNet-20 for the other depths.
SHARED = {"shift": 4, "flip": True, "schedule": "one-cycle", "weight_decay": 5e-4}
DESCENT = ("optimizer", "learning_rate", "weight_decay", "schedule")
TRANSFORMER = {**SHARED, "optimizer": "adamw", "weight_decay": 0.05}

CONFIGURATIONS = {
    "base": Configuration(
        None,
        "base",
        {"normalise": "none", "learning_rate": 0.1, "momentum": 0.0, "schedule": "constant"},
    ),
    "normalisation": Configuration("base", "+ normalisation", {"normalise": "pixels"}),
    "augmentation": Configuration(
        "normalisation", "+ fenêtre et symétrie", {"crop": 28, "flip": True}
    ),
    # Momentum 0.9 multiplies the length of a step by up to 1 / (1 - 0.9) = 10: the rate is 10 times
    # smaller, so that the effective step stays that of the configurations without momentum.
    "momentum": Configuration(
        "augmentation",
        "+ momentum et décroissance",
        {"learning_rate": 0.01, "momentum": 0.9, "schedule": "exponential", "decay": 0.95},
    ),
    "dropout": Configuration("momentum", "+ dropout", model_options={"dropout": 0.5}),
    "batch-norm": Configuration(
        "dropout", "+ normalisation par lot", model_options={"batch_norm": True}
    ),
    # The whole chain, with the schedule and the rate that suit it (notebook 05, part 7).
    "best": Configuration(
        "batch-norm",
        "la meilleure recette",
        {"learning_rate": 0.1, "schedule": "one-cycle", "weight_decay": 5e-4},
    ),
    # Question 19: the smaller deviation that the lab sheet quotes. Question 21: ZCA.
    "normalisation-images": Configuration("base", "écart-type par image", {"normalise": "images"}),
    "zca": Configuration("base", "ZCA", {"normalise": "zca"}),
    # Question 25.
    "cutout": Configuration("augmentation", "cutout", {"cutout": 8}),
    "jitter": Configuration("augmentation", "couleurs", {"jitter": 0.2}),
    "mixup": Configuration("augmentation", "mixup", {"mixup": True}),
    # Question 28, in the place of "momentum"; Adam's steps have about the length of its rate.
    "adam": Configuration("augmentation", "Adam", {"optimizer": "adam", "learning_rate": 1e-3}),
    "adamw": Configuration(
        "augmentation",
        "AdamW",
        {"optimizer": "adamw", "learning_rate": 1e-3, "weight_decay": 0.01},
    ),
    "cosine": Configuration(
        "augmentation",
        "momentum et cosinus",
        {"learning_rate": 0.01, "momentum": 0.9, "schedule": "cosine"},
    ),
    "one-cycle": Configuration(
        "augmentation",
        "momentum et one-cycle",
        {"learning_rate": 0.05, "momentum": 0.9, "schedule": "one-cycle"},  # its largest rate
    ),
    # Notebook 08: networks of several families, then depth with and without shortcuts.
    "cifarnet": Configuration(
        None,
        "CifarNet (AlexNet)",
        {**SHARED, "model": "cifarnet", "learning_rate": 0.033},
        {"batch_norm": True},
    ),
    "vgg": Configuration(None, "VGG", {**SHARED, "model": "vgg", "learning_rate": 0.033}),
    "googlenet": Configuration(
        None, "GoogLeNet", {**SHARED, "model": "googlenet", "learning_rate": 0.1}
    ),
    "densenet": Configuration(
        None, "DenseNet", {**SHARED, "model": "densenet", "learning_rate": 0.1}
    ),
    "convnext": Configuration(
        None, "ConvNeXt", {**TRANSFORMER, "model": "convnext", "learning_rate": 6e-3}
    ),
    "vit": Configuration(None, "ViT", {**TRANSFORMER, "model": "vit", "learning_rate": 3e-3}),
    **{
        f"{kind}{depth}": Configuration(
            None,
            f"{label}-{depth}",
            {**SHARED, "model": f"{kind}{depth}", "learning_rate": 0.033},
        )
        for kind, label in (("resnet", "ResNet"), ("plain", "sans raccourci"))
        for depth in (8, 20, 32)
    },
}
ARCHITECTURES = ("cifarnet", "vgg", "googlenet", "resnet20", "densenet", "convnext", "vit")
GROUPS = {"architectures": ARCHITECTURES}


def configure(name: str, **budget) -> Recipe:
    """The recipe of the configuration called ``name``.

    Args:
        budget: fields of `tp_cnn.training.recipe.Recipe` to set: ``epochs``, ``images``, ...

    >>> configure("dropout", epochs=3, images=2000)

    Raises:
        CourseError: there is no such configuration.
    """
    if name not in CONFIGURATIONS:
        raise CourseError(f"configuration {name!r}: expected one of {', '.join(CONFIGURATIONS)}")
    chosen = CONFIGURATIONS[name]
    if budget.get("model", own_model(name)) != own_model(name) and own_model(name):
        raise CourseError(
            f"configuration {name!r} is about its own model, {own_model(name)}: leave --model out"
        )
    before = configure(chosen.parent) if chosen.parent else START
    options = {**before.model_options, **chosen.model_options}
    return replace(before, **{**chosen.changes, "model_options": options, **budget})


def own_model(name: str) -> str | None:
    """The model of a configuration that is about it; None where the budget may say which."""
    known = CONFIGURATIONS.get(name)
    return known.changes.get("model") if known else None


def descent(model: str) -> dict:
    """Fields of a recipe: the optimiser, rate, schedule and penalty of a network of notebook 08.

    Those of 20 layers serve for other depths. A network of another notebook has none.
    """
    known = re.sub(r"^(resnet|plain)\d+$", r"\g<1>20", model)
    if own_model(known) is None or known == "cifarnet":  # which notebooks 04 and 05 vary
        return {}
    changes = CONFIGURATIONS[known].changes
    return {name: changes[name] for name in DESCENT if name in changes}


def recipes(names: Iterable[str] = CUMULATIVE, **budget) -> dict[str, Recipe]:
    """The recipes of several configurations, all with the same budget: name -> recipe.

    A name of `GROUPS` stands for its configurations.
    """
    each = [one for name in names for one in GROUPS.get(name, (name,))]
    return {name: configure(name, **budget) for name in each}
