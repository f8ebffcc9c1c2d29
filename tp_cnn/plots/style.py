"""Colours and figure settings shared by every picture."""

import matplotlib.pyplot as plt
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FuncFormatter, ScalarFormatter

# Okabe and Ito's palette: told apart by colour-blind readers. Yellow is left out: too pale.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = "osD^vPX"  # one a line: colours vanish on a grey print
INK = "#333333"
# Blue below 0, orange above; blue is much the darker, so that a grey print tells them apart.
SIGNED = LinearSegmentedColormap.from_list(
    "signed", ["#08306B", "#9ECAE1", "#FFFFFF", "#FDD9A0", "#F28E1C"]
)
# 0.125 is written « 12,5 % ».
PERCENT = FuncFormatter(lambda value, _: f"{100 * value:.3g} %".replace(".", ","))


class FrenchFormatter(ScalarFormatter):
    """The numbers of an axis, with a decimal comma."""

    def __call__(self, value: float, position: int | None = None) -> str:
        return super().__call__(value, position).replace(".", ",")


def figure(rows: int = 1, columns: int = 1, width: float = 7.0, height: float = 2.8, **options):
    """A figure and its axes, sized in inches, light enough to be kept in a notebook."""
    made, axes = plt.subplots(
        rows, columns, figsize=(width, height), dpi=90, layout="constrained", **options
    )
    for axis in made.axes:
        axis.set_prop_cycle(color=COLOURS)
        for one in (axis.xaxis, axis.yaxis):
            one.set_major_formatter(FrenchFormatter())
            one.isDefault_majfmt = True  # a scale or categories may still choose their own
    plt.close(made)  # the caller's cell shows it once, by returning it
    return made, axes


def clean(axis) -> None:
    """Leave only the left and bottom lines, and a light grid."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.25, linewidth=0.6)
