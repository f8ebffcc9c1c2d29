"""Pictures of notebook 01 on whole layers: channels added up, pooling, dense as convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tp_cnn.models.geometry import output_size
from tp_cnn.plots.convolution.cells import (
    blank,
    draw_cells,
    draw_frame,
    number,
    rgb,
    size_of,
    widen,
)
from tp_cnn.plots.style import COLOURS, INK, figure
from tp_cnn.scratch.convolution import conv2d_one_channel
from tp_cnn.scratch.pooling import avg_pool2d, max_pool2d

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE = COLOURS[:2]
CELL = 0.34  # inches


def filter_on_channels(image: np.ndarray, kernel: np.ndarray, bias: float) -> Figure:
    """One filter on several channels: a slice a channel, their maps, and the sum: one map.

    Args:
        image: (channels, H, W).
        kernel: (channels, h, w).
    """
    channels, rows, columns = image.shape
    parts = [conv2d_one_channel(one, part) for one, part in zip(image, kernel, strict=True)]
    total = sum(parts) + bias
    widths = [columns, kernel.shape[2] + 1, parts[0].shape[1] + 1, parts[0].shape[1] + 2]
    drawn, axes = figure(
        channels,
        4,
        width=CELL * (sum(widths) + 3),
        height=CELL * channels * (rows + 1.1),
        width_ratios=widths,
    )
    for channel, (left, middle, right, last) in enumerate(axes):
        draw_cells(left, blank((rows, columns)), image[channel])
        draw_frame(left, 0, 0, kernel.shape[1:], BLUE)
        draw_cells(middle, blank(kernel.shape[1:]), kernel[channel])
        draw_frame(middle, 0, 0, kernel.shape[1:], BLUE)
        draw_cells(right, _first_in(BLUE, parts[channel].shape), parts[channel])
        left.set_title(f"canal {channel + 1}", fontsize=9)
        middle.set_title(f"tranche {channel + 1}", fontsize=9)
        right.set_title("ce qu'elle trouve", fontsize=9)
        for axis in (middle, right):
            widen(axis, rows, axis.get_xlim()[1] - axis.get_xlim()[0])
        last.axis("off")
    last = axes[channels // 2, 3]
    draw_cells(last, _first_in(ORANGE, total.shape), total)
    widen(last, rows, total.shape[1] + 1)
    firsts = " + ".join(_signed(part[0, 0]) for part in [*parts, np.full((1, 1), bias)])
    last.set_title("somme + biais : sa carte", fontsize=9)
    caption = f"{firsts} = {number(total[0, 0])}"
    last.text(*_below(last), caption, ha="center", va="center", fontsize=8, color=INK)
    return drawn


def pooling_windows(values: np.ndarray, size: int = 2) -> Figure:
    """Windows that follow one another, and the largest value and the mean of each.

    Args:
        values: (H, W).
    """
    rows = output_size(values.shape[0], size, size)
    columns = output_size(values.shape[1], size, size)
    shades, pooled = blank(values.shape), blank((rows, columns))
    drawn, (left, middle, right) = figure(
        1,
        3,
        width=CELL * (values.shape[1] + 2 * columns + 5),
        height=CELL * (values.shape[0] + 1.2),
        width_ratios=[values.shape[1], columns + 1, columns + 1],
    )
    for index in range(rows * columns):
        row, column = divmod(index, columns)
        pale = 0.6 + 0.4 * np.array(rgb(COLOURS[index % len(COLOURS)]))
        shades[row * size : (row + 1) * size, column * size : (column + 1) * size] = pale
        pooled[row, column] = pale
    draw_cells(left, shades, values)
    draw_cells(middle, pooled, max_pool2d(values, size))
    draw_cells(right, pooled, avg_pool2d(values, size))
    for index in range(rows * columns):
        row, column = divmod(index, columns)
        window = values[row * size : (row + 1) * size, column * size : (column + 1) * size]
        down, across = divmod(int(window.argmax()), size)
        draw_frame(left, row * size + down, column * size + across, (1, 1), INK)
    left.set_title(f"entrée {size_of(values)}", fontsize=9)
    middle.set_title("maximum", fontsize=9)
    right.set_title("moyenne", fontsize=9)
    for axis in (middle, right):
        widen(axis, values.shape[0], columns + 1)
    return drawn


def dense_as_convolution(side: int = 3, larger: tuple[int, int] = (4, 5)) -> Figure:
    """A neuron on a flattened map; its weights as a filter; that filter on a larger map.

    The number in a cell is that of the input or of the weight; equal numbers are multiplied.
    """
    count = side**2
    order = np.arange(1, count + 1).reshape(side, side)
    shades = 0.55 + 0.45 * np.linspace(0, 1, count)[:, None] * np.ones(3)
    shades[:, 2] = 1  # blues: each place its own
    square = shades.reshape(side, side, 3)
    rows, columns = larger
    outputs = rows - side + 1, columns - side + 1
    widths = [side + 1, 2, 2, side + 2, columns + 1, outputs[1] + 1]
    drawn, axes = figure(
        1, 6, width=CELL * (sum(widths) + 5), height=CELL * (count + 2), width_ratios=widths
    )
    pictures = [
        (f"carte {side} × {side}", square, order),
        ("à plat", shades[:, None], order.reshape(-1, 1)),
        ("poids", shades[:, None], order.reshape(-1, 1)),
        ("les mêmes poids,\nen filtre", square, order),
        (f"une image plus\ngrande, {rows} × {columns}", blank(larger), None),
        ("sa sortie", blank(outputs), None),
    ]
    for axis, (title, colours, values) in zip(axes, pictures, strict=True):
        draw_cells(axis, colours, values)
        axis.set_title(title, fontsize=9)
    draw_frame(axes[3], 0, 0, (side, side), BLUE)
    last = outputs[0] - 1, outputs[1] - 1
    for (row, column), colour, line in [((0, 0), BLUE, "-"), (last, ORANGE, "--")]:
        draw_frame(axes[4], row, column, (side, side), colour, line)
        draw_frame(axes[5], row, column, (1, 1), colour, line)
    return drawn


def _first_in(colour: str, shape: tuple[int, int]) -> np.ndarray:
    """White cells but for the first, in a pale ``colour``."""
    shades = blank(shape)
    shades[0, 0] = 0.6 + 0.4 * np.array(rgb(colour))
    return shades


def _signed(value: float) -> str:
    return f"({number(value)})" if value < 0 else number(value)


def _below(axis: Axes) -> tuple[float, float]:
    """The middle of an axis, one cell below its last row of numbers."""
    return np.mean(axis.get_xlim()), axis.get_ylim()[0] - 0.1
