"""Pictures of notebook 03: filters, feature maps, accuracy against a change, half an epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from tp_cnn.display import decimal
from tp_cnn.plots.style import (
    COLOURS,
    INK,
    MARKERS,
    clean,
    figure,
    percent_tick,
    signed_colours,
    whole_numbers,
)
from tp_cnn.training.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def filters_and_maps(convolution: nn.Conv2d, image: Tensor, title: str = "") -> Figure:
    """The filters of a first layer, and under each the map it gives of an image.

    Args:
        convolution: a layer with one input channel.
        image: float32 (1, H, W), normalised as in training.
    """
    weights = convolution.weight.detach().cpu()[:, 0]  # (filters, k, k)
    with torch.no_grad():
        maps = convolution(image[None].to(convolution.weight.device))[0].cpu()  # (filters, H', W')
    count = len(weights)
    drawn, axes = figure(2, count + 1, width=0.95 * (count + 1), height=2.5, squeeze=False)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    axes[1, 0].imshow(image[0].cpu(), cmap="gray")
    axes[1, 0].set_title("image", fontsize=8, color=INK)
    limit, map_limit = weights.abs().max(), maps.abs().max()
    for number, (kernel, response) in enumerate(zip(weights, maps, strict=True), start=1):
        axes[0, number].imshow(kernel, cmap=signed_colours(), vmin=-limit, vmax=limit)
        axes[0, number].set_title(f"filtre {number}", fontsize=8, color=INK)
        axes[1, number].imshow(response, cmap=signed_colours(), vmin=-map_limit, vmax=map_limit)
    drawn.suptitle(
        title or "Filtres appris et leurs cartes (orange : positif, bleu : négatif)", fontsize=10
    )
    return drawn


def accuracy_against(
    values: Sequence[float], accuracies: Mapping[str, Sequence[float]], xlabel: str, title: str
) -> Figure:
    """One line a network: its accuracy for each value of what was changed.

    Args:
        values: what was changed (pixels of a shift, for example).
        accuracies: name of a network -> accuracies between 0 and 1, one a value.
    """
    drawn, axis = figure(width=5.6, height=3.2)
    for number, (name, line) in enumerate(accuracies.items()):
        colour = COLOURS[number % len(COLOURS)]
        axis.plot(values, line, marker=MARKERS[number % len(MARKERS)], color=colour, label=name)
    axis.set(xlabel=xlabel, ylabel="images bien classées", title=title)
    axis.yaxis.set_major_formatter(percent_tick)
    whole_numbers(axis.xaxis)
    axis.legend(frameon=False)
    clean(axis)
    return drawn


def half_epoch(history: History) -> Figure:
    """The train mean of an epoch drawn at its end, then in its middle, beside validation.

    A mean over an epoch speaks of the networks of the whole epoch, on average of the one of its
    middle; validation speaks of the one of its end (question 14). Losses are on a log axis.
    """
    from matplotlib.ticker import LogLocator, NullLocator

    drawn, axes = figure(1, 2, width=8.5, height=3.2, sharey=True)
    titles = ["comme dans le tableau", "moyenne placée au milieu de l'époque"]
    for axis, title, delay in zip(axes, titles, (0, 0.5), strict=True):
        times = [epoch - delay for epoch in history.epoch]
        axis.plot(times, history.train_loss, "o--", color=COLOURS[0], label="apprentissage")
        axis.plot(
            history.epoch, history.validation_loss, "s-", color=COLOURS[1], label="validation"
        )
        axis.set(xlabel="lectures des images", title=title, xlim=(0, len(history) + 0.2))
        whole_numbers(axis.xaxis)
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter(lambda value, _: decimal(value, "g"))
        axis.yaxis.set_minor_locator(NullLocator())
        clean(axis)
    axes[0].set_ylabel("coût moyen par image (échelle log.)")
    axes[0].legend(frameon=False)
    return drawn
