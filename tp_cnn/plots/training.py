"""Pictures of a training run and of its mistakes: curves, image grid, confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from tp_cnn.errors import CourseError
from tp_cnn.plots.style import COLOURS, INK, MARKERS, clean, figure, percent_tick, whole_numbers
from tp_cnn.training.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def curves(histories: Mapping[str, History], title: str = "") -> Figure:
    """Loss and accuracy by epoch: train dashed, validation full, a colour and a marker a history.

    Args:
        histories: name of a run -> its history. An empty name is left out of the legend.
    """
    drawn, (left, right) = figure(1, 2, width=8.5, height=3.2)
    styles = zip(cycle(COLOURS), cycle(MARKERS), histories.items(), strict=False)
    for colour, marker, (name, history) in styles:
        for axis, measure in ((left, "loss"), (right, "accuracy")):
            for part, line in (("train", "--"), ("validation", "-")):
                values = getattr(history, f"{part}_{measure}")
                if values and values[0] is not None:
                    label = f"{name}, {_FRENCH[part]}" if name else _FRENCH[part]
                    style = {"marker": marker, "markersize": 4, "color": colour, "label": label}
                    style["markevery"] = max(1, len(history) // 10)  # so many dots hide the line
                    axis.plot(history.epoch, values, line, **style)
    left.set(title="Coût (entropie croisée)", xlabel="époque", ylabel="coût moyen par image")
    right.set(title="Exactitude", xlabel="époque", ylabel="images bien classées")
    right.yaxis.set_major_formatter(percent_tick)
    for axis in (left, right):
        whole_numbers(axis.xaxis)
        clean(axis)
    handles, labels = left.get_legend_handles_labels()
    drawn.legend(
        handles, labels, loc="outside lower center", ncols=min(4, len(labels)), frameon=False
    )
    if title:
        drawn.suptitle(title)
    return drawn


_FRENCH = {"train": "apprentissage", "validation": "validation"}


def image_grid(
    images: Tensor, titles: Sequence[str] = (), columns: int = 10, title: str = ""
) -> Figure:
    """Small pictures side by side, each under its title.

    Args:
        images: uint8, or float between 0 and 1, (N, 1 or 3, H, W).
        titles: one a picture, or none.
    """
    if len(images) == 0:
        raise CourseError("no image to show")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    lines = 1 + max((text.count("\n") for text in titles), default=-1)  # of text above a picture
    height = rows * (0.8 + 0.17 * lines) + (0.35 if title else 0)
    drawn, axes = figure(rows, columns, width=0.88 * columns, height=height, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image in zip(axes.flat, images.cpu().numpy(), strict=False):
        grey = image.shape[0] == 1
        pixels = image[0] if grey else image.transpose(1, 2, 0)
        # Squares, as they are: smoothed pixels weigh twice as much in a notebook.
        axis.imshow(pixels, cmap="gray" if grey else None, interpolation="nearest")
    for axis, text in zip(axes.flat, titles, strict=False):
        axis.set_title(text, fontsize=8, color=INK, pad=2)
    if title:
        drawn.suptitle(title, fontsize=11)
    return drawn


def confusion(
    labels: Tensor, predictions: Tensor, classes: Sequence[str], title: str = ""
) -> Figure:
    """The confusion matrix: a row a true class, a column a predicted one, in numbers of images.

    Colours show the mistakes only, so that the diagonal does not hide them.
    """
    from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix  # slow to import

    counts = confusion_matrix(labels, predictions, labels=range(len(classes)))
    mistakes = counts - np.diag(np.diag(counts))
    drawn, axis = figure(width=5.6, height=4.9)
    shown = ConfusionMatrixDisplay(counts, display_labels=classes)
    rotation = "horizontal" if max(map(len, classes)) <= 3 else 45
    shown.plot(ax=axis, cmap="Blues", colorbar=False, xticks_rotation=rotation)
    shown.im_.set_data(mistakes)
    shown.im_.set_clim(0, max(1, mistakes.max()) * 1.3)
    for (row, column), text in np.ndenumerate(shown.text_):
        value = mistakes[row, column]
        text.set(text=str(counts[row, column]) if counts[row, column] else "", fontsize=8)
        text.set_color("white" if value > 0.8 * max(1, mistakes.max()) else INK)
        text.set_fontweight("bold" if row == column else "normal")
    axis.set(xlabel="classe prédite", ylabel="vraie classe", title=title or "Matrice de confusion")
    return drawn


def worst_mistakes(
    images: Tensor, labels: Tensor, logits: Tensor, classes: Sequence[str], count: int = 20
) -> Figure:
    """The misclassified images with the largest loss: what was said, how surely, what it was.

    Args:
        images: uint8 (N, C, H, W), in the order of the labels.
        labels: int64 (N,).
        logits: float32 (N, classes), as `tp_cnn.training.predict` gives them.
    """
    probabilities = logits.softmax(1)
    confidence, predictions = probabilities.max(1)
    of_truth = probabilities.gather(1, labels[:, None])[:, 0]
    wrong = (predictions != labels).nonzero()[:, 0]
    if len(wrong) == 0:
        raise CourseError("the model makes no mistake on these images: nothing to show")
    chosen = wrong[of_truth[wrong].argsort()[:count]]
    titles = [
        f"{classes[predictions[i]]} ({100 * confidence[i]:.0f} %)\nvrai : {classes[labels[i]]}"
        for i in chosen
    ]
    title = f"Les {len(chosen)} pires erreurs, sur {len(wrong)}"
    return image_grid(images[chosen], titles, columns=10 if _short(classes) else 7, title=title)


def _short(classes: Sequence[str]) -> bool:
    return max(map(len, classes)) <= 4
