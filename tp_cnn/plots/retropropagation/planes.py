"""Points of the plane in two classes, and what networks answer everywhere."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tp_cnn.plots.style import COLOURS, INK, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _rgb(colour: str) -> list[float]:
    """« #0072B2 » as three parts between 0 and 1."""
    return [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]


SHAPES = "o^"  # a class is told from the other on a grey print too
SHADES = 0.75 + 0.25 * np.array([_rgb(colour) for colour in COLOURS[:2]])
# Those of a film: a general reduction of colours would lose the points, which are small.
SOLID = np.array([_rgb(colour) for colour in ["#ffffff", INK, *COLOURS[:2]]])
PALETTE = [*SOLID, *(0.5 * SOLID[1:, None] + 0.5 * SHADES).reshape(-1, 3), *SHADES]
GRID = 121  # points by side at which a network answers
MOST_LINES = 16
Scores = Callable[[np.ndarray], np.ndarray]  # (N, 2) -> (N,), positive for class 1


@dataclass(frozen=True)
class Panel:
    """One network to draw: a title, its answers, and the lines of its first layer if any."""

    title: str
    scores: Scores
    lines: tuple[np.ndarray, np.ndarray] | None = None  # weights (2, U), bias (U,)


def boundaries(
    panels: Sequence[Panel],
    points: np.ndarray,
    labels: np.ndarray,
    columns: int = 4,
    title: str = "",
) -> Figure:
    """The regions that each network gives to both classes, the points, the hidden units' lines.

    Args:
        points: (N, 2); class 0 are blue discs, class 1 orange triangles.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    drawn, axes = figure(rows, columns, width=2.3 * columns, height=2.45 * rows, squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    for axis, panel in zip(axes.flat, panels, strict=False):
        draw_regions(axis, panel, points, labels)
    drawn.supxlabel("$x_1$", fontsize=9)
    drawn.supylabel("$x_2$", fontsize=9)
    if title:
        drawn.suptitle(title, fontsize=11)
    return drawn


def draw_regions(axis: Axes, panel: Panel, points: np.ndarray, labels: np.ndarray) -> None:
    low, high = points.min(axis=0), points.max(axis=0)
    edge = 0.12 * (high - low)
    xs, ys = (np.linspace(a, b, GRID) for a, b in zip(low - edge, high + edge, strict=True))
    grid = np.stack(np.meshgrid(xs, ys), axis=-1)  # (GRID, GRID, 2)
    answers = panel.scores(grid.reshape(-1, 2)).reshape(GRID, GRID)
    axis.contourf(xs, ys, answers > 0, levels=[-0.5, 0.5, 1.5], colors=SHADES)
    if answers.min() < 0 < answers.max():
        axis.contour(xs, ys, answers, levels=[0], colors=INK, linewidths=1.6)
    for weights, constant in _some(panel.lines):
        if abs(weights[1]) > 1e-9:
            line = -(weights[0] * xs + constant) / weights[1]
            axis.plot(xs, line, "--", color="0.35", linewidth=0.8)
    size = 14 if len(points) > 100 else 22
    for label, marker in enumerate(SHAPES):
        x, y = points[labels == label].T
        axis.scatter(x, y, s=size, marker=marker, color=COLOURS[label], ec="white", lw=0.4)
    axis.set(xlim=(xs[0], xs[-1]), ylim=(ys[0], ys[-1]))
    axis.locator_params(nbins=4)
    axis.tick_params(labelsize=7)
    axis.set_title(panel.title, fontsize=9, color=INK)


def _some(lines: tuple[np.ndarray, np.ndarray] | None) -> list[tuple]:
    """(weights of a unit, its bias), at most `MOST_LINES`: more would hide the rest."""
    return [] if lines is None else [*zip(lines[0].T, lines[1], strict=True)][:MOST_LINES]


class Film:
    """A short animation, which a notebook plays three times; its last picture where it cannot."""

    def __init__(self, pictures: Sequence[Image.Image], alternative: str, milliseconds: int = 180):
        self.pictures, self.alternative, self.milliseconds = pictures, alternative, milliseconds

    def gif(self) -> bytes:
        light = [_reduced(one) for one in self.pictures]
        pauses = [self.milliseconds] * (len(light) - 1) + [10 * self.milliseconds]
        buffer = io.BytesIO()
        options = {"save_all": True, "append_images": light[1:], "loop": 2, "duration": pauses}
        light[0].save(buffer, "GIF", **options)
        return buffer.getvalue()

    def _repr_mimebundle_(self, **_: object) -> dict:
        code = base64.b64encode(self.gif()).decode()
        last = io.BytesIO()
        _reduced(self.pictures[-1]).save(last, "PNG", optimize=True)
        element = f'<img src="data:image/gif;base64,{code}" alt="{self.alternative}">'
        return {
            "text/plain": self.alternative,
            "text/html": element,
            "image/png": base64.b64encode(last.getvalue()).decode(),
        }


def _reduced(picture: Image.Image) -> Image.Image:
    colours = Image.new("P", (1, 1))
    colours.putpalette((255 * np.array(PALETTE)).astype(np.uint8).tobytes())
    return picture.quantize(palette=colours, dither=Image.Dither.NONE)


def boundary_film(
    panels: Sequence[Panel], points: np.ndarray, labels: np.ndarray, alternative: str
) -> Film:
    """The same network at successive moments of its training, one picture a panel."""
    pictures = []
    for panel in panels:
        drawn, axis = figure(width=3.4, height=3.3)
        draw_regions(axis, panel, points, labels)
        buffer = io.BytesIO()
        drawn.savefig(buffer, format="png")
        pictures.append(Image.open(buffer).convert("RGB"))
    return Film(pictures, alternative)
