"""Pictures of notebook 07: filters, maps, explanations, features in the plane, attacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from tp_cnn.plots.style import COLOURS, INK, clean, figure, percent_tick

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = "osD^vP*Xd<"


def rows_of_images(rows: Mapping[str, Tensor], title: str = "", size: float = 0.62) -> Figure:
    """A row of small pictures a name.

    Args:
        rows: name -> images (N, 1 or 3, H, W) between 0 and 1, or maps (N, H, W) of any values.
        size: of one picture, in inches.
    """
    columns = max(map(len, rows.values()))
    width = size * columns + 1.0
    drawn, axes = figure(
        len(rows), columns, width=width, height=size * len(rows) + 0.45, squeeze=False
    )
    for line, (name, images) in zip(axes, rows.items(), strict=True):
        for axis in line:
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        for axis, image in zip(line, images, strict=False):
            _show(axis, image)
        line[0].set_ylabel(
            name, rotation=0, ha="right", va="center", fontsize=8, color=INK, labelpad=4
        )
    if title:
        drawn.suptitle(title, fontsize=10)
    return drawn


def _show(axis, image: Tensor) -> None:
    values = image.detach().cpu().numpy()
    if values.ndim == 2:
        axis.imshow(values, cmap="viridis")
    elif len(values) == 1:
        axis.imshow(values[0], cmap="gray", vmin=0, vmax=1)
    else:
        axis.imshow(values.transpose(1, 2, 0).clip(0, 1))


def explanations(
    images: Tensor, maps: Mapping[str, Sequence[Tensor]], titles: Sequence[str], title: str = ""
) -> Figure:
    """A row an image: the image, then what each method shows of the network's answer to it.

    The maps of a method go from dark to light, or, where some have both signs, from blue where they
    are negative to red where they are positive.

    Args:
        images: (N, 1 or 3, H, W), between 0 and 1.
        maps: method -> a map (height, width) an image.
        titles: one an image.
    """
    drawn, axes = figure(
        len(images),
        len(maps) + 1,
        width=1.25 * (len(maps) + 1) + 0.4,
        height=1.2 * len(images) + 0.5,
        squeeze=False,
    )
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    for row, (image, name) in enumerate(zip(images, titles, strict=True)):
        _show(axes[row, 0], image)
        axes[row, 0].set_ylabel(name, fontsize=8, color=INK)
    for column, found in enumerate(maps.values(), start=1):
        both = any(map(_has_both_signs, found))
        for row, image in enumerate(images):
            _show_map(axes[row, column], found[row], image, both)
    for axis, name in zip(axes[0], ["image", *maps], strict=True):
        axis.set_title(name, fontsize=9, color=INK)
    if title:
        drawn.suptitle(title, fontsize=10)
    return drawn


def _has_both_signs(values: Tensor) -> bool:
    return values.min().item() < -0.05 * values.abs().max().item()


def _show_map(axis, values: Tensor, image: Tensor, both: bool) -> None:
    values = values.detach().cpu().numpy()
    extent = (-0.5, image.shape[2] - 0.5, image.shape[1] - 0.5, -0.5)
    limit = np.abs(values).max() or 1.0
    colours = {"cmap": "RdBu_r", "vmin": -limit} if both else {"cmap": "viridis", "vmin": 0}
    axis.imshow(values, extent=extent, vmax=limit, **colours)


def planes(
    views: Mapping[str, np.ndarray], labels: Sequence[int], wrong: Sequence[bool], names
) -> Figure:
    """Points in the plane, a colour and a marker a class; misclassified images are ringed.

    Args:
        views: title -> points (N, 2).
        names: of the classes.
    """
    labels, wrong = np.asarray(labels), np.asarray(wrong, dtype=bool)
    drawn, axes = figure(1, len(views), width=9.0, height=3.9, squeeze=False)
    for axis, (title, points) in zip(axes.flat, views.items(), strict=True):
        styles = zip(names, cycle(COLOURS), cycle(MARKERS), strict=False)
        for number, (name, colour, marker) in enumerate(styles):
            chosen = points[labels == number]
            axis.plot(*chosen.T, marker, color=colour, markersize=3.5, alpha=0.7, label=name)
        ringed = {"markersize": 9, "fillstyle": "none", "color": INK, "label": "mal classée"}
        axis.plot(*points[wrong].T, "o", **ringed)
        axis.set(title=title, xticks=[], yticks=[])
        axis.title.set_fontsize(10)
    drawn.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    return drawn


def accuracy_by_change(
    levels: Sequence[float], lines: Mapping[str, Sequence[float]], title: str
) -> Figure:
    """Accuracy against how far each pixel moved, in levels of 255: a line a kind of change."""
    drawn, axis = figure(width=6.0, height=3.0)
    for (name, values), colour, marker in zip(lines.items(), COLOURS, MARKERS, strict=False):
        axis.plot(levels, values, marker=marker, color=colour, label=name)
    axis.set_xticks(levels)
    axis.minorticks_off()
    axis.yaxis.set_major_formatter(percent_tick)
    axis.set_ylim(0, 1.02)
    axis.set(
        xlabel="changement de chaque pixel (niveaux, sur 255)",
        ylabel="réponses inchangées",
        title=title,
    )
    axis.legend(frameon=False)
    clean(axis)
    return drawn
