"""Descents, their surface, the error of a numerical gradient, the spread of values by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tp_cnn.plots.style import COLOURS, INK, MARKERS, clean, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES = ["-", "--", "-.", ":"]


def lines(
    values: Mapping[str, Sequence[float]],
    xlabel: str,
    ylabel: str,
    title: str = "",
    xs: Sequence[float] | None = None,
) -> Figure:
    """One line a name, told apart by its colour and its dashes."""
    drawn, axis = figure(width=6.2, height=2.9)
    for rank, (name, line) in enumerate(values.items()):
        style = LINES[rank % len(LINES)]
        axis.plot(range(1, len(line) + 1) if xs is None else xs, line, style, label=name)
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axis.legend(frameon=False, fontsize=9)
    clean(axis)
    return drawn


def gradient_errors(epsilons: Sequence[float], errors: Mapping[str, Sequence[float]]) -> Figure:
    """The error of a numerical derivative by the step epsilon, both on a logarithmic scale.

    Args:
        errors: name of a formula -> its relative errors, one an epsilon.
    """
    drawn, axis = figure(width=6.2, height=3.4)
    for rank, (name, line) in enumerate(errors.items()):
        axis.loglog(
            epsilons, np.maximum(line, 1e-17), MARKERS[rank] + LINES[rank], ms=4, label=name
        )
    axis.set(
        xlabel="ε (sans unité)",
        ylabel="erreur relative",
        title="Erreur d'une dérivée numérique selon le pas ε",
    )
    axis.legend(frameon=False, fontsize=9)
    clean(axis)
    return drawn


def descents(costs: Mapping[str, np.ndarray], limit: float = 0.1) -> Figure:
    """One panel a network, one curve a start; those that end above ``limit`` are orange, dashed.

    Args:
        costs: name of a network -> (starts, steps).
    """
    from matplotlib.ticker import MaxNLocator

    drawn, axes = figure(
        1, len(costs), width=3 * len(costs), height=2.9, sharey=True, squeeze=False
    )
    for axis, (name, curves) in zip(axes[0], costs.items(), strict=True):
        bad = curves[:, -1] > limit
        for curve in curves[~bad]:
            axis.plot(curve, color=COLOURS[0], alpha=0.5, linewidth=0.9)
        for curve in curves[bad]:
            axis.plot(curve, "--", color=COLOURS[1], linewidth=1.2)
        plural = "s" if bad.sum() > 1 else ""
        axis.set_title(f"{name} : {bad.sum()} échec{plural} sur {len(curves)}", fontsize=10)
        axis.set_xlabel("pas de descente")
        axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        clean(axis)
    axes[0, 0].set_ylabel("coût (entropie croisée)")
    return drawn


def loss_surface(
    first: np.ndarray,
    second: np.ndarray,
    costs: np.ndarray,
    paths: Mapping[str, np.ndarray],
    names: tuple[str, str],
) -> Figure:
    """Level lines of the cost along two weights, and the steps of a descent for each rate.

    Args:
        first, second: the values of both weights, (A,) and (B,).
        costs: (B, A).
        paths: name of a rate -> (steps, 2).
        names: of the weights.
    """
    from matplotlib.colors import LogNorm

    count = len(paths)
    drawn, axes = figure(1, count, width=2.6 * count, height=2.9, sharey=True, squeeze=False)
    levels = np.geomspace(costs.min() * 1.05, costs.max(), 14)
    for axis, (name, path) in zip(axes[0], paths.items(), strict=True):
        axis.contour(
            first, second, costs, levels=levels, cmap="Greys_r", linewidths=0.7, norm=LogNorm()
        )
        axis.plot(*path.T, "o-", color=COLOURS[0], markersize=2.5, linewidth=0.9)
        axis.plot(*path[0], "s", color=COLOURS[1], markersize=7, label="départ")
        axis.plot(*path[-1], "*", color=COLOURS[2], markersize=11, label="arrivée")
        axis.set(xlim=(first[0], first[-1]), ylim=(second[0], second[-1]), xlabel=names[0])
        axis.set_title(name, fontsize=9, color=INK)
    axes[0, 0].set_ylabel(names[1])
    axes[0, 0].legend(frameon=False, fontsize=8, loc="lower left")
    return drawn


def spreads(
    deviations: Mapping[str, tuple[Sequence[float], Sequence[float]]], title: str
) -> Figure:
    """Standard deviation of what each layer gives, and of the gradient that it receives.

    Args:
        deviations: name of an initialisation -> both, one value a layer.
    """
    from matplotlib.ticker import MaxNLocator

    drawn, axes = figure(1, 2, width=8.6, height=3.1)
    for side, axis in enumerate(axes):
        for rank, (name, both) in enumerate(deviations.items()):
            line = both[side]
            layers = np.arange(1, len(line) + 1)
            style = MARKERS[rank] + LINES[rank % len(LINES)]
            axis.semilogy(layers, np.maximum(line, 1e-30), style, markersize=4, label=name)
        axis.set_xlabel("couche")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        clean(axis)
    axes[0].set(title="Sorties (en avant)", ylabel="écart-type")
    axes[1].set(title="Gradients reçus (en arrière)")
    handles, labels = axes[0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    drawn.suptitle(title, fontsize=11)
    return drawn
