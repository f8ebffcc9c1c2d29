import pytest
import torch

from tp_cnn.data.augment import (
    CenterCrop,
    ColourJitter,
    Cutout,
    HorizontalFlip,
    Mixup,
    RandomCrop,
    RandomShift,
    shift,
)
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


def test_cutout_hides_a_square_of_the_mean_colour_anywhere(generator):
    images = torch.full((2000, 3, 8, 8), 100, dtype=torch.uint8)
    images[:, :, :, 4:] = 200
    cut = Cutout(4)(images, generator)
    hidden = cut == 150
    assert torch.equal(hidden[:, 0], hidden[:, 2])
    assert torch.equal(cut[~hidden], images[~hidden])
    rows, columns = hidden[:, 0].any(2).sum(1), hidden[:, 0].any(1).sum(1)
    assert torch.equal(rows * columns, hidden[:, 0].sum((1, 2)))  # a full rectangle
    assert set(rows.tolist()) == set(columns.tolist()) == {2, 3, 4}  # cut by the border, or not
    # A pixel is hidden if the corner falls in a window of 4 of 8 places, each way: 1 chance of 4.
    assert hidden[:, 0, 3, 3].float().mean() == pytest.approx(1 / 4, abs=0.04)
    assert len({str(one.nonzero().tolist()) for one in hidden[:50, 0]}) > 20  # each its own place


def test_jitter_changes_brightness_contrast_and_saturation_within_bounds(generator):
    grey = torch.full((500, 3, 4, 4), 100, dtype=torch.uint8)
    levels = ColourJitter(0.2)(grey, generator).float()
    assert torch.equal(levels, levels[:, :1, :1, :1].expand_as(levels))  # a plain grey stays so
    assert levels.min() == pytest.approx(80, abs=1)
    assert levels.max() == pytest.approx(120, abs=1)
    images = torch.randint(0, 256, (50, 3, 4, 4), generator=generator).to(torch.uint8)
    jittered = ColourJitter(0.3)(images, generator)
    assert (jittered.dtype, jittered.shape) == (torch.uint8, images.shape)
    spread = jittered.float().std((1, 2, 3)) / images.float().std((1, 2, 3))
    assert spread.max() / spread.min() > 1.3
    assert torch.equal(ColourJitter(0.0)(images, generator), images)


def test_mixup_is_on_average_two_thirds_of_the_image_itself(generator):
    images = torch.zeros(4000, 1, 2, 2, dtype=torch.uint8)
    images[::2] = 240
    shares = Mixup()(images, generator).float().mean((1, 2, 3)) / 240
    # The mean of the density 2 λ is 2/3; half of the others are of the same kind.
    assert shares[::2].mean() == pytest.approx(1 / 2 + 1 / 2 * 2 / 3, abs=0.02)
    assert shares[1::2].mean() == pytest.approx(1 / 2 * 1 / 3, abs=0.02)


def test_mixup_has_the_mean_loss_of_mixed_labels(generator):
    images = torch.randint(0, 256, (40_000, 1, 1, 2), generator=generator).to(torch.uint8)
    labels = (images[:, 0, 0, 0] > images[:, 0, 0, 1]).long()

    def losses(mixed):  # of a good classifier, for both labels: (N, 2)
        values = mixed.flatten(1).float() / 255
        return -torch.log_softmax(values @ torch.tensor([[-6.0, 6.0], [6.0, -6.0]]), 1)

    ours = losses(Mixup()(images, generator)).gather(1, labels[:, None]).mean().item()
    share, others = torch.rand(len(images), generator=generator), images.flip(0)
    column = share.view(-1, 1, 1, 1)
    theirs = losses(column * images + (1 - column) * others)
    of_one, of_other = theirs.gather(1, labels[:, None]), theirs.gather(1, labels.flip(0)[:, None])
    soft = (share[:, None] * of_one + (1 - share[:, None]) * of_other).mean().item()
    assert ours == pytest.approx(soft, rel=0.03)
    assert losses(images).gather(1, labels[:, None]).mean() < soft / 2  # without mixing


@pytest.mark.parametrize(
    "augmentation",
    [RandomCrop(4), RandomShift(2), HorizontalFlip(), Cutout(3), ColourJitter(0.5), Mixup()],
)
def test_the_generator_decides(images, augmentation):
    images = images + torch.arange(400).view(-1, 1, 1, 1).to(torch.uint8) % 100

    def draw(seed):
        return augmentation(images, torch.Generator().manual_seed(seed))

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))


def test_too_large_a_crop_is_refused(images, generator):
    with pytest.raises(CourseError, match="crop of 7×7: the images have only 6×6 pixels"):
        RandomCrop(7)(images, generator)
