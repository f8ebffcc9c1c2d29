"""How functions that look at a network may leave it, and what is said of the values they give."""

import pytest
import torch
from torch import nn

from tests.checks.wrong_answers import visualisation as answers
from tp_cnn.checks import transfert, visualisation
from tp_cnn.training import transfer

FUNCTIONS = {
    "feature_maps": answers.maps,
    "occlusion": answers.occlusion,
    "saliency": answers.saliency,
    "gradcam": answers.gradcam,
    "adversarial_step": answers.adversarial,
}


def then(function, change):
    """``function``, then a change of the network that it received first."""

    def changed(model, *inputs):
        result = function(model, *inputs)
        change(model)
        return result

    return changed


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_network_left_in_train_mode_is_refused(name):
    verdict = getattr(visualisation, name)(then(FUNCTIONS[name], nn.Module.train))
    assert verdict.status == "wrong"
    assert "en sort en mode train()" in verdict.message


def nothing(*_):
    """A hook that changes nothing."""


HOOKS = [
    lambda model: model.features[0].register_forward_hook(nothing),
    lambda model: model.features[0].register_forward_pre_hook(nothing),
    lambda model: model.features[0].register_full_backward_hook(nothing),
    lambda model: model.features[0].register_full_backward_pre_hook(nothing),
]


@pytest.mark.parametrize("leave", HOOKS)
@pytest.mark.parametrize(
    ("check", "function"),
    [
        (visualisation.feature_maps, answers.maps),
        (visualisation.gradcam, answers.gradcam),
        (transfert.extract, transfer.extract),
    ],
)
def test_a_hook_of_any_kind_left_behind_is_refused(check, function, leave):
    verdict = check(then(function, leave))
    assert verdict.status == "wrong"
    assert "laisse un hook sur une couche" in verdict.message


@pytest.mark.parametrize(
    ("check", "function", "clue"),
    [
        (visualisation.saliency, lambda *inputs: answers.saliency(*inputs).T, "axes"),
        (visualisation.saliency, lambda *inputs: 3 * answers.saliency(*inputs), "factor"),
        (visualisation.occlusion, lambda *inputs: answers.occlusion(*inputs).flip(0), "reversed"),
        (visualisation.gradcam, lambda *inputs: 0 * answers.gradcam(*inputs), "zero"),
        (transfert.extract, lambda *inputs: transfer.extract(*inputs)[None], "useless-axis"),
    ],
)
def test_what_wrong_values_have_in_common_is_said(check, function, clue):
    for seed in (0, 1):
        verdict = check(function, seed=seed)
        assert (verdict.status, verdict.clue) == ("wrong", clue)


@pytest.mark.parametrize("seed", range(8))
def test_grad_cam_always_has_both_signs(seed):
    """So that no ReLU can be forgotten, nor misplaced, without being seen."""
    for mistake in ("no-relu", "relu-late"):
        wrong = answers.ANSWERS["gradcam"].wrong[mistake]
        assert visualisation.gradcam(wrong, seed=seed).mistake == mistake


@pytest.mark.parametrize("seed", range(8))
def test_the_class_asked_is_not_always_the_one_predicted(seed):
    wrong = answers.ANSWERS["occlusion"].wrong["predicted"]
    assert visualisation.occlusion(wrong, seed=seed).mistake == "predicted"


def test_a_score_without_its_class_is_explained():
    @torch.no_grad()
    def occlusion(model, image, label, size):
        drops = torch.zeros(image.shape[1] // size, image.shape[2] // size)
        drops[0, 0] = model(image[None])[0, label] - model(image[None])[0]
        return drops

    assert "manque-t-il un indice ?" in visualisation.occlusion(occlusion).message
