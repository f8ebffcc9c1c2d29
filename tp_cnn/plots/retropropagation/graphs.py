"""Graphs of computations: the 2-2-1 network of document 003, and scalars that remember."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tp_cnn.display import decimal
from tp_cnn.plots.style import COLOURS, INK, figure
from tp_cnn.scratch.scalars import Scalar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE = COLOURS[:2]
PLACES = {
    "x1": (0.0, 1.0),
    "x2": (0.0, -1.0),
    "z11": (2.2, 1.0),
    "z12": (2.2, -1.0),
    "z2": (4.4, 0.0),
    "err": (6.2, 0.0),
}
NAMES = {
    "x1": "$x_1$",
    "x2": "$x_2$",
    "z11": "$z_1^{(1)}$",
    "z12": "$z_2^{(1)}$",
    "z2": "$z^{(2)}$",
    "err": "$err$",
}
WEIGHTS = {  # edge -> name of its weight, and where on the edge it is written
    ("x1", "z11"): ("$w_{1,1}^{(1)}$", 0.5),
    ("x1", "z12"): ("$w_{1,2}^{(1)}$", 0.26),
    ("x2", "z11"): ("$w_{2,1}^{(1)}$", 0.26),
    ("x2", "z12"): ("$w_{2,2}^{(1)}$", 0.5),
    ("z11", "z2"): ("$w_{1,1}^{(2)}$", 0.5),
    ("z12", "z2"): ("$w_{2,1}^{(2)}$", 0.5),
}
BIASES = {"z11": "$b_1^{(1)}$", "z12": "$b_2^{(1)}$", "z2": "$b_1^{(2)}$"}
COLUMNS = {0.0: "entrées", 2.2: "couche 1\n(sigmoïdes)", 4.4: "couche 2\n(sigmoïde)", 6.2: "coût"}


def perceptron_graph(
    values: Mapping[object, float] | None = None,
    derivatives: Mapping[object, float] | None = None,
) -> Figure:
    """The 2-2-1 network: its names, or values above the arrows and derivatives of err below them.

    Args:
        values: by place: a unit such as ``"z11"``, an arrow ``("x1", "z11")``, a bias ``"b11"``.
        derivatives: of the error by what stands at the same places.
    """
    drawn, axis = figure(width=8.4, height=4.2)
    axis.set(xlim=(-0.6, 6.8), ylim=(-2.15, 2.0))
    axis.axis("off")
    for x, title in COLUMNS.items():
        axis.text(x, 1.95, title, ha="center", va="top", fontsize=9, color=INK)
    arrows = {**WEIGHTS, ("z2", "err"): ("", 0.5)}
    for (start, end), (name, share) in arrows.items():
        _arrow(axis, PLACES[start], PLACES[end])
        place = tuple(a + share * (b - a) for a, b in zip(PLACES[start], PLACES[end], strict=True))
        _write(axis, place, (start, end), name, values, derivatives, gap=0.13)
    for key, (x, y) in PLACES.items():
        square = key in ("x1", "x2", "err")
        axis.plot(x, y, "s" if square else "o", markersize=30, color="white", mec=INK, zorder=3)
        axis.text(x, y, NAMES[key], ha="center", va="center", zorder=4, fontsize=11)
        _write(axis, (x, y), key, "", values, derivatives, gap=0.36)
    for key, name in BIASES.items():
        x, y = PLACES[key]
        foot = (x + 0.75, y - 0.95) if key == "z2" else (x, y - 0.92)
        _arrow(axis, foot, (x, y), dashed=True)
        _write(axis, (foot[0] + 0.05, foot[1]), f"b{key[1:]}", name, values, derivatives, gap=0.12)
    if derivatives:
        axis.text(3.1, -1.75, "en bleu : les valeurs", color=BLUE, fontsize=9)
        text = "en orange, italique : la dérivée de err par chacune"
        axis.text(3.1, -2.05, text, color=ORANGE, fontsize=9, style="italic")
    return drawn


def _written(value: float) -> str:
    return decimal(value, ".3g")


def _arrow(axis: Axes, start: tuple, end: tuple, dashed: bool = False) -> None:
    style = {"arrowstyle": "-|>", "color": "0.55", "shrinkA": 3 if dashed else 16, "shrinkB": 16}
    style |= {"linestyle": "--" if dashed else "-"}
    axis.annotate("", xy=end, xytext=start, arrowprops=style, zorder=1)


def _write(axis: Axes, place: tuple, key: object, name: str, values, derivatives, gap) -> None:
    """A name alone, or its value above the place and its derivative below it."""
    x, y = place
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    options = {"ha": "center", "va": "center", "fontsize": 9, "bbox": paper, "zorder": 2}
    if not values:
        axis.text(x, y, name, **{**options, "fontsize": 10})
        return
    if key in values:
        axis.text(x, y + gap, _written(values[key]), color=BLUE, **options)
    if derivatives and key in derivatives:
        axis.text(x, y - gap, _written(derivatives[key]), color=ORANGE, style="italic", **options)


def scalar_graph(root: Scalar) -> Figure:
    """What a scalar was computed from: each box holds an operation or a name, a value, a gradient.

    Args:
        root: on which `backward` was called.
    """
    order = root.order()
    depth = dict.fromkeys(order, 0)
    for one in reversed(order):  # the longest way to the root
        for source, _ in one.edges:
            depth[source] = max(depth[source], depth[one] + 1)
    columns = [
        [one for one in order if depth[one] == level] for level in range(max(depth.values()) + 1)
    ]
    tallest = max(map(len, columns))
    drawn, axis = figure(width=1.25 * len(columns) + 0.6, height=0.85 * tallest + 0.5)
    axis.axis("off")
    places = {
        one: (-level, (len(column) - 1) / 2 - row)
        for level, column in enumerate(columns)
        for row, one in enumerate(column)
    }
    axis.set(xlim=(-len(columns) + 0.4, 0.6), ylim=(-tallest / 2 - 0.1, tallest / 2 + 0.1))
    for one in order:
        for source, _ in one.edges:
            _arrow(axis, places[source], places[one])
    for one, (x, y) in places.items():
        text = f"{one.label or 'constante'}\n{_written(one.data)}\n∂ {_written(one.grad)}"
        edge = INK if one.edges else BLUE
        box = {"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": edge}
        axis.text(x, y, text, ha="center", va="center", fontsize=8, bbox=box, zorder=3)
    return drawn
