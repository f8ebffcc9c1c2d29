"""Colours and figure settings shared by every picture."""

import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

# Okabe and Ito's palette: told apart by colour-blind readers. Yellow is left out: too pale.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
INK = "#333333"
# 0.125 is written « 12,5 % ».
PERCENT = FuncFormatter(lambda value, _: f"{100 * value:.3g} %".replace(".", ","))


def decimal(value: float, digits: int = 3) -> str:
    """A number written in French: ``decimal(-0.25)`` is « −0,25 »."""
    return f"{value:.{digits}g}".replace(".", ",").replace("-", "−")


DECIMAL = FuncFormatter(lambda value, _: decimal(value))


def figure(rows: int = 1, columns: int = 1, width: float = 7.0, height: float = 2.8, **options):
    """A figure and its axes, sized in inches, light enough to be kept in a notebook."""
    made, axes = plt.subplots(
        rows, columns, figsize=(width, height), dpi=90, layout="constrained", **options
    )
    for axis in made.axes:
        axis.set_prop_cycle(color=COLOURS)
    plt.close(made)  # the caller's cell shows it once, by returning it
    return made, axes


def clean(axis) -> None:
    """Leave only the left and bottom lines, and a light grid."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.25, linewidth=0.6)
