"""Wrong answers to the short checks of notebooks 08 and 09 that no table lists."""

import numpy as np
import pytest

from tp_cnn.checks import architectures, non_supervise


@pytest.mark.parametrize("seed", range(8))
def test_a_formula_for_odd_filters_alone_is_refused(seed):
    verdict = architectures.stacked_field(
        lambda kernel, layers: 2 * layers * (kernel // 2) + 1, seed=seed
    )
    assert verdict.status == "wrong"


@pytest.mark.parametrize(
    ("check", "slip"),
    [
        (architectures.stacked_weights, lambda c, k, n: n * c * k * k * c + 1),
        (architectures.stacked_field, lambda k, n: 1 + n * (k + 1)),
        (architectures.inception_cost, lambda s, i, r, f, k: s * s * i * r + k * k * r * f),
        (architectures.dense_maps, lambda i, g, n: n * i + g * (n * n // 2)),
        (non_supervise.transposed_size, lambda n, k, s, p, o: n - 1 * s - 2 * p + k + o),
    ],
)
def test_a_slip_in_a_formula_is_recognised(check, slip):
    for seed in (0, 1):
        verdict = check(slip, seed=seed)
        assert (verdict.status, verdict.clue) == ("wrong", "formula")


def test_a_code_is_not_told_from_which_side_it_is_wrong():
    verdict = architectures.defects(dict.fromkeys(architectures.defects.answer, 2))
    assert "in_features, verdict : 2 ne convient pas." in verdict.message
    for answer in (0, 1, 2, 7):
        message = architectures.defects(dict.fromkeys(architectures.defects.answer, answer)).message
        assert "trop petit" not in message
        assert "trop grand" not in message


@pytest.mark.parametrize(("answer", "said"), [(0.95, True), (0.977186, False)])
def test_only_what_is_rounded_is_called_rounded(answer, said):
    assert ("plutôt qu'un arrondi" in architectures.alexnet_share(answer).message) == said


@pytest.mark.parametrize("seed", [0, 1])
def test_an_infinite_result_is_not_called_an_overflow_for_all_that(seed):
    verdict = non_supervise.free_energy(lambda v, w, a, b: np.full(len(v), np.inf), seed=seed)
    assert verdict.mistake == "not-finite"


def test_machines_that_all_read_the_images_are_told_so():
    def climb(visible, machines):
        for weights, b in machines:
            hidden = 1 / (1 + np.exp(-(visible @ weights + b)))
        return hidden

    for seed in (0, 1):
        assert non_supervise.stack(climb, seed=seed).mistake == "not-updated"


def test_two_whole_results_are_no_number_with_decimals():
    verdict = non_supervise.transposed_size(
        lambda n, k, s, p, o: ((n - 1) * s + k - 2 * p + o,) * 2
    )
    assert verdict.status == "wrong"
    assert "après un point" not in verdict.message
