"""The pictures on small matrices: what they show, that nothing overlaps, and the slider."""

import io
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tp_cnn.errors import CourseError
from tp_cnn.plots.convolution import layers
from tp_cnn.plots.convolution import steps as plots
from tp_cnn.plots.convolution.cells import signed
from tp_cnn.scratch.convolution import IMAGE_KERNELS, O, X, conv2d_one_channel

IMAGE = np.array([[2, -1, -1, 3], [-2, 1, 2, -1], [0, 0, 2, 3], [2, -1, -3, 2]])
KERNEL = np.array([[-1, 2], [0, 1]])


def texts(axis):
    return [text.get_text().replace("−", "-") for text in axis.texts]


def check_readable(drawn):
    """No text over another or outside the figure; the picture is light."""
    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png")
    assert len(buffer.getvalue()) < 150_000
    shown = [*drawn.texts]  # those of the figure, its title among them
    for axis in drawn.axes:
        shown += [*axis.texts, axis.title]
    boxes = [text.get_window_extent() for text in shown if text.get_text()]
    assert boxes
    width, height = drawn.bbox.size
    for box in boxes:
        assert min(box.x0, box.y0) >= 0
        assert box.x1 <= width
        assert box.y1 <= height
    for one, other in combinations(boxes, 2):
        assert not one.shrunk(0.98, 0.9).overlaps(other)


def test_step_shows_the_outputs_up_to_there_and_the_sum():
    drawn = plots.convolution_step(IMAGE, KERNEL, step=4)
    entrée, noyau, sortie = drawn.axes
    assert texts(entrée) == [str(value) for value in IMAGE.flat]
    assert texts(noyau) == ["-1", "2", "0", "1"]
    assert texts(sortie) == ["-3", "1", "6", "4", "5"]
    assert drawn.texts[0].get_text() == "1×(−1) + 2×2 + 0×0 + 2×1 = 5"
    (frame,) = entrée.patches
    assert (frame.get_x(), frame.get_y()) == (0.5, 0.5)  # around row 1, column 1
    check_readable(drawn)


def test_step_with_stride_padding_and_decimals():
    drawn = plots.convolution_step(IMAGE / 3, IMAGE_KERNELS["flou gaussien"], 3, 2, padding=1)
    assert len(texts(drawn.axes[0])) == 36
    assert len(texts(drawn.axes[2])) == 4
    (frame,) = drawn.axes[0].patches
    assert (frame.get_x(), frame.get_y()) == (1.5, 1.5)
    check_readable(drawn)


def test_step_beyond_the_output_is_explained():
    for step in (-1, 9):
        with pytest.raises(CourseError, match=f"step={step}: expected 0 to 8"):
            plots.convolution_step(IMAGE, KERNEL, step)


def test_strip_goes_from_the_first_position_to_the_last():
    drawn = plots.convolution_strip(IMAGE, KERNEL)
    titles = [axis.get_title() for axis in drawn.axes[:6]]
    assert titles[:2] == ["filtre", "étape 1 sur 9"]
    assert titles[-1] == "étape 9 sur 9"
    assert [len(texts(axis)) for axis in drawn.axes[6:]] == [0, 1, 3, 5, 7, 9]
    check_readable(drawn)
    check_readable(plots.convolution_strip(np.ones((7, 7)), np.ones((3, 3)), padding=1))
    assert len(plots.convolution_strip(IMAGE, IMAGE).axes) == 4  # a single position


def test_slider_is_the_strip_where_nobody_can_move_it(monkeypatch):
    assert len(plots.convolution_slider(IMAGE, KERNEL).axes) == 12
    runner = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=False))
    monkeypatch.setattr(plots, "get_ipython", lambda: runner)
    assert len(plots.convolution_slider(IMAGE, KERNEL).axes) == 12


def test_slider_moves_the_picture_and_carries_the_strip(monkeypatch):
    shown, boxes = [], []
    live = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=True))
    monkeypatch.setattr(plots, "get_ipython", lambda: live)
    monkeypatch.setattr(plots, "display", lambda bundle, raw: shown.append(bundle))
    make_box = plots.ipywidgets.VBox
    monkeypatch.setattr(
        plots.ipywidgets, "VBox", lambda children: boxes.append(make_box(children)) or boxes[0]
    )
    assert plots.convolution_slider(IMAGE, KERNEL) is None
    (bundle,) = shown
    assert "application/vnd.jupyter.widget-view+json" in bundle
    strip = Image.open(io.BytesIO(bundle["image/png"]))
    slider, picture = boxes[0].children
    first = Image.open(io.BytesIO(picture.value))
    assert strip.width > first.width
    before = picture.value
    slider.value = slider.max
    assert slider.max == 9
    assert picture.value != before


def test_padding_and_stride_side_by_side():
    drawn = plots.padding_and_stride(5, 3, ((0, 1), (1, 1), (1, 2), (0, 3)))
    titles = [axis.get_title() for axis in drawn.axes]
    assert titles[:2] == ["padding 0, stride 1", "padding 1, stride 1"]
    assert titles[4:] == ["5 × 5 → 3 × 3", "5 × 5 → 5 × 5", "5 × 5 → 3 × 3", "5 × 5 → 1 × 1"]
    assert [len(axis.patches) for axis in drawn.axes[:4]] == [2, 2, 2, 1]
    check_readable(drawn)
    with pytest.raises(CourseError, match="does not fit"):
        plots.padding_and_stride(3, 5, ((0, 1),))


def test_matrices_write_every_number():
    found = conv2d_one_channel(IMAGE, KERNEL)
    drawn = plots.matrices({"entrée": IMAGE, "sortie": found, "moitié": found / 2}, "Exemple")
    assert texts(drawn.axes[1]) == ["-3", "1", "6", "4", "5", "-1", "-1", "1", "6"]
    assert texts(drawn.axes[2])[0] == "-1,50"
    check_readable(drawn)
    assert texts(plots.matrices({"": np.zeros((1, 2))}).axes[0]) == ["0", "0"]


def test_feature_maps_show_the_numbers_of_document_001():
    drawn = plots.feature_maps({"X": X, "O": O})
    assert len(drawn.axes) == 12
    assert texts(drawn.axes[5])[:7] == ["0,77", "-0,11", "0,11", "0,33", "0,55", "-0,11", "0,33"]
    maxima = [axis.get_title() for axis in (drawn.axes[6], drawn.axes[10])]
    assert maxima == ["maximum : 1,00", "maximum : 0,55"]  # the cross, on X then on O
    check_readable(drawn)


def test_minus_one_and_one_are_told_apart_in_grey():
    shades = signed(np.array([-1.0, 0, 1]), 1) @ [0.30, 0.59, 0.11]
    negative, zero, positive = shades
    assert zero - negative > 0.6
    assert positive - negative > 0.3


def test_a_students_map_is_drawn():
    drawn = plots.feature_maps({"X": X}, compute=lambda image, fragment: np.full((7, 7), 0.5))
    assert set(texts(drawn.axes[5])) == {"0,50"}


def test_a_filter_adds_up_what_it_finds_in_each_channel():
    image = np.stack([IMAGE, IMAGE, -IMAGE])
    drawn = layers.filter_on_channels(image, np.stack([KERNEL] * 3), bias=1)
    found = conv2d_one_channel(IMAGE, KERNEL)
    total = [text for axis in drawn.axes if "biais" in axis.get_title() for text in texts(axis)]
    assert total[:-1] == [f"{value + 1:.0f}" for value in found.flat]
    assert total[-1] == "(-3) + (-3) + 3 + 1 = -2"
    check_readable(drawn)


def test_pooling_frames_the_largest_value_of_each_window():
    drawn = layers.pooling_windows(np.arange(24.0).reshape(4, 6))
    left, middle, right = drawn.axes
    corners = [(frame.get_x() + 0.5, frame.get_y() + 0.5) for frame in left.patches]
    assert corners == [(x, y) for y in (1, 3) for x in (1, 3, 5)]
    assert texts(middle)[:3] == ["7", "9", "11"]
    assert texts(right)[0] == "3,50"
    check_readable(drawn)


def test_a_dense_layer_keeps_the_order_of_its_weights():
    drawn = layers.dense_as_convolution()
    square, flat, weights, kernel, *_ = drawn.axes
    order = [str(rank) for rank in range(1, 10)]
    assert [texts(axis) for axis in (square, flat, weights, kernel)] == [order] * 4
    check_readable(drawn)
