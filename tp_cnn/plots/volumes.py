"""A network drawn as volumes, from the model itself: maps, then columns of neurons."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from torch import nn

from tp_cnn.display import thousands
from tp_cnn.models.summary import summary
from tp_cnn.plots.style import COLOURS, INK, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN = COLOURS[:3]
GREY = "#888888"
NOTE = "échelles resserrées : ce sont les nombres qui comptent"

# Inches.
TALLEST, GAP, LINE = 1.5, 0.3, 0.16
LETTER = 0.067  # of a label
AWAY = np.array([0.34, 0.22])  # where one inch away from the reader is drawn


class VolumeStep(NamedTuple):
    """A volume, and the layer that gives it."""

    layer: str
    shape: tuple[int, ...]  # (channels, height, width), or (neurons,)
    colour: str
    kernel: int = 0  # side of the window that slides on the volume before, if any
    times: int = 1  # equal layers in a row

    @property
    def lines(self) -> tuple[str, str]:
        """What is written below."""
        layer = self.layer if self.times == 1 else f"{self.times} × {self.layer}"
        return layer, "×".join(map(thousands, self.shape))


def volumes(model: nn.Module, image_shape: tuple[int, int, int], title: str = "") -> Figure:
    """The image and what each layer makes of it, from left to right.

    A volume is as thick as it has channels; a column is a vector. The window on a volume is what
    one value of the next one sees of it. Activations, dropout and normalisations change no shape
    and are left out; equal convolutions in a row are drawn once.

    Args:
        model: any network made of layers; it is run once, on a black image.
        image_shape: (channels, height, width) of an image.
    """
    steps = _steps(model, image_shape)
    sizes = [_size(step.shape, max(image_shape[1:])) for step in steps]
    slots = [
        max(size[0] + AWAY[0] * size[2], LETTER * max(map(len, step.lines)))
        for step, size in zip(steps, sizes, strict=True)
    ]
    width, top = sum(slots) + GAP * (len(slots) - 1), TALLEST * (1 + AWAY[1]) + 0.03
    drawn, axis = figure(width=width + 0.2, height=top + 3 * LINE + (0.4 if title else 0.15))
    axis.set(xlim=(-0.1, width + 0.1), ylim=(-3 * LINE, top), aspect="equal", title=title)
    axis.axis("off")
    left, before = 0.0, None  # before: what _draw_window needs of the volume before
    for step, size, slot in zip(steps, sizes, slots, strict=True):
        free = slot - size[0] - AWAY[0] * size[2]
        corner = np.array([left + free / 2, (TALLEST - size[1]) / 2])
        if before and step.kernel:
            _draw_window(axis, *before, step.kernel, target=corner + np.array([0, size[1] / 2]))
        _draw_box(axis, corner, size, step.colour)
        for line, text in enumerate(step.lines):
            colour = INK if line else step.colour
            place = left + slot / 2, -(line + 0.6) * LINE
            axis.text(*place, text, ha="center", va="center", fontsize=8, color=colour)
        left, before = left + slot + GAP, (corner, size, step.shape)
    axis.text(width, -2.7 * LINE, NOTE, ha="right", va="center", fontsize=7, color=GREY)
    return drawn


def _steps(model: nn.Module, image_shape: tuple[int, int, int]) -> list[VolumeStep]:
    """The volumes to draw: the image, then one for each layer that makes another one."""
    steps = [VolumeStep("image", tuple(image_shape), GREY)]
    for row in summary(model, image_shape):
        module, last = model.get_submodule(row.name), steps[-1]
        if row.output_shape == last.shape and not isinstance(module, (nn.Conv2d, nn.Linear)):
            continue
        step = _step(module, row.output_shape)
        if step.kernel and step == last._replace(times=1):
            step = step._replace(times=steps.pop().times + 1)
        steps.append(step)
    return steps


def _step(module: nn.Module, shape: tuple[int, ...]) -> VolumeStep:
    if isinstance(module, nn.Linear):
        return VolumeStep("dense", shape, GREEN)
    if isinstance(module, nn.Flatten):
        return VolumeStep("mise à plat", shape, GREY)
    if isinstance(module, nn.Conv2d):
        kernel, stride = module.kernel_size[0], module.stride[0]
        jumps = f", stride {stride}" if stride > 1 else ""
        return VolumeStep(f"conv {kernel}×{kernel}{jumps}", shape, BLUE, kernel)
    if isinstance(module, (nn.MaxPool2d, nn.AvgPool2d)):
        name = "max" if isinstance(module, nn.MaxPool2d) else "moyenne"
        kernel = module.kernel_size  # the course's poolings are square
        return VolumeStep(f"{name} {kernel}×{kernel}", shape, ORANGE, kernel)
    return VolumeStep(type(module).__name__, shape, GREY)


def _size(shape: tuple[int, ...], largest: int) -> tuple[float, float, float]:
    """Thickness, height and depth, in inches: twice as large is drawn less than twice as large."""
    if len(shape) == 1:
        return 0.12, TALLEST * min(1, 0.085 * log2(1 + shape[0])), 0.12
    channels, height, width = shape
    inches = [TALLEST * (side / largest) ** 0.6 for side in (height, width)]
    return 0.04 + 0.085 * log2(channels), *inches


def _draw_box(
    axis: Axes, corner: np.ndarray, size: tuple[float, float, float], colour: str
) -> None:
    """A box whose face nearest the reader has its lower left corner at ``corner``."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Polygon

    right, up, away = np.array([size[0], 0]), np.array([0, size[1]]), AWAY * size[2]
    low, high = corner + right, corner + up
    faces = [
        ([corner, low, low + up, high], 0.45),
        ([high, high + right, high + right + away, high + away], 0.75),
        ([low, low + away, low + away + up, low + up], 0.6),
    ]
    for points, light in faces:
        shade = light + (1 - light) * np.array(to_rgb(colour))
        axis.add_patch(Polygon(points, facecolor=shade, edgecolor=colour, linewidth=0.8))


def _draw_window(
    axis: Axes,
    corner: np.ndarray,
    size: tuple[float, float, float],
    shape: tuple[int, ...],
    kernel: int,
    target: np.ndarray,
) -> None:
    """The window that slides on the right face of a box, and lines from it to the ``target``."""
    from matplotlib.patches import Polygon

    share = min(1, max(kernel / shape[-1], 0.14))  # smaller, nobody would see it
    up, away = np.array([0, size[1]]), AWAY * size[2]
    start = corner + [size[0], 0] + (1 - share) * (0.6 * up + 0.5 * away)
    points = [start, start + share * away, start + share * (away + up), start + share * up]
    axis.add_patch(Polygon(points, facecolor="white", edgecolor=INK, linewidth=1, zorder=3))
    for point in points[1:3]:
        axis.plot(*zip(point, target, strict=True), color=INK, linewidth=0.6, zorder=3)
