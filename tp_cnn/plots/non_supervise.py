"""Pictures of notebook 09: reconstructions, the latent plane, machines and what they draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from tp_cnn.display import decimal
from tp_cnn.plots.style import COLOURS, INK, MARKERS, clean, figure, percent_tick

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def rows_of_images(rows: Mapping[str, ArrayLike], title: str = "") -> Figure:
    """Images in grey, one row a name, all on the scale from 0 to 1.

    Args:
        rows: name -> images (N, H, W), as many in each row.
    """
    count = len(next(iter(rows.values())))
    drawn, axes = figure(
        len(rows), count, width=0.85 * count + 1.2, height=0.9 * len(rows) + 0.4, squeeze=False
    )
    for line, (name, images) in zip(axes, rows.items(), strict=True):
        for axis, image in zip(line, images, strict=True):
            axis.imshow(np.asarray(image), cmap="gray", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    drawn.suptitle(title, fontsize=10)
    return drawn


def filters(weights: ArrayLike, shape: tuple[int, int], count: int = 32) -> Figure:
    """The weights of the first hidden units as images; 0 is white, one scale for all.

    Args:
        weights: (d, u), with d = height × width.
    """
    images = np.asarray(weights).T[:count].reshape(-1, *shape)
    columns = 16
    rows = -(-len(images) // columns)
    drawn, axes = figure(rows, columns, width=9.5, height=0.65 * rows + 0.3, squeeze=False)
    most = float(np.abs(images).max())
    for axis in axes.flat:
        axis.axis("off")
    for axis, image in zip(axes.flat, images, strict=False):
        axis.imshow(image, cmap="PuOr_r", vmin=-most, vmax=most)
    drawn.suptitle("Poids de quelques unités cachées : orange positif, violet négatif", fontsize=10)
    return drawn


def latent_plane(codes: ArrayLike, labels: ArrayLike, classes: Sequence[str]) -> Figure:
    """A code of two numbers a point; a class has its colour and its name where it is dense."""
    codes, labels = np.asarray(codes), np.asarray(labels)
    drawn, axis = figure(width=6.5, height=4.6)
    for number, (name, colour) in enumerate(zip(classes, cycle(COLOURS), strict=False)):
        mine = codes[labels == number]
        marker = MARKERS[number // len(COLOURS)]
        axis.plot(*mine.T, marker, color=colour, markersize=2.5, alpha=0.5)
        place = np.median(mine, axis=0)
        box = {"boxstyle": "circle", "fc": "white", "ec": colour, "alpha": 0.9}
        axis.text(*place, name, ha="center", va="center", fontsize=9, color=INK, bbox=box)
    axis.set(xlabel="premier nombre du code", ylabel="second nombre du code")
    clean(axis)
    return drawn


def by_labels(accuracies: Mapping[str, Mapping[int, Sequence[float]]]) -> Figure:
    """Accuracy by number of labels, log axis: means, and bands of one deviation over seeds.

    Args:
        accuracies: way -> number of labels -> accuracies in [0, 1], one a seed.
    """
    drawn, axis = figure(width=7.0, height=3.4)
    for (name, by_count), colour, marker in zip(
        accuracies.items(), cycle(COLOURS), cycle(MARKERS), strict=False
    ):
        counts = sorted(by_count)
        means = np.array([np.mean(by_count[count]) for count in counts])
        several = all(len(by_count[count]) > 1 for count in counts)
        axis.plot(counts, means, color=colour, marker=marker, markersize=5, label=name)
        if several:
            spreads = np.array([np.std(by_count[count], ddof=1) for count in counts])
            axis.fill_between(counts, means - spreads, means + spreads, color=colour, alpha=0.15)
    axis.set_xscale("log")
    axis.set_xticks(counts, [str(count) for count in counts])
    axis.minorticks_off()
    axis.yaxis.set_major_formatter(percent_tick)
    axis.set(xlabel="étiquettes", ylabel="images bien classées")
    axis.legend(frameon=False)
    clean(axis)
    return drawn


def bias(errors: Mapping[int, float], noise: float) -> Figure:
    """How far contrastive divergence is from the exact gradient, by number of Gibbs steps.

    Args:
        errors: number of steps -> largest gap.
        noise: the gap that the finite number of chains alone would leave.
    """
    from matplotlib.ticker import LogLocator

    drawn, axis = figure(width=6.5, height=3.0)
    axis.plot(list(errors), list(errors.values()), color=COLOURS[0], marker="o")
    axis.axhline(noise, color=INK, ls=":", lw=1)
    axis.text(max(errors), noise, "bruit du tirage", ha="right", va="bottom", fontsize=8, color=INK)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks(list(errors), [str(k) for k in errors])
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(lambda value, _: decimal(value, ".1g"))
    axis.minorticks_off()
    axis.set(xlabel="pas de Gibbs (k)", ylabel="plus grand écart au gradient")
    clean(axis)
    return drawn


def energies(rows: Sequence[Mapping[str, float]]) -> Figure:
    """Reconstruction error, and free energy of train and held-out images, by epoch."""
    epochs = range(1, len(rows) + 1)
    drawn, (left, right) = figure(1, 2, width=9.0, height=3.0)
    left.plot(epochs, [row["reconstruction"] for row in rows], color=COLOURS[0], marker="o")
    left.set(title="Erreur de reconstruction", xlabel="époque", ylabel="écart quadratique")
    for name, colour, marker in (
        ("apprentissage", COLOURS[0], MARKERS[0]),
        ("mises de côté", COLOURS[1], MARKERS[1]),
    ):
        values = [row[name] for row in rows]
        right.plot(epochs, values, color=colour, marker=marker, markersize=4, label=name)
    right.set(title="Énergie libre moyenne", xlabel="époque")
    right.legend(frameon=False)
    for axis in (left, right):
        clean(axis)
    return drawn
