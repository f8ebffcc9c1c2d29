"""Pictures of notebook 09: reconstructions, the latent plane, machines and what they draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from tp_cnn.display import decimal
from tp_cnn.plots.style import COLOURS, INK, MARKERS, clean, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    """A code of two numbers a point; each class has its colour and its marker."""
    codes, labels = np.asarray(codes), np.asarray(labels)
    drawn, axis = figure(width=6.5, height=4.6)
    for number, (name, colour) in enumerate(zip(classes, cycle(COLOURS), strict=False)):
        mine = codes[labels == number]
        marker = MARKERS[number // len(COLOURS)]
        axis.plot(*mine.T, marker, color=colour, markersize=4, alpha=0.6, label=name)
    axis.set(xlabel="premier nombre du code", ylabel="second nombre du code")
    axis.set_title("Une image, un point ; une couleur et une forme par classe", fontsize=10)
    drawn.legend(loc="outside right center", frameon=False, markerscale=1.5)
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
    axis.set_title("Divergence contrastive : écart au gradient exact", fontsize=10)
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
    drawn.suptitle("Une machine qui apprend")
    for axis in (left, right):
        clean(axis)
    return drawn
