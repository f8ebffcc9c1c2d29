"""What a recipe may hold: each value by its kind and range, then what goes together.

A recipe checks itself when it is made, so that nothing is read, let alone trained, for a wrong one.
"""

import math
import numbers
from typing import NamedTuple

from tp_cnn.errors import CourseError
from tp_cnn.models import CIFAR_SIZE

LARGEST_SEED = 2**32 - 1  # NumPy's and scikit-learn's


class Range(NamedTuple):
    """A number from ``low`` to ``high``, which ``above`` and ``below`` leave out."""

    kind: type  # int or float
    low: float
    high: float
    above: bool = False
    below: bool = False

    def __str__(self) -> str:
        low = f"{'more than' if self.above else 'from'} {self.low:g}"
        high = f"{'less than' if self.below else 'to'} {self.high:g}"
        return f"{'a whole number' if self.kind is int else 'a number'} {low} {high}"

    def holds(self, value: object) -> bool:
        wanted = numbers.Integral if self.kind is int else numbers.Real
        if isinstance(value, bool) or not isinstance(value, wanted) or not math.isfinite(value):
            return False
        low = value > self.low if self.above else value >= self.low
        return low and (value < self.high if self.below else value <= self.high)


RANGES = {
    "images": Range(int, 0, 1e9),
    "test_images": Range(int, 0, 1e9),
    "shift": Range(int, 0, 1000),
    "crop": Range(int, 0, 10_000),
    "jitter": Range(float, 0, 1),
    "cutout": Range(int, 0, 10_000),
    "learning_rate": Range(float, 0, 1e12, above=True),
    "momentum": Range(float, 0, 1, below=True),
    "weight_decay": Range(float, 0, 1000),
    "decay": Range(float, 0, 1, above=True),
    "epochs": Range(int, 1, 1e6),
    "batch_size": Range(int, 1, 1e9),
    "seed": Range(int, 0, LARGEST_SEED),
}
SHARE, COUNT = Range(float, 0, 1, above=True, below=True), Range(int, 1, 1e9)  # of validation
CHOICES = {
    "model": ("lenet5", "dense", *CIFAR_SIZE),
    "normalise": ("none", "pixels", "images", "zca"),
    "optimizer": ("sgd", "adam", "adamw"),
    "schedule": ("constant", "exponential", "cosine", "one-cycle"),
}
SWITCHES = ("flip", "mixup")
MODEL_OPTIONS = {  # model -> option -> what it may be
    "lenet5": {"activation": ("relu", "tanh"), "pooling": ("max", "average")},
    "cifarnet": {
        "dropout": Range(float, 0, 1, below=True),
        "batch_norm": (False, True),
        "ceil_mode": (False, True),
    },
}


def check(recipe) -> None:
    """Refuse a recipe of which one value is of another kind or out of range.

    Raises:
        CourseError: in one line, with the field, the value and what was expected.
    """
    for name, choices in CHOICES.items():
        _check(name, getattr(recipe, name), choices)
    for name, wanted in RANGES.items():
        _check(name, getattr(recipe, name), wanted)
    for name in SWITCHES:
        _check(name, getattr(recipe, name), (False, True))
    if not (SHARE.holds(recipe.validation) or COUNT.holds(recipe.validation)):
        raise CourseError(
            f"validation is {recipe.validation!r}: expected a share between 0 and 1, or a whole "
            "number of images"
        )
    options = MODEL_OPTIONS.get(recipe.model, {})
    for name, value in recipe.model_options.items():
        if name not in options:
            known = f"expected one of {', '.join(options)}" if options else "it has none"
            raise CourseError(f"model_options of {recipe.model}: no option {name!r}; {known}")
        _check(name, value, options[name])


def _check(name: str, value: object, wanted: Range | tuple) -> None:
    if isinstance(wanted, Range):
        if not wanted.holds(value):
            raise CourseError(f"{name} is {value!r}: expected {wanted}")
    elif not any(value == choice and type(value) is type(choice) for choice in wanted):
        raise CourseError(f"{name} {value!r}: expected one of {', '.join(map(str, wanted))}")


def check_size(recipe, name: str, shape: tuple[int, int, int]) -> None:
    """Refuse a recipe whose changes of images do not suit those called ``name``.

    Args:
        shape: (channels, height, width) of an image.
    """
    side = min(shape[1:])
    for field, most in (("crop", side), ("shift", side - 1), ("cutout", side)):
        value = getattr(recipe, field)
        if value > most:
            raise CourseError(
                f"{field} {value}: expected 0 to {most}, as the images of {name} are "
                f"{shape[1]}×{shape[2]}"
            )
    if recipe.shift and shape[1] != shape[2]:
        raise CourseError(
            f"shift: only for square images; those of {name} are {shape[1]}×{shape[2]}"
        )
