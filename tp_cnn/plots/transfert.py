"""Pictures of notebook 06: accuracy by number of labels, by number of frozen layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from tp_cnn.display import thousands
from tp_cnn.plots.style import COLOURS, INK, clean, figure, percent_tick

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def count_tick(value: float, _position: int) -> str:
    """What stands at a tick of an axis of numbers of images."""
    return thousands(round(value))


def accuracy_by_labels(
    ways: Mapping[str, Mapping[int, Sequence[float]]],
    chance: float | None,
    title: str,
    ours: Mapping[str, Mapping[int, float]] | None = None,
) -> Figure:
    """A line a way to learn: mean and standard deviation over seeds, on a log axis of labels.

    Args:
        ways: name -> number of labels -> accuracies, one a seed.
        chance: accuracy of an answer at random, for a dotted line; None where it would crush the
            others.
        ours: name -> number of labels -> accuracy measured here, drawn as hollow markers.
    """
    drawn, axis = figure(width=6.8, height=3.4)
    counts = sorted({count for accuracies in ways.values() for count in accuracies})
    for (name, accuracies), colour, marker in zip(ways.items(), COLOURS, "osD", strict=False):
        places = sorted(accuracies)
        means = [np.mean(accuracies[place]) for place in places]
        spreads = [_spread(accuracies[place]) for place in places]
        axis.errorbar(
            places, means, yerr=spreads, marker=marker, color=colour, label=name, capsize=3
        )
        for count, accuracy in (ours or {}).get(name, {}).items():
            axis.plot(count, accuracy, marker, color=colour, markersize=9, fillstyle="none")
    if chance is not None:
        axis.axhline(chance, color=INK, linestyle=":", linewidth=1)
        axis.annotate("au hasard", (counts[0], chance), xytext=(0, 3), textcoords="offset points")
    axis.set_xscale("log")
    axis.set_xticks(counts)
    axis.minorticks_off()
    axis.xaxis.set_major_formatter(count_tick)
    axis.yaxis.set_major_formatter(percent_tick)
    axis.set(xlabel="images étiquetées", ylabel="images bien classées", title=title)
    drawn.legend(loc="outside right center", frameon=False)
    clean(axis)
    return drawn


def accuracy_by_frozen(
    runs: Mapping[str, Mapping[int, Sequence[float]]], layers: Sequence[str], title: str
) -> Figure:
    """Accuracy against how many layers are frozen: mean and standard deviation over seeds.

    Args:
        runs: name -> number of frozen layers -> accuracies, one a seed.
        layers: their names, in order: the k first are frozen.
    """
    drawn, axis = figure(width=6.4, height=3.3)
    for (name, accuracies), colour, marker in zip(
        runs.items(), cycle(COLOURS), "os^D", strict=False
    ):
        places = sorted(accuracies)
        means = [np.mean(accuracies[place]) for place in places]
        spreads = [_spread(accuracies[place]) for place in places]
        axis.errorbar(
            places, means, yerr=spreads, marker=marker, color=colour, label=name, capsize=3
        )
    names = ["aucune", *[f"… {layer}" for layer in layers]]
    axis.set_xticks(range(len(names)), names)
    axis.yaxis.set_major_formatter(percent_tick)
    axis.set(xlabel="couches gelées, jusqu'à", ylabel="images bien classées", title=title)
    drawn.legend(loc="outside lower center", frameon=False)
    clean(axis)
    return drawn


def _spread(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def rates_and_memory(
    rates: Sequence[float], lines: Mapping[str, Sequence[float]], title: str
) -> Figure:
    """Accuracies on the new task and on the old one, against a learning rate (log axis)."""
    drawn, axis = figure(width=6.0, height=3.1)
    for (name, values), colour, marker in zip(lines.items(), COLOURS, "os^", strict=False):
        axis.plot(rates, values, marker=marker, color=colour, label=name)
    axis.set_xscale("log")
    axis.set_xticks(rates, [f"{rate:g}".replace(".", ",") for rate in rates])
    axis.minorticks_off()
    axis.yaxis.set_major_formatter(percent_tick)
    axis.set(xlabel="pas des couches déjà apprises", ylabel="images bien classées", title=title)
    drawn.legend(loc="outside right center", frameon=False)
    clean(axis)
    return drawn
