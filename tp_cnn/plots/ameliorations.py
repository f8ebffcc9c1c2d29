"""Pictures of notebook 05: pixel values, windows, descents in a valley, rates and losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from tp_cnn.plots.style import COLOURS, INK, clean, figure, percent_tick, whole_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CHANNELS = {"rouge": (COLOURS[1], "-"), "vert": (COLOURS[2], "--"), "bleu": (COLOURS[0], ":")}

FAR = 20  # rates that differ by more than this factor are drawn on a log scale


def channel_values(versions: Mapping[str, Tensor]) -> Figure:
    """How often each value is met, channel by channel: one panel a version of the images.

    Args:
        versions: title -> float images (N, 3, H, W).
    """
    drawn, axes = figure(1, len(versions), width=8.5, height=2.8, squeeze=False)
    for axis, (title, images) in zip(axes.flat, versions.items(), strict=True):
        for channel, (name, (colour, line)) in zip(images.unbind(1), CHANNELS.items(), strict=True):
            counts, edges = np.histogram(channel.numpy(), bins=32)  # 8 levels of 256 each
            middles = (edges[1:] + edges[:-1]) / 2
            axis.plot(middles, counts / counts.sum(), line, color=colour, label=name)
        axis.set(title=title, xlabel="valeur d'un pixel", ylabel="part des pixels")
        axis.xaxis.set_major_formatter(_decimal_tick)
        axis.yaxis.set_major_formatter(percent_tick)
        axis.set_ylim(bottom=0)
        clean(axis)
    axes[0, 0].legend(frameon=False)
    return drawn


def descents(
    paths: Mapping[str, np.ndarray], loss: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> Figure:
    """Successive weights, on the contour lines of a loss of two weights; the start is a ring.

    Args:
        paths: name -> points (steps + 1, 2).
        loss: of the two weights, for arrays of any shape.
    """
    drawn, axis = figure(width=7.0, height=3.2)
    points = np.concatenate(list(paths.values()))
    low, high = points.min(0), points.max(0)
    margin = 0.12 * (high - low)
    grid = [np.linspace(a, b, 120) for a, b in zip(low - margin, high + margin, strict=True)]
    first, second = np.meshgrid(*grid)
    axis.contour(first, second, loss(first, second), levels=12, colors="#bbbbbb", linewidths=0.7)
    for (name, path), colour, marker in zip(paths.items(), cycle(COLOURS), cycle("os^")):
        axis.plot(*path.T, color=colour, marker=marker, markersize=3.5, linewidth=1, label=name)
    start = next(iter(paths.values()))[0]
    axis.plot(*start, "o", color=INK, markersize=11, fillstyle="none")
    axis.plot(0, 0, "*", color=INK, markersize=12)
    axis.set(xlabel="premier poids", ylabel="second poids")
    axis.set_title("Départ : cercle ; minimum : étoile", fontsize=10)
    drawn.legend(loc="outside right center", frameon=False)
    return drawn


def learning_rates(rates: Mapping[str, Sequence[float]], title: str) -> Figure:
    """The learning rate of each epoch: one line a schedule; equal lines show one in the other."""
    drawn, axis = _by_epoch(rates, title, "pas d'apprentissage")
    values = [value for line in rates.values() for value in line if value > 0]
    if max(values) > FAR * min(values):
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter(_decimal_tick)
    else:
        axis.set_ylim(bottom=0)
    return drawn


def losses(by_run: Mapping[str, Sequence[float]], title: str) -> Figure:
    """The train loss of each epoch: one line a run; a run that diverged has NaN, and no line."""
    known = {
        name if np.isfinite(values).all() else f"{name} (diverge)": values
        for name, values in by_run.items()
    }
    return _by_epoch(known, title, "coût d'apprentissage")[0]


def _decimal_tick(value: float, _position: int) -> str:
    return f"{value:g}".replace(".", ",")


def _by_epoch(
    lines: Mapping[str, Sequence[float]], title: str, measured: str
) -> tuple[Figure, Axes]:
    drawn, axis = figure(width=7.4, height=3.0)
    styles = zip(cycle(COLOURS), cycle("os^Dvp"), cycle(["-", "--", "-.", ":"]))
    # The first line is the largest: another that hides it leaves its border to be seen.
    sizes = np.linspace(9, 4, len(lines))
    for (name, values), (colour, marker, line), size in zip(
        lines.items(), styles, sizes, strict=False
    ):
        epochs = range(1, len(values) + 1)
        style = {"marker": marker, "markersize": size, "linewidth": size / 3, "color": colour}
        axis.plot(epochs, values, linestyle=line, fillstyle="none", label=name, **style)
    axis.set(title=title, xlabel="époque", ylabel=measured)
    whole_numbers(axis.xaxis)
    axis.yaxis.set_major_formatter(_decimal_tick)
    drawn.legend(loc="outside right center", frameon=False)
    clean(axis)
    return drawn, axis


def windows(image: Tensor, variants: Mapping[str, Tensor]) -> Figure:
    """Where each variant was cut from an image, and below, what it became.

    Args:
        image: (C, H, W).
        variants: title -> a window of the image, mirrored or not.
    """
    drawn, axes = figure(2, len(variants), width=1.15 * len(variants), height=2.7, squeeze=False)
    for (above, below), (title, variant) in zip(axes.T, variants.items(), strict=True):
        for axis, pixels in ((above, image), (below, variant)):
            axis.imshow(pixels.permute(1, 2, 0).numpy(), interpolation="nearest")
            axis.axis("off")
        above.set_title(title, fontsize=9)
        below.set_title("en miroir" if _draw_frame(above, image, variant) else "", fontsize=8)
    return drawn


def _draw_frame(axis: Axes, image: Tensor, variant: Tensor) -> bool:
    """The window on the image, if it is one; whether it was mirrored."""
    from matplotlib.patches import Rectangle

    height, width = variant.shape[1:]
    places = image.unfold(1, height, 1).unfold(2, width, 1)  # (C, rows, columns, height, width)
    for mirrored, window in ((False, variant), (True, variant.flip(2))):
        same = (places == window[:, None, None]).all(-1).all(-1).all(0).nonzero()
        if len(same):
            top, left = same[0].tolist()
            for colour, line in (("white", "-"), (COLOURS[1], "--")):  # seen on any colour
                frame = {"fill": False, "edgecolor": colour, "linestyle": line, "linewidth": 1.8}
                axis.add_patch(Rectangle((left - 0.5, top - 0.5), width, height, **frame))
            return mirrored
    return False
