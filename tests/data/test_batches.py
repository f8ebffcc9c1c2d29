import pytest
import torch

from tp_cnn.data import batches as batches_module
from tp_cnn.data.augment import HorizontalFlip
from tp_cnn.data.batches import Batches, only, split_train
from tp_cnn.data.sources import load
from tp_cnn.errors import CourseError


def test_every_image_comes_once_with_its_label(image_set):
    images = image_set(203)
    batches = Batches(images, batch_size=50, shuffle=True, device="cpu")
    assert len(batches) == 5 == len(list(batches))
    values = torch.cat([x for x, _ in batches])
    assert values.dtype == torch.float32
    assert values.min() >= 0
    assert values.max() <= 1
    found = sorted((image.sum().item(), label) for image, label in _pairs(batches))
    expected = [
        (image.sum().item(), label.item())
        for image, label in zip(images.images.float() / 255, images.labels, strict=True)
    ]
    assert [label for _, label in found] == [label for _, label in sorted(expected)]
    torch.testing.assert_close(
        torch.tensor([total for total, _ in found]), torch.tensor(sorted(t for t, _ in expected))
    )


def _pairs(batches):
    for images, labels in batches:
        yield from zip(images, labels.tolist(), strict=True)


def test_the_seed_gives_the_order_and_each_epoch_has_its_own(image_set):
    def orders(seed):
        batches = Batches(image_set(), 32, shuffle=True, seed=seed, device="cpu")
        return [torch.cat([labels for _, labels in batches]).tolist() for _ in range(2)]

    first, second = orders(0)
    assert first != second
    assert orders(0) == [first, second]
    assert orders(1)[0] != first


@pytest.mark.parametrize("batch_size", [7, 64, 500])
def test_batches_prepared_together_are_those_prepared_alone(image_set, monkeypatch, batch_size):
    def values():
        made = list(Batches(image_set(203), batch_size, shuffle=True, seed=1, device="cpu"))
        assert [len(labels) for _, labels in made[:-1]] == [batch_size] * (len(made) - 1)
        return [torch.cat(parts) for parts in zip(*made, strict=True)]

    together = values()
    monkeypatch.setattr(batches_module, "VALUES_AT_ONCE", 1)
    for a, b in zip(together, values(), strict=True):
        assert torch.equal(a, b)


def test_without_shuffle_the_order_is_that_of_the_set(image_set):
    images = image_set()
    labels = torch.cat([labels for _, labels in Batches(images, 64, device="cpu")])
    assert torch.equal(labels, images.labels)


def test_augmentation_changes_from_epoch_to_epoch_and_not_the_set(image_set):
    images = image_set()
    before = images.images.clone()
    batches = Batches(images, 200, augment=[HorizontalFlip()], device="cpu")
    (first, _), (second, _) = next(iter(batches)), next(iter(batches))
    assert not torch.equal(first, second)
    assert torch.equal(images.images, before)


def test_the_split_is_stratified_seeded_and_disjoint(image_set):
    images = image_set(200)
    train, validation = split_train(images, 0.2, seed=1)
    assert (len(train), len(validation)) == (160, 40)
    assert train.labels.bincount().tolist() == [40] * 4
    assert validation.labels.bincount().tolist() == [10] * 4
    everything = torch.cat([train.images, validation.images])
    assert len(everything.flatten(1).unique(dim=0)) == 200
    again = split_train(images, 0.2, seed=1)[1]
    assert torch.equal(again.images, validation.images)
    assert not torch.equal(split_train(images, 0.2, seed=2)[1].images, validation.images)


def test_wrong_arguments_are_refused(image_set):
    with pytest.raises(CourseError, match="batch_size is 0"):
        Batches(image_set(), 0)
    with pytest.raises(CourseError, match="no image"):
        Batches(image_set(8).subset([]))
    with pytest.raises(CourseError, match="cannot hold 2 of 200"):
        split_train(image_set(200), 2)


def test_only_some_classes_are_kept_and_numbered_in_the_order_asked():
    whole = load("digits", "test")
    kept = only(whole, ["7", "2"])
    assert kept.classes == ("7", "2")
    assert len(kept) == int((whole.labels == 7).sum() + (whole.labels == 2).sum())
    sevens = kept.images[kept.labels == 0]
    assert torch.equal(sevens, whole.images[whole.labels == 7])


def test_only_an_unknown_class_is_refused():
    with pytest.raises(CourseError, match=r"'chat'.*expected among 0, 1"):
        only(load("digits", "test"), ["1", "chat"])
