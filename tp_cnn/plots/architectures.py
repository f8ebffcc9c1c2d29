"""Pictures of notebook 08: a history of networks, blocks, activations, depth, attention."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tp_cnn.plots.style import COLOURS, INK, MARKERS, clean, figure, percent_tick
from tp_cnn.training.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Milestone(NamedTuple):
    """A network of the past: error on ImageNet as its paper gives it, None where it does not."""

    name: str
    year: int
    layers: int  # with weights
    weights: int
    multiply_adds: int
    error: float | None  # share of images whose first guess is wrong


def frieze(milestones: Sequence[Milestone]) -> Figure:
    """Weights of each network, in the order of the years; the discs grow with the multiply-adds."""
    drawn, axis = figure(width=9.5, height=3.6)
    most = max(one.multiply_adds for one in milestones)
    places = range(len(milestones))
    axis.plot(places, [one.weights for one in milestones], color=INK, lw=0.6, alpha=0.4)
    for place, one in zip(places, milestones, strict=True):
        area = 1600 * (one.multiply_adds / most) ** 0.5 + 25
        axis.scatter(place, one.weights, s=area, color=COLOURS[0], alpha=0.45, lw=0)
        axis.plot(place, one.weights, ".", color=INK, markersize=4)
    axis.set_yscale("log")
    axis.set(xlim=(-0.5, len(milestones) - 0.5), ylim=(3e3, 1e9), ylabel="poids")
    axis.set_xticks(places, [f"{one.name}\n{one.year}\n{one.layers} couches" for one in milestones])
    axis.tick_params(axis="x", labelsize=8)
    axis.set_title("Poids ; aire des disques : racine du nombre de multiplications", fontsize=10)
    clean(axis)
    return drawn


def blocks() -> Figure:
    """Four blocks as boxes: plain, residual, Inception, dense; to be read from bottom to top."""
    drawn, axes = figure(1, 4, width=10.0, height=3.6)
    titles = ["ordinaire", "résiduel", "Inception", "dense"]
    for axis, title, draw in zip(
        axes, titles, [_plain, _residual, _inception, _dense], strict=True
    ):
        draw(axis)
        axis.set(xlim=(0, 10), ylim=(0, 10), title=title)
        axis.axis("off")
    drawn.suptitle("Quatre blocs, à lire de bas en haut")
    return drawn


def _box(axis, x: float, y: float, text: str, width: float = 3.4, colour: str = COLOURS[0]) -> None:
    from matplotlib.patches import FancyBboxPatch

    corner = (x - width / 2, y - 0.55)
    axis.add_patch(
        FancyBboxPatch(corner, width, 1.1, boxstyle="round,pad=0.1", fc=colour, alpha=0.2, lw=0)
    )
    axis.text(x, y, text, ha="center", va="center", fontsize=8, color=INK)


def _arrow(axis, start: tuple[float, float], end: tuple[float, float], bend: float = 0.0) -> None:
    style = {"arrowstyle": "->", "color": INK, "lw": 1, "connectionstyle": f"arc3,rad={bend}"}
    axis.annotate("", end, start, arrowprops=style)


def _plain(axis) -> None:
    _chain(axis, 5)
    _arrow(axis, (5, 6.6), (5, 9.6))


def _chain(axis, x: float) -> None:
    _arrow(axis, (x, 0.2), (x, 1.9))
    _box(axis, x, 2.6, "conv 3×3")
    _arrow(axis, (x, 3.3), (x, 5.1))
    _box(axis, x, 5.8, "conv 3×3")


def _residual(axis) -> None:
    _chain(axis, 4)
    _arrow(axis, (4, 6.6), (4, 7.6))
    axis.text(4, 8.1, "+", ha="center", va="center", fontsize=15, color=COLOURS[1])
    _arrow(axis, (4, 8.6), (4, 9.8))
    _arrow(axis, (4, 0.8), (4.5, 8.1), bend=0.75)
    axis.text(9.2, 4.4, "raccourci", rotation=90, va="center", fontsize=8, color=COLOURS[1])


def _inception(axis) -> None:
    columns = [(1.1, ["1×1"]), (3.7, ["1×1", "3×3"]), (6.3, ["1×1", "5×5"]), (8.9, ["max", "1×1"])]
    for x, layers in columns:
        _arrow(axis, (5, 0.2), (x, 1.9))
        for rank, text in enumerate(layers):
            _box(axis, x, 2.6 + 2.6 * rank, text, width=1.7)
        if len(layers) > 1:
            _arrow(axis, (x, 3.3), (x, 4.5))
        _arrow(axis, (x, 0.7 + 2.6 * len(layers)), (x, 7.4))
    _box(axis, 5, 8.1, "concaténer", width=9.4, colour=COLOURS[1])
    _arrow(axis, (5, 8.8), (5, 9.9))


def _dense(axis) -> None:
    for rank, width in enumerate([3.0, 4.6, 6.2]):
        y = 0.8 + 3.4 * rank
        _box(axis, 5, y, "cartes" if rank == 0 else f"cartes + {rank} × k", width, COLOURS[1])
        if rank < 2:
            _arrow(axis, (5, y + 0.7), (5, y + 1.2))
            _box(axis, 5, y + 1.7, "conv 3×3 : k cartes", width=4.6)
            _arrow(axis, (5, y + 2.3), (5, y + 2.7))
            _arrow(axis, (2.8, y + 0.7), (2.4, y + 2.75), bend=-0.35)


def activations(functions: Mapping[str, Callable[[Tensor], Tensor]]) -> Figure:
    """Functions of one variable and their derivatives, side by side.

    Args:
        functions: name -> function of a tensor, differentiable by autograd.
    """
    drawn, (left, right) = figure(1, 2, width=8.5, height=3.0)
    for (name, function), colour, line in zip(
        functions.items(), cycle(COLOURS), cycle(["-", "--", ":"]), strict=False
    ):
        values = torch.linspace(-4, 4, 401, requires_grad=True)
        results = function(values)
        (slopes,) = torch.autograd.grad(results.sum(), values)
        left.plot(values.detach(), results.detach(), line, color=colour, label=name)
        right.plot(values.detach(), slopes, line, color=colour)
    left.set(title="Valeur", xlabel="entrée")
    right.set(title="Dérivée", xlabel="entrée")
    for axis in (left, right):
        clean(axis)
    left.legend(frameon=False)
    drawn.suptitle(" et ".join(functions))
    return drawn


def depths(histories: Mapping[str, Mapping[int, History]]) -> Figure:
    """Train loss by epoch, one panel a kind of network, one line a depth.

    Args:
        histories: kind -> depth -> history.
    """
    drawn, axes = figure(1, len(histories), width=8.5, height=3.2, sharey=True, squeeze=False)
    for axis, (kind, by_depth) in zip(axes.flat, histories.items(), strict=True):
        for (depth, history), colour, marker in zip(
            by_depth.items(), cycle(COLOURS), cycle(MARKERS), strict=False
        ):
            axis.plot(
                history.epoch,
                history.train_loss,
                color=colour,
                marker=marker,
                markersize=4,
                label=f"{depth} couches",
            )
        axis.set(title=kind, xlabel="époque")
        axis.set_xticks(list(history.epoch))
        clean(axis)
    axes[0, 0].set_ylabel("entropie croisée")
    axes[0, -1].legend(frameon=False)
    drawn.suptitle("Coût d'apprentissage selon la profondeur")
    return drawn


def gradients(norms: Mapping[str, Sequence[float]]) -> Figure:
    """Norm of the gradient of each convolution, from the first to the last; log scale."""
    drawn, axis = figure(width=7.0, height=3.0)
    for (name, values), colour, marker in zip(
        norms.items(), cycle(COLOURS), cycle(MARKERS), strict=False
    ):
        ranks = range(1, len(values) + 1)
        axis.plot(ranks, values, color=colour, marker=marker, markersize=4, label=name)
    axis.set_yscale("log")
    axis.set(xlabel="rang de la convolution", ylabel="norme du gradient")
    axis.set_title("Gradient reçu par les poids, avant d'apprendre", fontsize=10)
    axis.legend(frameon=False)
    clean(axis)
    return drawn


def attention(image: Tensor, weights: Tensor, patch: tuple[int, int]) -> Figure:
    """What one patch takes from the others, one panel a head, beside the image.

    Args:
        image: (3, H, W), values in [0, 1].
        weights: (heads, rows, columns), shares of sum 1.
        patch: (row, column) of the patch that looks.
    """
    from matplotlib.patches import FancyBboxPatch

    drawn, axes = figure(1, len(weights) + 1, width=9.0, height=2.4)
    rows, columns = weights.shape[1:]
    height, width = image.shape[1] / rows, image.shape[2] / columns
    axes[0].imshow(image.permute(1, 2, 0).numpy())
    x, y = patch[1] * width - 0.5, patch[0] * height - 0.5
    for colour, thickness in (("white", 3), (COLOURS[1], 1.5)):
        axes[0].add_patch(
            FancyBboxPatch(
                (x, y), width, height, boxstyle="square,pad=0", fc="none", ec=colour, lw=thickness
            )
        )
    axes[0].set_title("le carreau qui regarde", fontsize=9)
    for number, (axis, map_) in enumerate(zip(axes[1:], weights, strict=True), 1):
        shown = axis.imshow(map_.numpy(), cmap="viridis", vmin=0, vmax=float(weights.max()))
        axis.plot(patch[1], patch[0], "x", color="white", markersize=7)
        axis.set_title(f"tête {number}", fontsize=9)
    for axis in axes:
        axis.set(xticks=[], yticks=[])
    bar = drawn.colorbar(shown, ax=list(axes[1:]), label="part", shrink=0.8)
    bar.ax.yaxis.set_major_formatter(percent_tick)
    drawn.suptitle("Ce que chaque tête prend aux autres carreaux")
    return drawn


def short(number: float) -> str:
    """A large number in a few characters: « 200 k », « 1,2 M »."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}".replace(".", ",")
    return f"{number:.3g}".replace(".", ",")


def trade_offs(
    accuracies: Mapping[str, Sequence[float]],
    costs: Mapping[str, Mapping[str, float]],
    title: str,
) -> Figure:
    """Accuracy against each cost, on a log axis: one panel a cost, one marker a network.

    Args:
        accuracies: network -> accuracies in [0, 1], one a seed; a bar joins the extremes.
        costs: name of the axis -> network -> cost.
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    drawn, axes = figure(1, len(costs), width=9.0, height=3.6, sharey=True, squeeze=False)
    drawn.suptitle(title)
    for axis, (cost_name, by_network) in zip(axes.flat, costs.items(), strict=True):
        for (name, values), colour, marker in zip(
            accuracies.items(), cycle(COLOURS), cycle(MARKERS), strict=False
        ):
            cost, middle = by_network[name], float(np.mean(values))
            axis.plot([cost, cost], [min(values), max(values)], color=colour, lw=1)
            axis.plot(cost, middle, marker, color=colour, markersize=8, label=name)
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(lambda value, _: short(value))
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlabel(cost_name)
        clean(axis)
    axes[0, 0].set_ylabel("images bien classées")
    axes[0, 0].yaxis.set_major_formatter(percent_tick)
    drawn.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right", frameon=False)
    return drawn
