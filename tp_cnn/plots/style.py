"""Colours and figure settings shared by every picture."""

# Matplotlib is imported where it draws: a notebook's first cell need not wait for it.

# Okabe and Ito's palette: told apart by colour-blind readers. Yellow is left out: too pale.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = "osD^vPX"  # one a line: colours vanish on a grey print
INK = "#333333"
# Blue below 0, orange above; blue is much the darker, so that a grey print tells them apart.
SIGNED = ["#08306B", "#9ECAE1", "#FFFFFF", "#FDD9A0", "#F28E1C"]


def signed_colours():
    """The colours of `SIGNED`, as Matplotlib takes them."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", SIGNED)


def percent_tick(value: float, _position: int | None = None) -> str:
    """What stands at a tick of an axis of shares: 0.125 is « 12,5 % »."""
    return f"{100 * value:.3g} %".replace(".", ",")


def decimal(value: float, digits: int = 3) -> str:
    """A number by its significant digits, in French: ``decimal(-0.25)`` is « −0,25 »."""
    return f"{value:.{digits}g}".replace(".", ",").replace("-", "−")


def decimal_tick(value: float, _position: int | None = None) -> str:
    """`decimal`, as the ticks of an axis take it."""
    return decimal(value)


def french_formatter():
    """For the numbers of an axis: Matplotlib's own, with a decimal comma."""
    from matplotlib.ticker import ScalarFormatter

    class FrenchFormatter(ScalarFormatter):
        def __call__(self, value: float, position: int | None = None) -> str:
            return super().__call__(value, position).replace(".", ",")

    return FrenchFormatter()


def figure(rows: int = 1, columns: int = 1, width: float = 7.0, height: float = 2.8, **options):
    """A figure and its axes, sized in inches, light enough to be kept in a notebook."""
    import matplotlib.pyplot as plt

    made, axes = plt.subplots(
        rows, columns, figsize=(width, height), dpi=90, layout="constrained", **options
    )
    for axis in made.axes:
        axis.set_prop_cycle(color=COLOURS)
        for one in (axis.xaxis, axis.yaxis):
            one.set_major_formatter(french_formatter())
            one.isDefault_majfmt = True  # a scale or categories may still choose their own
    plt.close(made)  # the caller's cell shows it once, by returning it
    return made, axes


def whole_numbers(axis) -> None:
    """Ticks of an x or y axis at whole numbers alone, such as epochs."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True))


def clean(axis) -> None:
    """Leave only the left and bottom lines, and a light grid."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.25, linewidth=0.6)
