import pytest
import torch

from tp_cnn.data.augment import CenterCrop, HorizontalFlip, RandomCrop, RandomShift, shift
from tp_cnn.errors import CourseError


@pytest.fixture
def images():
    # Pixel (row, column) of every image holds 32 * row + column, so that a crop says its place.
    places = torch.arange(6 * 6).view(1, 1, 6, 6)
    return places.expand(400, 3, 6, 6).to(torch.uint8).contiguous()


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_random_crop_is_a_window_at_another_place_for_each_image(images, generator):
    crops = RandomCrop(4)(images, generator)
    assert crops.shape == (400, 3, 4, 4)
    corners = crops[:, 0, 0, 0].long()
    assert set(corners.tolist()) == {6 * row + column for row in range(3) for column in range(3)}
    counts = corners.bincount(minlength=15)[corners.unique()]
    assert counts.min() > 400 / 9 / 2  # every place is drawn about as often
    for crop, corner in zip(crops, corners, strict=True):
        row, column = divmod(corner.item(), 6)
        assert torch.equal(crop, images[0, :, row : row + 4, column : column + 4])


def test_random_shift_keeps_the_size_and_brings_zeros(images, generator):
    shifted = RandomShift(1)(images + 1, generator)
    assert shifted.shape == images.shape
    kept = (shifted > 0).sum((1, 2, 3)) / 3
    assert set(kept.long().tolist()) == {25, 30, 36}  # moved in two, one or no direction


@pytest.mark.parametrize(("right", "down"), [(2, 0), (0, -1), (-3, 2), (0, 0)])
def test_shift_moves_each_pixel_as_told(images, right, down):
    moved = shift(images + 1, right, down)
    assert moved.shape == images.shape
    for row, column in [(0, 0), (5, 5), (3, 2)]:
        source = (row - down, column - right)
        inside = all(0 <= place < 6 for place in source)
        expected = images[0, 0][source] + 1 if inside else 0
        assert moved[7, 1, row, column] == expected


def test_center_crop_is_the_centre(images):
    assert torch.equal(CenterCrop(4)(images), images[:, :, 1:5, 1:5])


def test_flip_mirrors_left_and_right_about_half_of_the_images(images, generator):
    flipped = HorizontalFlip()(images, generator)
    is_flipped = flipped[:, 0, 0, 0] == 5  # the first pixel is now the end of the first row
    assert 150 < is_flipped.sum() < 250
    assert torch.equal(flipped[is_flipped], images[is_flipped].flip(3))
    assert torch.equal(flipped[~is_flipped], images[~is_flipped])


@pytest.mark.parametrize("augmentation", [RandomCrop(4), RandomShift(2), HorizontalFlip()])
def test_the_generator_decides(images, augmentation):
    def draw(seed):
        return augmentation(images, torch.Generator().manual_seed(seed))

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))


def test_too_large_a_crop_is_refused(images, generator):
    with pytest.raises(CourseError, match="crop of 7×7: the images have only 6×6 pixels"):
        RandomCrop(7)(images, generator)
