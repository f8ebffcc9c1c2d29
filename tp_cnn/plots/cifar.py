"""Pictures of notebook 04: where the weights are, visual words, grids of runs, overfitting."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from itertools import cycle
from math import log, prod
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor
from torch.nn.functional import pad

from tp_cnn.display import thousands
from tp_cnn.plots.style import (
    COLOURS,
    INK,
    clean,
    decimal_tick,
    figure,
    percent_tick,
    whole_numbers,
)
from tp_cnn.training.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN = COLOURS[:3]
GREY = "0.6"


def layer_shares(layers: Mapping[str, tuple[int | tuple[int, ...], int]]) -> Figure:
    """Three sets of bars, a bar a layer: weights, output values, products computed for one image.

    Args:
        layers: name -> (output shape, weights), as in the table of question 10; a dense layer may
            give its number of neurons. A layer uses each of its weights once at each position of
            its output maps.
    """
    rows = [(np.atleast_1d(shape), weights) for shape, weights in layers.values()]
    columns = {
        "poids à apprendre": [weights for _, weights in rows],
        "valeurs en sortie": [prod(shape) for shape, _ in rows],
        "produits à calculer": [weights * prod(shape[1:]) for shape, weights in rows],
    }
    drawn, axes = figure(1, 3, width=8.5, height=0.3 * len(layers) + 0.8, sharey=True)
    for axis, colour, (title, values) in zip(axes, COLOURS, columns.items(), strict=False):
        total = sum(values)
        shares = [value / total for value in values]
        axis.barh(list(layers), shares, color=colour)
        for row, (value, share) in enumerate(zip(values, shares, strict=True)):
            if value:
                text = f" {thousands(value)} ({100 * share:.0f} %)"
                axis.text(share, row, text, va="center", color=INK, fontsize=8)
        axis.set(title=f"{title} : {thousands(total)}", xlim=(0, 1.5), xticks=[])
        axis.title.set_fontsize(9)
        axis.spines[["top", "right", "bottom"]].set_visible(False)
    axes[0].invert_yaxis()
    return drawn


def patches_on(image: Tensor, side: int, stride: int, title: str = "") -> Figure:
    """An image, the frames of the first patches of a row, and those patches one by one.

    Args:
        image: uint8 (C, H, W).
        side, stride: pixels.
    """
    from matplotlib.patches import Rectangle

    count = 6
    top = (image.shape[1] - side) // 2
    drawn, axes = figure(1, count + 1, width=7.5, height=1.9, width_ratios=[3, *[1] * count])
    pixels = image.permute(1, 2, 0).numpy()
    axes[0].imshow(pixels)
    for number, axis in enumerate(axes[1:]):
        left, colour = number * stride, COLOURS[number % len(COLOURS)]
        corner = (left - 0.5, top - 0.5)
        frame = {"fill": False, "edgecolor": colour, "linewidth": 1.5}
        axes[0].add_patch(Rectangle(corner, side, side, **frame))
        axis.imshow(pixels[top : top + side, left : left + side])
        axis.set_title(f"{number + 1}", fontsize=9, color=colour)
    for axis in axes:
        axis.axis("off")
    axes[0].set_title(title, fontsize=10, loc="left")
    return drawn


def vocabulary(words: Tensor, channels: int, title: str = "", columns: int = 25) -> Figure:
    """The visual words as small pictures, each with its own contrast.

    Args:
        words: float32 (words, channels·side·side).
    """

    side = round((words.shape[1] / channels) ** 0.5)
    pictures = words.view(-1, channels, side, side)
    mosaic = _mosaic(pictures, columns)
    height, width = mosaic.shape[1:]
    drawn, axis = figure(width=7.5, height=7.5 * height / width + 0.3)
    axis.imshow(mosaic.permute(1, 2, 0).numpy())
    axis.axis("off")
    axis.set_title(title, fontsize=10)
    return drawn


def _mosaic(pictures: Tensor, columns: int) -> Tensor:
    """(N, C, side, side) -> (3, H, W): rows of pictures between white lines, each from 0 to 1."""
    low, high = pictures.amin((1, 2, 3), keepdim=True), pictures.amax((1, 2, 3), keepdim=True)
    pictures = (pictures - low) / (high - low).clamp_min(1e-5)
    pictures = pad(pictures.expand(-1, 3, -1, -1), (0, 1, 0, 1), value=1)  # right and below
    rows = -(-len(pictures) // columns)
    pictures = pad(pictures, (0, 0, 0, 0, 0, 0, 0, rows * columns - len(pictures)), value=1)
    side = pictures.shape[-1]
    cells = pictures.view(rows, columns, 3, side, side).permute(2, 0, 3, 1, 4)
    return pad(cells.reshape(3, rows * side, columns * side), (1, 0, 1, 0), value=1)


def histograms(images: Tensor, shares: Tensor, titles: Sequence[str]) -> Figure:
    """Each image beside the histogram of its visual words.

    Args:
        images: uint8 (N, C, H, W).
        shares: float32 (N, words), each row adds up to 1.
    """
    rows = len(images)
    drawn, axes = figure(
        *(rows, 2), width=7.5, height=1.2 * rows + 0.3, width_ratios=[1, 6], squeeze=False
    )
    for (left, right), image, share, title in zip(axes, images, shares, titles, strict=True):
        left.imshow(image.permute(1, 2, 0).numpy())
        left.axis("off")
        left.set_title(title, fontsize=9)
        right.bar(range(len(share)), share.numpy(), width=1.0, color=BLUE)
        right.set_ylim(0, float(shares.max()) * 1.05)
        right.yaxis.set_major_formatter(percent_tick)
        clean(right)
    axes[-1, 1].set_xlabel("mot du vocabulaire")
    axes[0, 1].set_title("part des morceaux de l'image, par mot", fontsize=9)
    return drawn


def grid(runs: Mapping[tuple[float, int], History], title: str = "") -> Figure:
    """Small multiples: a row a learning rate, a column a batch size; accuracy epoch by epoch.

    Args:
        runs: (learning rate, batch size) -> history, empty for a run that diverged. Each small
            graph says the last validation accuracy and the median time of an epoch.
    """
    rates = sorted({rate for rate, _ in runs}, reverse=True)
    sizes = sorted({size for _, size in runs})
    drawn, axes = figure(
        len(rates),
        len(sizes),
        width=2.3 * len(sizes) + 0.9,
        height=1.45 * len(rates) + 0.9,
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for row, rate in zip(axes, rates, strict=True):
        row[0].set_ylabel(f"pas {rate:g}".replace(".", ","))
        for axis, size in zip(row, sizes, strict=True):
            _cell(axis, runs[rate, size])
    for axis, size in zip(axes[0], sizes, strict=True):
        axis.set_title(f"lots de {size}", fontsize=10)
    for axis in axes[-1]:
        axis.set_xlabel("époque")
    drawn.supylabel("exactitude", fontsize=10)
    axes[0, 0].yaxis.set_major_formatter(percent_tick)
    whole_numbers(axes[0, 0].xaxis)
    top = max(max(h.train_accuracy + h.validation_accuracy) for h in runs.values() if h)
    axes[0, 0].set(xlim=(0.5, max(map(len, runs.values())) + 0.5), ylim=(0, 1.35 * top))
    lines = next(axis.get_lines() for axis in axes.flat if axis.get_lines())
    names = ["apprentissage", "validation"]
    drawn.legend(lines, names, loc="outside lower center", ncols=2, frameon=False)
    drawn.suptitle(title, fontsize=11)
    return drawn


def _cell(axis: Axes, history: History) -> None:
    if not history:
        text = "diverge : le coût\nn'est plus un nombre"
        place = {"transform": axis.transAxes, "ha": "center", "va": "center"}
        axis.text(0.5, 0.5, text, color=ORANGE, fontsize=9, **place)
        axis.set_facecolor("0.96")
        return
    axis.plot(history.epoch, history.train_accuracy, "--", color=BLUE, **_seen(history))
    axis.plot(history.epoch, history.validation_accuracy, "-", color=BLUE, **_seen(history))
    seconds = statistics.median(history.seconds)
    accuracy = history[-1].validation_accuracy
    text = f"{100 * accuracy:.0f} % · {seconds:.1f} s".replace(".", ",")
    axis.text(0.04, 0.95, text, transform=axis.transAxes, va="top", color=INK, fontsize=9)
    clean(axis)


def first_losses(losses: Mapping[str, Sequence[float]], classes: int) -> Figure:
    """A dot a seed, a row a way to begin, and the line of a network that knows nothing.

    Args:
        losses: name -> mean cross entropy of networks that have not learnt, one a seed.
    """
    drawn, axis = figure(width=7.0, height=0.5 * len(losses) + 1.4)
    for row, (values, colour) in enumerate(zip(losses.values(), COLOURS, strict=False)):
        heights = np.linspace(row - 0.18, row + 0.18, len(values))
        axis.plot(values, heights, "o", color=colour, alpha=0.6, markersize=5)
    axis.axvline(log(classes), color=INK, linestyle="--", linewidth=1)
    name = f" log {classes}"
    axis.text(log(classes), len(losses) - 0.45, name, color=INK, fontsize=9, va="bottom")
    axis.set(yticks=range(len(losses)), yticklabels=losses, ylim=(-0.5, len(losses)))
    axis.set(xlabel="coût moyen avant d'apprendre", xlim=(0, None))
    axis.xaxis.set_major_formatter(decimal_tick)
    clean(axis)
    return drawn


def loss_by_step(losses: Sequence[float], title: str = "") -> Figure:
    """The loss of one batch, update after update."""
    drawn, axis = figure(width=5.6, height=2.8)
    axis.plot(range(1, len(losses) + 1), losses, color=BLUE)
    axis.set(xlabel="mises à jour", ylabel="coût du lot", title=title, ylim=(0, None))
    axis.yaxis.set_major_formatter(decimal_tick)
    clean(axis)
    return drawn


def overfitting(
    history: History, references: Mapping[str, History] | None = None, name: str = "ici"
) -> Figure:
    """Loss and accuracy by epoch: train dashed, validation full, the gap between them shaded.

    Args:
        references: name -> history of longer runs on more images, drawn below in grey, each with
            a marker of its own.
    """
    drawn, (left, right) = figure(1, 2, width=8.5, height=3.4)
    for axis, measure in ((left, "loss"), (right, "accuracy")):
        for (label, reference), marker in zip((references or {}).items(), cycle("sDv")):
            _pair(axis, reference, measure, {"color": GREY, "marker": marker, "ms": 3.5}, label)
        _pair(axis, history, measure, {"color": BLUE, "linewidth": 2, **_seen(history)}, name)
        train, held_out = _both(history, measure)
        axis.fill_between(history.epoch, train, held_out, color=ORANGE, alpha=0.15, linewidth=0)
        axis.set_xlabel("époque")
        whole_numbers(axis.xaxis)
        clean(axis)
    left.set(title="Coût", ylabel="coût moyen par image", ylim=(0, None))
    left.yaxis.set_major_formatter(decimal_tick)
    right.set(title="Exactitude", ylabel="images bien classées", ylim=(0, 1))
    right.yaxis.set_major_formatter(percent_tick)
    handles, labels = left.get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return drawn


def _both(history: History, measure: str) -> tuple[list[float], list[float]]:
    return getattr(history, f"train_{measure}"), getattr(history, f"validation_{measure}")


def _pair(axis: Axes, history: History, measure: str, style: dict, name: str) -> None:
    train, held_out = _both(history, measure)
    axis.plot(history.epoch, train, "--", label=f"{name}, apprentissage", **style)
    axis.plot(history.epoch, held_out, "-", label=f"{name}, validation", **style)


def _seen(history: History) -> dict:
    """A line of one point is invisible without a marker."""
    return {"marker": "o"} if len(history) == 1 else {}
