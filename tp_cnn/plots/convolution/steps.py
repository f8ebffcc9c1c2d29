"""Pictures of notebook 01 on small matrices: sliding window, padding and stride, feature maps."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import ipywidgets
import numpy as np
from IPython import get_ipython
from IPython.display import display

from tp_cnn.errors import CourseError
from tp_cnn.models.geometry import output_size
from tp_cnn.plots.convolution.cells import (
    blank,
    decimals_of,
    draw_cells,
    draw_frame,
    number,
    rgb,
    signed,
    size_of,
    widen,
)
from tp_cnn.plots.style import COLOURS, INK, figure
from tp_cnn.scratch.convolution import FRAGMENTS, conv2d_strided, fragment_map, truncate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE = COLOURS[:2]
CELL = 0.36  # inches


def convolution_step(
    image: np.ndarray, kernel: np.ndarray, step: int, stride: int = 1, padding: int = 0
) -> Figure:
    """One position of the window: input, kernel, and output up to there, with the sum in full.

    Args:
        image: (H, W).
        kernel: (h, w).
        step: number of the position, from 0, row after row.

    Raises:
        CourseError: the output has no such position.
    """
    padded, out = np.pad(image, padding), conv2d_strided(image, kernel, stride, padding)
    row, column = _position(out, step)
    widths = [padded.shape[1], kernel.shape[1], out.shape[1]]
    drawn, (left, middle, right) = figure(
        1,
        3,
        width=CELL * (sum(widths) + 3),
        height=CELL * (max(padded.shape[0], out.shape[0]) + 2.6),
        width_ratios=widths,
    )
    _draw_input(left, padded, padding, row * stride, column * stride, kernel.shape)
    draw_cells(middle, blank(kernel.shape), kernel)
    draw_frame(middle, 0, 0, kernel.shape, BLUE)
    _draw_output(right, out, step)
    border = f", padding {padding}" if padding else ""
    left.set_title(f"entrée {size_of(image)}{border}", fontsize=9)
    middle.set_title(f"filtre {size_of(kernel)}", fontsize=9)
    right.set_title(f"sortie {size_of(out)}", fontsize=9)
    top, left_edge = row * stride, column * stride
    window = padded[top : top + kernel.shape[0], left_edge : left_edge + kernel.shape[1]]
    drawn.supxlabel(_sum(window, kernel), fontsize=8, color=INK)
    return drawn


def convolution_strip(
    image: np.ndarray, kernel: np.ndarray, stride: int = 1, padding: int = 0, most: int = 5
) -> Figure:
    """The same in one fixed picture: the kernel, then at most ``most`` positions, last included."""
    padded, out = np.pad(image, padding), conv2d_strided(image, kernel, stride, padding)
    count = min(most, out.size)
    rows, columns = max(len(padded), len(kernel)), padded.shape[1]
    widths = [kernel.shape[1] + 0.7, *[columns + 0.7] * count]
    cell = min(CELL, 9.5 / sum(widths))
    drawn, axes = figure(
        2,
        1 + count,
        width=cell * sum(widths),
        height=cell * (rows + out.shape[0] + 1) + 0.3,
        width_ratios=widths,
        height_ratios=[rows, out.shape[0]],
        squeeze=False,
    )
    draw_cells(axes[0, 0], blank(kernel.shape), kernel)
    draw_frame(axes[0, 0], 0, 0, kernel.shape, BLUE)
    axes[0, 0].set_title("filtre", fontsize=9)
    axes[1, 0].axis("off")
    for index, step in enumerate(np.linspace(0, out.size - 1, count).round().astype(int), start=1):
        above, below = axes[:, index]
        row, column = _position(out, step)
        _draw_input(above, padded, padding, row * stride, column * stride, kernel.shape)
        _draw_output(below, out, step)
        widen(below, out.shape[0], columns)
        above.set_title(f"étape {step + 1} sur {out.size}", fontsize=9)
    return drawn


def convolution_slider(
    image: np.ndarray, kernel: np.ndarray, stride: int = 1, padding: int = 0
) -> Figure | None:
    """A slider over the positions of the window where somebody can move it, else the strip.

    The slider is displayed, not returned; it carries the strip along, for a page that is
    exported, or opened again without its kernel.
    """
    strip = convolution_strip(image, kernel, stride, padding)
    if not _somebody_is_there():
        return strip
    steps = conv2d_strided(image, kernel, stride, padding).size
    slider = ipywidgets.IntSlider(value=1, min=1, max=steps, description="étape")
    picture = ipywidgets.Image(format="png")

    def draw(_change: dict | None = None) -> None:
        picture.value = _png(convolution_step(image, kernel, slider.value - 1, stride, padding))

    draw()
    slider.observe(draw, names="value")
    box = ipywidgets.VBox([slider, picture])
    display({**box._repr_mimebundle_(), "image/png": _png(strip)}, raw=True)
    return None


def _somebody_is_there() -> bool:
    # A program that runs a notebook (nbclient, nbconvert, nbgrader) forbids it to ask questions.
    kernel = getattr(get_ipython(), "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False))


def padding_and_stride(
    size: int = 5,
    kernel: int = 3,
    settings: tuple[tuple[int, int], ...] = ((0, 1), (1, 1), (0, 2), (1, 2)),
) -> Figure:
    """Pairs (padding, stride) side by side: two windows of the first row, and their two outputs.

    Raises:
        CourseError: a window does not fit.
    """
    outs = [output_size(size, kernel, stride, padding) for padding, stride in settings]
    tallest = size + 2 * max(padding for padding, _ in settings)
    drawn, axes = figure(
        2,
        len(settings),
        width=0.26 * len(settings) * (tallest + 1.2),
        height=0.26 * (tallest + max(outs) + 5),
        height_ratios=[tallest, max(outs)],
        squeeze=False,
    )
    for (above, below), (padding, stride), out in zip(axes.T, settings, outs, strict=True):
        draw_cells(above, _input_shades(np.zeros((size + 2 * padding,) * 2), padding))
        shades = blank((out, out))
        for place, colour, line in [(1, ORANGE, "--"), (0, BLUE, "-")]:
            if place < out:
                draw_frame(above, 0, place * stride, (kernel, kernel), colour, line)
                shades[0, place] = rgb(colour)
        draw_cells(below, shades)
        widen(above, tallest, tallest)
        widen(below, max(outs), tallest)
        above.set_title(f"padding {padding}, stride {stride}", fontsize=9)
        below.set_title(f"{size} × {size} → {out} × {out}", fontsize=9)
    return drawn


def matrices(values: Mapping[str, np.ndarray], title: str = "") -> Figure:
    """Small matrices side by side, each number in its cell, coloured by sign and size.

    Args:
        values: title -> (rows, columns).
    """
    widths = [array.shape[1] for array in values.values()]
    tallest = max(array.shape[0] for array in values.values())
    drawn, axes = figure(
        1,
        len(widths),
        width=CELL * (sum(widths) + 1.2 * len(widths)),
        height=CELL * (tallest + (2.6 if title else 1.4)),
        width_ratios=widths,
        squeeze=False,
    )
    limit = max(abs(array).max() for array in values.values()) or 1
    for axis, (name, array) in zip(axes[0], values.items(), strict=True):
        draw_cells(axis, signed(array, limit), array)
        axis.set_title(name, fontsize=9)
    if title:
        drawn.suptitle(title, fontsize=11)
    return drawn


def feature_maps(
    images: Mapping[str, np.ndarray],
    compute: Callable[[np.ndarray, np.ndarray], np.ndarray] = fragment_map,
    fragments: Mapping[str, np.ndarray] = FRAGMENTS,
) -> Figure:
    """A row an image, a column a fragment: where, and how well, the fragment matches.

    Args:
        images: title -> (H, W) of 1 and -1, such as ``{"X": X, "O": O}``.
        compute: gives the map of an image by a fragment; a student's own, for example.
        fragments: title -> (h, w) of 1 and -1.

    The numbers are cut after two decimals, as in document 001.
    """
    drawn, axes = figure(
        1 + len(images),
        1 + len(fragments),
        width=2.5 * (1 + len(fragments)),
        height=2.5 * len(images) + 1.1,
        height_ratios=[0.36, *[1] * len(images)],
        squeeze=False,
    )
    axes[0, 0].axis("off")
    for axis, (name, fragment) in zip(axes[0, 1:], fragments.items(), strict=True):
        draw_cells(axis, _ink_on_white(fragment))
        axis.set_title(name, fontsize=9)
    for row, (name, image) in zip(axes[1:], images.items(), strict=True):
        draw_cells(row[0], _ink_on_white(image))
        row[0].set_title(name, fontsize=9)
        for axis, fragment in zip(row[1:], fragments.values(), strict=True):
            found = np.asarray(compute(image, fragment))
            draw_cells(axis, signed(found, 1), truncate(found))
            axis.set_title(f"maximum : {number(truncate(found.max()), 2)}", fontsize=9)
    return drawn


def _position(out: np.ndarray, step: int) -> tuple[int, int]:
    if not 0 <= step < out.size:
        raise CourseError(f"step={step}: expected 0 to {out.size - 1}, one for each output")
    return divmod(int(step), out.shape[1])


def _draw_input(
    axis: Axes, padded: np.ndarray, padding: int, row: int, column: int, window: tuple[int, int]
) -> None:
    draw_cells(axis, _input_shades(padded, padding), padded)
    draw_frame(axis, row, column, window, BLUE)


def _input_shades(padded: np.ndarray, padding: int) -> np.ndarray:
    shades = np.full((*padded.shape, 3), 0.87)  # grey where zeros are added
    shades[padding : len(padded) - padding, padding : padded.shape[1] - padding] = 1
    return shades


def _draw_output(axis: Axes, out: np.ndarray, step: int) -> None:
    """The outputs up to ``step``, that one in blue; the others are empty."""
    values = np.where(np.arange(out.size).reshape(out.shape) <= step, out, np.nan)
    shades = blank(out.shape)
    shades[_position(out, step)] = rgb(BLUE)
    draw_cells(axis, shades, values)


def _ink_on_white(drawing: np.ndarray) -> np.ndarray:
    return np.where(drawing[..., None] > 0, rgb(INK), 1.0)


def _sum(window: np.ndarray, kernel: np.ndarray) -> str:
    """``2×(−1) + 1×3 = 1``, five terms a line."""

    def factor(value: float, values: np.ndarray) -> str:
        text = number(value, decimals_of(values))
        return f"({text})" if value < 0 else text

    terms = [
        f"{factor(a, window)}×{factor(b, kernel)}"
        for a, b in zip(window.flat, kernel.flat, strict=True)
    ]
    lines = [" + ".join(terms[start : start + 5]) for start in range(0, len(terms), 5)]
    products = window * kernel
    return " +\n".join(lines) + f" = {number(products.sum(), decimals_of(products))}"


def _png(drawn: Figure) -> bytes:
    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png")
    return buffer.getvalue()
