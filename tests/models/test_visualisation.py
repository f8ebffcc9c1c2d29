"""Our pictures of what a network looks at, against captum's, on two networks."""

import copy

import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam, Occlusion, Saliency
from captum.robust import FGSM
from torch import nn

from tp_cnn.models import CifarNet, LeNet5, visualisation


def networks():
    torch.manual_seed(0)
    cifar = CifarNet(batch_norm=True)
    with torch.no_grad():
        cifar.features(torch.randn(20, 3, 32, 32))  # statistics that are not those of the start
    return [
        pytest.param(LeNet5().eval(), torch.randn(1, 28, 28), 7, id="LeNet-5"),
        pytest.param(cifar.eval(), torch.randn(3, 32, 32), 3, id="CifarNet"),
    ]


on_two_networks = pytest.mark.parametrize(("model", "image", "label"), networks())


@pytest.fixture(autouse=True)
def _unchanged(request):
    """No function changes a network, nor leaves a hook on it."""
    if "model" not in request.fixturenames:
        yield
        return
    model = request.getfixturevalue("model")
    before = copy.deepcopy(model.state_dict())
    yield
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
    assert all(weights.grad is None for weights in model.parameters())


@on_two_networks
def test_occlusion_agrees_with_captum(model, image, label):
    ours = visualisation.occlusion(model, image, label, 4)
    window = (len(image), 4, 4)
    theirs = Occlusion(model).attribute(
        image[None], sliding_window_shapes=window, strides=window, target=label, baselines=0
    )
    torch.testing.assert_close(ours, theirs[0, 0, ::4, ::4], rtol=1e-4, atol=1e-5)


@on_two_networks
def test_saliency_agrees_with_captum(model, image, label):
    theirs = Saliency(model).attribute(image[None].requires_grad_(True), target=label)
    ours = visualisation.saliency(model, image, label)
    torch.testing.assert_close(ours, theirs[0].amax(0))


@on_two_networks
def test_gradcam_agrees_with_captum(model, image, label):
    cam = LayerGradCam(model, model.features)
    maps = cam.attribute(image[None], target=label, relu_attributions=True)
    theirs = LayerAttribution.interpolate(maps, tuple(image.shape[1:]), "bilinear")[0, 0]
    torch.testing.assert_close(visualisation.gradcam(model, image, label), theirs.detach())


@on_two_networks
def test_the_adversarial_step_agrees_with_captum(model, image, label):
    attack = FGSM(model, loss_func=nn.CrossEntropyLoss(reduction="none"))
    theirs = attack.perturb(
        image[None].requires_grad_(True), epsilon=0.1, target=torch.tensor([label])
    )[0]
    ours = visualisation.adversarial_step(model, image, label, 0.1)
    same = (ours - theirs).abs() < 1e-5
    assert same.float().mean() > 0.99  # a derivative of almost 0 may have either sign


@on_two_networks
def test_maps_are_those_of_the_layer_asked(model, image, label):
    maps = visualisation.feature_maps(model, model.features[0], image)
    assert torch.equal(maps, model.features[0](image[None])[0])
    assert not maps.requires_grad


@on_two_networks
def test_ascent_raises_the_score_with_and_without_smoothing(model, image, label):
    score = visualisation.Excitation(model.features[:1], 2)
    start = score(image[None])
    once = visualisation.ascend(score, image, 1, 0.5)
    assert (once - image).norm() == pytest.approx(0.5, rel=1e-4)
    assert score(visualisation.ascend(score, image, 10, 0.5)[None]) > score(once[None]) > start
    torch.manual_seed(0)
    assert score(visualisation.ascend_smoothly(score, image, 10, 0.5)[None]) > start


@on_two_networks
def test_a_redrawn_network_answers_otherwise_and_always_the_same(model, image, label):
    first, again = (visualisation.redrawn(model, 5) for _ in range(2))
    assert torch.equal(first(image[None]), again(image[None]))
    assert not torch.allclose(first(image[None]), model(image[None]))


@pytest.mark.parametrize("shared", [True, False])
def test_filters_fill_their_scale(shared):
    filters = torch.randn(4, 3, 5, 5) * torch.tensor([1.0, 2, 3, 4])[:, None, None, None]
    images = visualisation.filter_images(filters, shared)
    assert (images.min(), images.max()) == (0, 1)
    spans = images.amax((1, 2, 3)) - images.amin((1, 2, 3))
    assert bool((spans == 1).all()) != shared


def test_edges_and_correlation():
    step = torch.zeros(3, 6, 6)
    step[:, :, 3:] = 1
    found = visualisation.edges(step)
    assert found.nonzero()[:, 1].unique().tolist() == [2]
    assert visualisation.correlation(found, 2 * found + 1) == pytest.approx(1)
    assert visualisation.correlation(found, torch.ones(6, 6)) == 0
