import pytest
import torch

from tp_cnn.data.synthetic import shapes
from tp_cnn.errors import CourseError
from tp_cnn.scratch import bag_of_words


@pytest.fixture(scope="module")
def pictures():
    return shapes(bag_of_words.CHUNK + 10)[0]  # more than one chunk


def test_patches_are_those_of_the_image_whatever_its_brightness(pictures):
    images = pictures[:3]
    patches = bag_of_words.cut_patches(images, side=6, stride=2)
    assert patches.shape == (3, 14 * 14, 3 * 6 * 6)
    by_hand = images[1, :, 4:10, 6:12].flatten().float()  # third row, fourth column of windows
    by_hand = by_hand - by_hand.mean()
    torch.testing.assert_close(
        patches[1, 2 * 14 + 3], by_hand / (by_hand.std() + bag_of_words.FLAT), rtol=1e-4, atol=1e-4
    )
    lighter = bag_of_words.cut_patches((images // 2 + 100).byte(), 6, 2)
    darker = bag_of_words.cut_patches(images // 2, 6, 2)
    torch.testing.assert_close(lighter, darker, rtol=1e-4, atol=1e-4)


def test_too_large_a_patch_is_refused(pictures):
    with pytest.raises(CourseError, match=r"33×33.*32×32"):
        bag_of_words.cut_patches(pictures[:1], side=33)


def test_drawn_patches_come_from_every_image_and_follow_the_seed():
    # One image of vertical lines, one of horizontal lines: their patches differ.
    lines = (torch.arange(8) % 2 * 200).byte()
    images = torch.stack([lines.repeat(8, 1), lines.repeat(8, 1).T])[:, None]
    drawn = bag_of_words.draw_patches(images, 20, side=4)
    assert drawn.shape == (20, 16)
    vertical = drawn.view(20, 4, 4).std(dim=1).amax(1) < 1e-4  # constant down each column
    assert vertical.tolist() == [True] * 10 + [False] * 10
    assert torch.equal(drawn, bag_of_words.draw_patches(images, 20, side=4))
    assert not torch.equal(drawn, bag_of_words.draw_patches(images, 20, side=4, seed=1))


def test_nearest_word_is_the_closest_centre():
    generator = torch.Generator().manual_seed(0)
    patches, words = (torch.randn(n, 7, generator=generator) for n in (50, 9))
    words[0] *= 5  # centres of different lengths
    assert torch.equal(
        bag_of_words.nearest_word(patches, words), torch.cdist(patches, words).argmin(1)
    )


def test_histogram_counts_the_words_of_each_image(pictures):
    words = bag_of_words.learn_vocabulary(bag_of_words.draw_patches(pictures, 2000), 12)
    shares = bag_of_words.describe(pictures, words)
    assert words.shape == (12, 108)
    assert shares.shape == (len(pictures), 12)
    torch.testing.assert_close(shares.sum(1), torch.ones(len(pictures)))
    nearest = bag_of_words.nearest_word(bag_of_words.cut_patches(pictures[-1:]), words)[0]
    torch.testing.assert_close(shares[-1], torch.bincount(nearest, minlength=12) / len(nearest))


def textures(count, seed):
    """Noisy vertical stripes, horizontal stripes and noise alone, in turn: the words tell them."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    phase = torch.randint(4, (count, 1, 1, 1), generator=generator)
    wave = ((torch.arange(16).view(1, 1, 1, 16) + phase) % 4 < 2) * 100  # (count, 1, 1, 16)
    images = torch.randint(100, (count, 1, 16, 16), generator=generator)
    vertical, horizontal = wave.expand_as(images), wave.mT.expand_as(images)
    labels_as_maps = labels.view(-1, 1, 1, 1)
    images = images + vertical * (labels_as_maps == 0) + horizontal * (labels_as_maps == 1)
    return images.byte(), labels


def test_the_whole_approach_learns_and_has_the_weights_of_the_formula():
    images, labels = textures(300, seed=0)
    words = bag_of_words.learn_vocabulary(bag_of_words.draw_patches(images, 5000), 30)
    svm = bag_of_words.train_svm(bag_of_words.describe(images, words), labels)
    assert svm[-1].coef_.size + svm[-1].intercept_.size == (30 + 1) * 3
    others, their_labels = textures(90, seed=1)
    assert bag_of_words.accuracy(svm, bag_of_words.describe(others, words), their_labels) > 0.9
    assert (
        bag_of_words.accuracy(svm, bag_of_words.describe(others, words), (their_labels + 1) % 3)
        < 0.1
    )
