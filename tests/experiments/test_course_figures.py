"""What the texts and rubrics of notebooks 04 and 05 say of the reference, read from its files."""

from statistics import mean, stdev

import numpy as np
import pytest

from tp_cnn.experiments import reference
from tp_cnn.experiments.configurations import CONFIGURATIONS

IMPROVEMENTS = reference.load("cifar10_improvements")
GRID = reference.load("cifar10_grid")
BASE = reference.load("cifar10_base")
COUNTS = reference.load("cifar10_counts")


def histories(name):
    rows = IMPROVEMENTS.where(configuration=name)
    return [rows.where(seed=seed).history() for seed in sorted({row["seed"] for row in rows})]


def accuracies(name):
    rows = IMPROVEMENTS.where(configuration=name)
    return {row["seed"]: row["test_accuracy"] for row in rows if row["test_accuracy"] != ""}


def gains(name):
    """Points of test accuracy over the step before, seed by seed."""
    before = accuracies(CONFIGURATIONS[name].parent)
    return [100 * (accuracy - before[seed]) for seed, accuracy in accuracies(name).items()]


def gap(history):
    return 100 * (history[-1].train_accuracy - history[-1].validation_accuracy)


def jump(name):
    """Notebook 05's: the mean jump of the validation accuracy in the last six epochs."""
    ends = [history.validation_accuracy[-6:] for history in histories(name)]
    return 100 * np.abs(np.diff(ends)).mean()


STEPS = ("normalisation", "augmentation", "momentum", "dropout", "batch-norm")


def test_question_19_normalisation_gains_the_most_and_widens_the_gap():
    by_step = {name: mean(gains(name)) for name in STEPS}
    assert max(by_step, key=by_step.get) == "normalisation"
    assert min(gains("normalisation")) > stdev(gains("normalisation"))
    base, normalised = (mean(map(gap, histories(name))) for name in ("base", "normalisation"))
    assert normalised > base


def test_question_19_the_first_epoch_is_where_the_base_comes_later():
    for base, normalised in zip(histories("base"), histories("normalisation"), strict=True):
        assert normalised[0].validation_accuracy > base[0].validation_accuracy + 0.1


def test_question_21_zca_leads_for_five_epochs_and_is_caught_up():
    (zca,), normalised = histories("zca"), histories("normalisation")[0]
    assert zca[0].validation_accuracy < normalised[0].validation_accuracy
    assert all(
        zca[epoch].validation_accuracy > normalised[epoch].validation_accuracy
        for epoch in range(1, 6)
    )
    assert abs(zca[-1].validation_accuracy - normalised[-1].validation_accuracy) < 0.005
    assert 0.5 < 100 * (accuracies("zca")[0] - accuracies("normalisation")[0]) < 1.5
    assert "la graine 1 a divergé" in IMPROVEMENTS.about["ZCA"]


def test_question_22_augmentation_closes_the_gap_and_gains_four_to_five_points():
    for before, after in zip(histories("normalisation"), histories("augmentation"), strict=True):
        assert gap(after) < gap(before) / 4
    assert 4 < mean(gains("augmentation")) < 5
    assert mean(gains("augmentation")) > stdev(gains("augmentation"))


def test_question_26_jumps_are_about_halved_and_the_gain_is_within_its_spread():
    assert 1.7 < jump("augmentation") / jump("momentum") < 2.3
    assert mean(gains("momentum")) < stdev(gains("momentum"))
    for history in histories("momentum"):
        assert history.best().validation_accuracy - history[-1].validation_accuracy < 0.003


def test_question_29_dropout_closes_what_is_left_of_the_gap_and_gains_nothing():
    for before, after in zip(histories("momentum"), histories("dropout"), strict=True):
        assert gap(after) < gap(before)
    assert all(3 < gap(history) < 5 for history in histories("momentum"))
    assert all(1 < gap(history) < 2 for history in histories("dropout"))
    assert abs(mean(gains("dropout"))) < stdev(gains("dropout"))
    for history in histories("dropout"):
        below = [row.train_accuracy < row.validation_accuracy for row in history]
        assert sum(below) > len(below) / 2


def test_question_34_batch_norm_acts_on_the_first_epochs():
    for before, after in zip(histories("dropout"), histories("batch-norm"), strict=True):
        assert after[0].validation_accuracy > before[0].validation_accuracy + 0.04
    assert stdev(gains("batch-norm")) < mean(gains("batch-norm")) < 1


def test_the_first_two_steps_do_nearly_all():
    assert sum(mean(gains(name)) for name in STEPS[:2]) > 4 * sum(
        mean(gains(name)) for name in STEPS[2:]
    )


def test_question_16_too_small_a_rate_stays_at_chance_and_large_batches_learn_less():
    slow = GRID.where(learning_rate=0.001, batch_size=512).history()
    assert slow[-1].train_loss > 2.29
    for rate in (0.1, 0.01):
        small, large = (GRID.where(learning_rate=rate, batch_size=size) for size in (32, 512))
        assert small.history()[-1].train_loss < large.history()[-1].train_loss


def test_question_18_the_reference_overfits_at_two_thirds():
    for seed in {row["seed"] for row in BASE}:
        history = BASE.where(seed=seed).history()
        assert 0.62 < max(history.validation_accuracy) < 0.72
        assert history.train_accuracy[-1] > 0.8
        assert history.validation_loss[-1] > min(history.validation_loss)


def test_two_seeds_of_the_same_network_are_ten_points_apart():
    last = [row["test_accuracy"] for row in BASE if row["test_accuracy"] != ""]
    assert max(last) - min(last) == pytest.approx(0.10, abs=0.01)


def test_question_12_the_network_leads_by_about_seven_points_and_overfits_more():
    for images in (2_000, 10_000):
        words, network = (
            COUNTS.where(images=images, method=method)[0] for method in ("BoW + SVM", "CNN")
        )
        lead = 100 * (network["test_accuracy"] - words["test_accuracy"])
        assert 6 < lead < 8
        gaps = [row["train_accuracy"] - row["test_accuracy"] for row in (words, network)]
        assert gaps[1] > gaps[0]
    (words,) = COUNTS.where(images=45_000)
    assert all(
        row["test_accuracy"] > words["test_accuracy"] + 0.06
        for row in BASE
        if row["test_accuracy"] != ""
    )
