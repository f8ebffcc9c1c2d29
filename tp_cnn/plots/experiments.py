"""Pictures of a comparison over several seeds: mean curves, and test accuracies seed by seed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from tp_cnn.display import percent
from tp_cnn.errors import CourseError
from tp_cnn.plots.style import COLOURS, INK, clean, figure, percent_tick, whole_numbers
from tp_cnn.training.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure


MARKERS = "osD^vPX"


def comparison(summaries: Sequence) -> Figure:
    """Validation accuracy by epoch, and test accuracy after the last epoch, side by side.

    Lines and large markers are means over seeds, bands and whiskers one standard deviation, small
    markers seeds; a marker is of one configuration in both.

    Args:
        summaries: what `tp_cnn.experiments.summaries.summarise` gives.

    Raises:
        CourseError: there is none.
    """
    from matplotlib.ticker import MaxNLocator

    if not summaries:
        raise CourseError("no finished run to draw")
    height = max(3.2, 1.4 + 0.34 * len(summaries))
    drawn, (left, right) = figure(1, 2, width=9.5, height=height)
    places = range(len(summaries))
    for place, summary, colour in zip(places, summaries, cycle(COLOURS), strict=False):
        line = "-" if place < len(COLOURS) else "--"
        marker = MARKERS[place % len(MARKERS)]  # colours vanish on a grey print
        _curve(left, summary.histories, line, {"color": colour, "marker": marker, "ms": 4})
        _points(right, place, summary.tests, colour, marker)
    left.set(title="Validation", xlabel="époque", ylabel="images bien classées")
    whole_numbers(left.xaxis)
    left.yaxis.set_major_formatter(percent_tick)
    right.set(title="Test, après la dernière époque", xlabel="images bien classées")
    right.set_yticks(places, [summary.label for summary in summaries])
    for name, colour in zip(right.get_yticklabels(), cycle(COLOURS), strict=False):
        name.set_color(colour)  # they are the legend of the curves too
    right.invert_yaxis()  # the first one on top
    right.xaxis.set_major_formatter(percent_tick)
    right.xaxis.set_major_locator(MaxNLocator(5))
    right.margins(0.1, 0.15)
    for axis in (left, right):
        clean(axis)
    counts = sorted({len(summary.tests) for summary in summaries})
    if counts == [1]:
        caption = "une seule graine : l'écart d'une graine à l'autre n'est pas connu"
    else:
        caption = f"moyenne ± écart-type sur {' ou '.join(map(str, counts))} graines"
    drawn.supxlabel(caption, fontsize=9, color=INK)
    return drawn


def _curve(axis, histories: Sequence[History], line: str, style: dict) -> None:
    values = np.array([history.validation_accuracy for history in histories])  # (seeds, epochs)
    epochs, mean = histories[0].epoch, values.mean(0)
    axis.plot(epochs, mean, line, **style)
    if len(values) > 1:
        spread = values.std(0, ddof=1)
        bounds = mean - spread, mean + spread
        axis.fill_between(epochs, *bounds, color=style["color"], alpha=0.15, lw=0)


def _points(axis, place: int, values: Sequence[float], colour: str, marker: str) -> None:
    mean = np.mean(values)
    spread = np.std(values, ddof=1) if len(values) > 1 else 0
    axis.plot(values, [place] * len(values), marker, color=colour, markersize=3.5, alpha=0.6)
    axis.errorbar(mean, place, xerr=spread, fmt=marker, color=colour, markersize=7, capsize=4)
    axis.annotate(
        percent(mean, 1),
        (mean, place),
        xytext=(0, 7),
        textcoords="offset points",
        ha="center",
        fontsize=8,
        color=INK,
    )
