"""Pictures of what a network has learnt: filters, feature maps, accuracy against a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from tp_cnn.plots.style import COLOURS, INK, clean, figure, percent_tick, whole_numbers

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
        axes[0, number].imshow(kernel, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes[0, number].set_title(f"filtre {number}", fontsize=8, color=INK)
        axes[1, number].imshow(response, cmap="RdBu_r", vmin=-map_limit, vmax=map_limit)
    drawn.suptitle(
        title or "Filtres appris et cartes d'activation (rouge : +, bleu : -)", fontsize=10
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
    markers = "osD^vP"
    for number, (name, line) in enumerate(accuracies.items()):
        colour = COLOURS[number % len(COLOURS)]
        axis.plot(values, line, marker=markers[number % len(markers)], color=colour, label=name)
    axis.set(xlabel=xlabel, ylabel="images bien classées", title=title)
    axis.yaxis.set_major_formatter(percent_tick)
    whole_numbers(axis.xaxis)
    axis.legend(frameon=False)
    clean(axis)
    return drawn
