"""The pictures on photographs: what they show and how heavy they are."""

import io

import numpy as np
import pytest
import torch

from tp_cnn.errors import CourseError
from tp_cnn.models.geometry import ReceptiveField
from tp_cnn.plots.convolution.images import (
    filtered_images,
    output_map,
    photo_and_maps,
    receptive_fields,
    sample_picture,
)
from tp_cnn.scratch.convolution import IMAGE_KERNELS


def weight(drawn):
    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png")
    return len(buffer.getvalue())


def test_sample_picture_is_grey_and_of_the_size_asked():
    for side in (1, 64, 387):
        image = sample_picture(side)
        assert image.shape == (side, side)
        assert 0 <= image.min() <= image.max() <= 1
    assert image.std() > 0.1
    for side in (0, 388):
        with pytest.raises(CourseError, match=f"side={side}: expected 1 to 387"):
            sample_picture(side)


def test_filtered_images_show_every_kernel_and_its_numbers():
    image = sample_picture()
    drawn = filtered_images(image)
    assert len(drawn.axes) == 8
    for axis, (name, kernel) in zip(drawn.axes, IMAGE_KERNELS.items(), strict=False):
        assert axis.get_title() == name
        (shown,) = axis.images
        assert shown.get_array().min() >= 0 or kernel.sum() > 0
    assert np.allclose(drawn.axes[0].images[0].get_array(), image[1:-1, 1:-1])  # identity
    assert drawn.axes[6].get_xlabel().splitlines()[1].split() == ["1/8", "1/4", "1/8"]
    assert not drawn.axes[7].axison
    assert weight(drawn) < 200_000


def test_a_flat_picture_has_no_edge():
    drawn = filtered_images(
        np.full((8, 8), 0.5), {"contours": IMAGE_KERNELS["contours : 4 voisins"]}
    )
    assert (drawn.axes[0].images[0].get_array() == 0).all()


def test_a_students_correlation_is_drawn():
    drawn = filtered_images(sample_picture(), {"flou": np.ones((3, 3))}, lambda *_: np.eye(5))
    assert drawn.axes[0].images[0].get_array().shape == (5, 5)


def test_a_photo_beside_its_maps():
    drawn = photo_and_maps(np.zeros((3, 8, 8)), {"rouge": np.ones((6, 6)), "contours": np.eye(6)})
    assert [axis.get_title() for axis in drawn.axes][1:] == ["rouge", "contours"]


def test_small_fields_are_seen_in_an_enlarged_centre():
    drawn = receptive_fields(sample_picture(64), {"conv1": ReceptiveField(3, 1, -1)})
    _, centre = drawn.axes
    left, right = centre.get_xlim()
    (frame,) = centre.patches
    assert right - left == 24
    assert left < frame.get_x() < right - 3


def test_receptive_fields_are_framed_in_the_middle():
    fields = {"conv1": ReceptiveField(5, 1, -2), "pool1": ReceptiveField(6, 2, -2)}
    drawn = receptive_fields(sample_picture(32), fields)
    conv1, pool1 = drawn.axes[0].patches
    assert (conv1.get_width(), pool1.get_width()) == (5, 6)
    assert conv1.get_x() in (13 - 0.5, 14 - 0.5)  # the neuron 15 or 16 of 32
    assert abs(pool1.get_x() + 3 - 15.5) <= 1
    labels = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert labels == ["conv1 : 5 × 5", "pool1 : 6 × 6"]


def test_receptive_field_larger_than_the_image_stays_visible():
    drawn = receptive_fields(np.zeros((20, 30, 3)), {"vgg": ReceptiveField(60, 4, -28)})
    left, right = drawn.axes[0].get_xlim()
    (frame,) = drawn.axes[0].patches
    assert left <= frame.get_x()
    assert right >= frame.get_x() + 60


def test_output_map_names_the_class_of_each_window_and_frames_the_surest():
    scores = torch.zeros(3, 2, 4)
    scores[1] = 1.0
    scores[2, 1, 2] = 9.0
    drawn = output_map(np.zeros((32, 40)), scores, window=28, jump=4, classes=["a", "b", "c"])
    left, right = drawn.axes[:2]
    assert [text.get_text() for text in right.texts] == ["b"] * 6 + ["c", "b"]
    (frame,) = left.patches
    assert (frame.get_x(), frame.get_y(), frame.get_width()) == (8 - 0.5, 4 - 0.5, 28)
    numbers = output_map(np.zeros((32, 40)), scores, window=28, jump=4).axes[1].texts
    assert numbers[0].get_text() == "1"
    assert weight(drawn) < 60_000


def test_output_map_leaves_the_background_white_and_draws_a_wide_image_above_its_map():
    scores = torch.zeros(3, 2, 8)
    scores[2] = 9.0
    scores[1, 1, 5] = 20.0
    image = np.zeros((32, 56))
    drawn = output_map(image, scores, window=28, jump=4, classes=["a", "b", "·"], background=2)
    above, below = drawn.axes[:2]
    assert [text.get_text() for text in below.texts] == ["b"]
    (frame,) = above.patches
    assert (frame.get_x(), frame.get_y()) == (20 - 0.5, 4 - 0.5)
    assert above.get_position().y0 > below.get_position().y1
    assert below.images[0].get_array().mask.sum() == 15
