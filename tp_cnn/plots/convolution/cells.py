"""Grids of cells with their numbers, and frames: what pictures of convolutions are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tp_cnn.display import decimal
from tp_cnn.plots.style import INK, signed_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LIGHTNESS = np.array([0.30, 0.59, 0.11])  # of red, green and blue, to the eye


def draw_cells(axis: Axes, shades: np.ndarray, values: np.ndarray | None = None) -> None:
    """A square a cell, centred on (column, row).

    Args:
        shades: (rows, columns, 3), the colours, between 0 and 1.
        values: (rows, columns), the number written in each; NaN leaves a cell empty.
    """
    rows, columns = shades.shape[:2]
    edges = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
    axis.pcolormesh(*edges, shades, edgecolors="0.6", linewidth=0.6)
    axis.set(xlim=(-0.6, columns - 0.4), ylim=(rows - 0.4, -0.6), aspect="equal")
    axis.axis("off")
    if values is None:
        return
    decimals = decimals_of(values)
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            colour = "white" if shades[row, column] @ LIGHTNESS < 0.5 else INK
            text = number(value, decimals)
            size = 6.3 if decimals else 8
            axis.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)


def widen(axis: Axes, rows: int, columns: int) -> None:
    """Give the cells of ``axis`` the size that they would have in a grid of rows × columns."""
    middle = np.mean(axis.get_xlim())
    axis.set_xlim(middle - columns / 2 - 0.1, middle + columns / 2 + 0.1)
    axis.set_ylim(rows - 0.4, -0.6)


def draw_frame(
    axis: Axes, row: int, column: int, shape: tuple[int, int], colour: str, line: str = "-"
) -> None:
    """A thick frame around (rows, columns) cells or pixels, the first one being (row, column)."""
    from matplotlib.patches import Rectangle

    height, width = shape
    axis.add_patch(
        Rectangle(
            (column - 0.5, row - 0.5),
            *(width, height),
            fill=False,
            edgecolor=colour,
            linewidth=2.5,
            linestyle=line,
        )
    )


def blank(shape: tuple[int, int]) -> np.ndarray:
    """White cells: (rows, columns, 3)."""
    return np.ones((*shape, 3))


def rgb(colour: str) -> tuple[float, float, float]:
    """The parts of red, green and blue of a colour, between 0 and 1."""
    from matplotlib.colors import to_rgb

    return to_rgb(colour)


def signed(values: np.ndarray, limit: float) -> np.ndarray:
    """Colours from dark blue for -limit to orange for limit, white for 0."""
    return signed_colours()((values / limit + 1) / 2)[..., :3]


def decimals_of(values: np.ndarray) -> int:
    """How many decimals to show: none when all values are whole numbers, else two."""
    known = values[~np.isnan(values)]
    return 0 if np.array_equal(known, known.round()) else 2


def number(value: float, decimals: int = 0) -> str:
    """A number in French, with a true minus sign, and never -0."""
    return decimal(value, f".{decimals}f").replace("-", "−")


def size_of(array: np.ndarray) -> str:
    """``"4 × 5"`` for 4 rows and 5 columns."""
    return f"{array.shape[0]} × {array.shape[1]}"
