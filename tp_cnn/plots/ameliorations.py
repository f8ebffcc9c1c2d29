"""Pictures of notebook 05: pixel values by channel, descents in a valley, learning rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from tp_cnn.plots.style import COLOURS, INK, clean, figure, percent_tick, whole_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHANNELS = {"rouge": (COLOURS[1], "-"), "vert": (COLOURS[2], "--"), "bleu": (COLOURS[0], ":")}


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
    """The learning rate of each epoch: one line a schedule."""
    drawn, axis = figure(width=6.4, height=3.0)
    lines = zip(rates.items(), cycle(COLOURS), cycle("os^Dv"))
    for (name, values), colour, marker in lines:
        epochs = range(1, len(values) + 1)
        axis.plot(epochs, values, marker=marker, markersize=4, color=colour, label=name)
    axis.set(title=title, xlabel="époque", ylabel="pas d'apprentissage")
    whole_numbers(axis.xaxis)
    axis.set_ylim(bottom=0)
    drawn.legend(loc="outside right center", frameon=False)
    clean(axis)
    return drawn
