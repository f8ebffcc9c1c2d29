import pytest
import torch

from tp_cnn.data.normalise import ZCA, Normalise, Statistics, channel_statistics, to_unit
from tp_cnn.errors import CourseError


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(0)
    base = torch.randint(0, 150, (200, 3, 1, 1), generator=generator)
    noise = torch.randint(0, 100, (200, 3, 8, 8), generator=generator)
    return (base + noise).to(torch.uint8)


def test_pixel_statistics_are_those_of_all_the_pixels(images):
    found = channel_statistics(images)
    values = images.double() / 255
    torch.testing.assert_close(torch.tensor(found.mean), values.mean((0, 2, 3)).float())
    expected = values.std((0, 2, 3), correction=0).float()
    torch.testing.assert_close(torch.tensor(found.std), expected)


def test_the_deviation_by_image_is_smaller_and_is_the_mean_of_theirs(images):
    found = channel_statistics(images, "images")
    expected = (images.double() / 255).std((2, 3), correction=0).mean(0).float()
    torch.testing.assert_close(torch.tensor(found.std), expected)
    pixels = channel_statistics(images, "pixels")
    assert all(a < b for a, b in zip(found.std, pixels.std, strict=True))


def test_normalised_channels_have_mean_0_and_deviation_1(images):
    values = Normalise(channel_statistics(images))(images)
    torch.testing.assert_close(values.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(values.std((0, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)


def test_a_constant_channel_gives_zeros():
    images = torch.full((4, 1, 5, 5), 128, dtype=torch.uint8)
    values = Normalise(channel_statistics(images))(images)
    assert values.abs().max() < 1e-5


def test_normalise_does_not_change_its_input(images):
    before = images.clone()
    Normalise(Statistics((0.5,) * 3, (0.2,) * 3))(images)
    assert torch.equal(images, before)


def test_zca_decorrelates_and_keeps_the_image_recognisable():
    generator = torch.Generator().manual_seed(0)
    smooth = torch.nn.functional.avg_pool2d(torch.rand(800, 1, 12, 12, generator=generator), 5, 1)
    images = (smooth * 255).to(torch.uint8)  # neighbours strongly correlated
    whitened = ZCA(images, epsilon=1e-5)(images).flatten(1)
    correlations = torch.corrcoef(whitened.T) - torch.eye(64)
    assert torch.corrcoef(to_unit(images).flatten(1).T).fill_diagonal_(0).abs().mean() > 0.15
    assert correlations.abs().mean() < 0.05
    # Zero-phase: a whitened pixel stays most like the pixel it comes from.
    both = torch.corrcoef(torch.cat([whitened, to_unit(images).flatten(1)], 1).T)[:64, 64:]
    assert (both.argmax(1) == torch.arange(64)).all()


@pytest.mark.parametrize(
    ("images", "deviation"),
    [
        (torch.zeros(2, 3, 4, 4), "pixels"),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), "pixels"),
        (torch.zeros(2, 3, 4, 4, dtype=torch.uint8), "median"),
    ],
)
def test_wrong_arguments_are_refused(images, deviation):
    with pytest.raises(CourseError, match="expected"):
        channel_statistics(images, deviation)
