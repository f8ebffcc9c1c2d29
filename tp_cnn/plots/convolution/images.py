"""Pictures of notebook 01 on photographs: kernels, receptive fields, maps of outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from tp_cnn.errors import CourseError
from tp_cnn.models.geometry import ReceptiveField
from tp_cnn.plots.convolution.cells import draw_frame, size_of
from tp_cnn.plots.style import COLOURS, INK, figure, percent_tick
from tp_cnn.scratch.convolution import IMAGE_KERNELS, conv2d_one_channel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES = ("-", "--", "-.")
CENTRE = 24  # pixels of the enlarged centre


def sample_picture(side: int = 96) -> np.ndarray:
    """A photograph in grey levels between 0 and 1, (side, side), from scikit-learn's samples.

    Raises:
        CourseError: ``side`` is larger than the photograph.
    """
    from sklearn.datasets import load_sample_image  # slow to import

    photograph = load_sample_image("china.jpg")[40:, 110:].mean(axis=2) / 255  # (387, 530)
    largest = min(photograph.shape)
    if not 1 <= side <= largest:
        raise CourseError(f"side={side}: expected 1 to {largest} pixels")
    block = largest // side  # pixels averaged into one, in each direction
    used = photograph[: side * block, : side * block]
    return used.reshape(side, block, side, block).mean(axis=(1, 3))


def filtered_images(
    image: np.ndarray,
    kernels: Mapping[str, np.ndarray] = IMAGE_KERNELS,
    correlate: Callable[[np.ndarray, np.ndarray], np.ndarray] = conv2d_one_channel,
) -> Figure:
    """What each kernel does to a picture, with the numbers of the kernel below.

    A kernel whose sum is 0 gives values of both signs: their distance to 0 is shown, in black
    for 0. The others keep the grey levels of the picture.

    Args:
        image: (H, W), between 0 and 1.
        kernels: title -> (h, w).
        correlate: slides a kernel over the image; a student's own, for example.
    """
    rows = -(-len(kernels) // 5)
    columns = -(-len(kernels) // rows)
    drawn, axes = figure(rows, columns, width=1.65 * columns, height=2.3 * rows, squeeze=False)
    drawn.get_layout_engine().set(h_pad=0.1)  # a kernel stays closer to its picture than the next
    for axis in axes.flat[len(kernels) :]:
        axis.axis("off")
    for axis, (name, kernel) in zip(axes.flat, kernels.items(), strict=False):
        found, white = np.asarray(correlate(image, kernel)), 1.0
        if abs(kernel.sum()) < 1e-9:
            found = abs(found)
            white = np.percentile(found, 99) or 1.0
        axis.imshow(found, cmap="gray", vmin=0, vmax=white)
        axis.set(xticks=[], yticks=[])
        axis.set_title(name, fontsize=8)
        axis.set_xlabel(_table(kernel), fontsize=7, family="monospace", color=INK)
    return drawn


def photo_and_maps(photo: np.ndarray, maps: Mapping[str, np.ndarray]) -> Figure:
    """A photograph in colours, and what filters find in it: white for the largest values.

    Args:
        photo: (3, H, W), between 0 and 1.
        maps: name of a filter -> (H', W').
    """
    drawn, (left, *others) = figure(1, 1 + len(maps), width=1.6 * (1 + len(maps)), height=1.85)
    left.imshow(photo.transpose(1, 2, 0))
    left.set_title("l'image, trois canaux", fontsize=9)
    for axis, (name, found) in zip(others, maps.items(), strict=True):
        axis.imshow(found, cmap="gray", vmax=np.percentile(found, 99))
        axis.set_title(name, fontsize=9)
    for axis in drawn.axes:
        axis.set(xticks=[], yticks=[])
    return drawn


def _table(kernel: np.ndarray) -> str:
    """The numbers of a kernel, 0.0625 written 1/16, in aligned columns."""
    texts = [[str(Fraction(float(value)).limit_denominator(99)) for value in row] for row in kernel]
    width = max(len(text) for row in texts for text in row)
    return "\n".join("  ".join(text.rjust(width) for text in row) for row in texts)


def receptive_fields(image: np.ndarray, fields: Mapping[str, ReceptiveField]) -> Figure:
    """For each layer, the pixels that its neuron closest to the middle of the image sees.

    Args:
        image: (H, W) or (H, W, 3).
        fields: name of the layer -> ``tp_cnn.models.geometry.receptive_field`` up to that layer.
    """
    drawn, (axis, centre) = figure(1, 2, width=7.6, height=3.0)
    for one in (axis, centre):
        one.imshow(image, cmap="gray" if image.ndim == 2 else None, alpha=0.6)
        one.set(xlabel="colonne (pixels)", ylabel="ligne (pixels)")
    for index, (name, field) in enumerate(fields.items()):
        top, left = (_central(field, pixels) for pixels in image.shape[:2])
        colour = COLOURS[index % len(COLOURS)]
        line = LINES[index % len(LINES)]  # of two edges at the same place, both show
        for one in (axis, centre):
            draw_frame(one, top, left, (field.size, field.size), colour, line)
        axis.plot(
            [], [], linestyle=line, color=colour, label=f"{name} : {field.size} × {field.size}"
        )
    axis.autoscale_view()
    row, column = (pixels / 2 - 0.5 for pixels in image.shape[:2])
    reach = CENTRE / 2
    centre.set(xlim=(column - reach, column + reach), ylim=(row + reach, row - reach))
    axis.set_title(f"image {size_of(image)}", fontsize=10)
    centre.set_title(f"son centre, {CENTRE} × {CENTRE}", fontsize=10)
    drawn.legend(loc="outside right center", frameon=False, fontsize=9)
    return drawn


def _central(field: ReceptiveField, pixels: int) -> int:
    """First pixel seen by the neuron whose field is centred closest to the middle."""
    first_centre = field.start + (field.size - 1) / 2
    first, _ = field.window(round(((pixels - 1) / 2 - first_centre) / field.jump))
    return first


def output_map(
    image: np.ndarray,
    scores: Tensor,
    window: int,
    jump: int,
    classes: Sequence[str] | None = None,
    background: int | None = None,
    legend: str = "",
) -> Figure:
    """A larger image, and what a fully convolutional network says of each window of it.

    The window of which it is the surest is framed.

    Args:
        image: (H, W) or (H, W, 3).
        scores: (classes, rows, columns), the logits for that image.
        window: side of the images for which the network was made.
        jump: pixels from one window to the next.
        classes: short names, by default the numbers of the classes.
        legend: what the short names mean.
        background: the class that means "nothing here"; its windows are left white.
    """
    confidence, best = scores.detach().cpu().float().softmax(dim=0).max(dim=0)
    best = best.numpy()
    confidence = np.ma.masked_array(confidence.numpy(), best == background)
    rows, columns = best.shape
    row, column = divmod(int(confidence.argmax(fill_value=-1)), columns)
    ratios = [image.shape[0] / image.shape[1], rows / columns]
    wide = max(ratios) < 2 / 3
    drawn, (left, right) = (
        figure(2, 1, width=5.2, height=4.1 * sum(ratios) + 1.1, height_ratios=ratios)
        if wide
        else figure(1, 2, width=8.0, height=3.6)
    )
    left.imshow(image, cmap="gray" if image.ndim == 2 else None)
    left.set(xlabel="colonne (pixels)", ylabel="ligne (pixels)")
    draw_frame(left, row * jump, column * jump, (window, window), COLOURS[1])
    left.set_title(f"image {size_of(image)}, fenêtre {window} × {window}", fontsize=10)
    shown = right.imshow(confidence, cmap="Blues", vmin=0, vmax=1)
    for y, x in np.argwhere(best != background):
        name = str(best[y, x]) if classes is None else classes[best[y, x]]
        colour = "white" if confidence[y, x] > 0.55 else INK
        size = min(9, (180 if wide else 110) / columns)
        right.text(x, y, name, ha="center", va="center", color=colour, fontsize=size)
    draw_frame(right, row, column, (1, 1), COLOURS[1])
    right.set(xticks=[], yticks=[])
    meaning = f" ({legend})" if legend else ""
    right.set_title(f"carte de sortie {rows} × {columns}{meaning}", fontsize=10)
    beside = [left, right] if wide else right
    bar = drawn.colorbar(shown, ax=beside, label="probabilité de la classe")
    bar.ax.yaxis.set_major_formatter(percent_tick)
    return drawn
