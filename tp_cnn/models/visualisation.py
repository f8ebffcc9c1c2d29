"""What a network looks at: filters, maps, ascent, occlusion, saliency, Grad-CAM (notebook 07).

Networks have ``.features`` and ``.classifier``, are in eval mode, and give a score a class. An
image is (C, H, W), normalised as in training. Nothing here changes a network.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, cross_entropy, interpolate, pad, relu


def filter_images(weights: Tensor, shared: bool) -> Tensor:
    """Filters (F, C, k, k) brought between 0 and 1, by one scale for all of them or one for each.

    Question `visu-filtres`.
    """
    axes = (0, 1, 2, 3) if shared else (1, 2, 3)
    low, high = weights.amin(axes, keepdim=True), weights.amax(axes, keepdim=True)
    return (weights - low) / (high - low)


def feature_maps(model: nn.Module, layer: nn.Module, image: Tensor) -> Tensor:
    """What ``layer`` gives when ``model`` reads the image: maps (channels, height, width).

    Question `visu-cartes`.
    """
    found = []
    hook = layer.register_forward_hook(lambda module, inputs, output: found.append(output[0]))
    with torch.no_grad():
        model(image[None])
    hook.remove()
    return found[0]


def ascend(score: nn.Module, image: Tensor, steps: int, rate: float) -> Tensor:
    """The image, moved ``steps`` times along the gradient of ``score``, of length ``rate`` each.

    Question `visu-montee`. ``score`` takes images (1, C, H, W) and gives a number.
    """
    image = image.clone().requires_grad_(True)
    for _ in range(steps):
        (gradient,) = torch.autograd.grad(score(image[None]), image)
        with torch.no_grad():
            image += rate * gradient / gradient.norm()
    return image.detach()


class Excitation(nn.Module):
    """How much images excite one filter: the mean of its map over places, before its ReLU."""

    def __init__(self, layers: nn.Module, channel: int):
        super().__init__()
        self.layers, self.channel = layers, channel

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)[:, self.channel].mean()


def ascend_smoothly(
    score: nn.Module, image: Tensor, steps: int, rate: float, shift: int = 2, blur: int = 4
) -> Tensor:
    """`ascend`, each step on a slightly shifted image, smoothed every ``blur`` steps.

    A pattern that only works at one place, or pixel by pixel, does not survive that (Olah et al.,
    2017).
    """
    for step in range(steps):
        right, down = torch.randint(-shift, shift + 1, (2,)).tolist()
        moved = ascend(score, image.roll((down, right), (1, 2)), 1, rate)
        image = moved.roll((-down, -right), (1, 2))
        if step % blur == blur - 1:
            image = avg_pool2d(pad(image[None], [1] * 4, mode="replicate"), 3, stride=1)[0]
    return image


@torch.no_grad()
def occlusion(model: nn.Module, image: Tensor, label: int, size: int) -> Tensor:
    """By how much the score of ``label`` falls when a square of ``size`` pixels is hidden under 0.

    Question `visu-occlusion`. A value a square, (height // size, width // size).
    """
    rows, columns = image.shape[1] // size, image.shape[2] // size
    drops = torch.zeros(rows, columns)
    score = model(image[None])[0, label]
    for row in range(rows):
        for column in range(columns):
            hidden = image.clone()
            hidden[:, row * size : (row + 1) * size, column * size : (column + 1) * size] = 0
            drops[row, column] = score - model(hidden[None])[0, label]
    return drops


def saliency(model: nn.Module, image: Tensor, label: int) -> Tensor:
    """How much the score of ``label`` depends on a pixel: the largest |gradient| of its channels.

    Question `visu-saillance` (Simonyan, Vedaldi and Zisserman, 2014). Shape (height, width).
    """
    image = image.clone().requires_grad_(True)
    model(image[None])[0, label].backward(inputs=[image])
    return image.grad.abs().amax(0)


def gradcam(model: nn.Module, image: Tensor, label: int) -> Tensor:
    """Where the last maps speak for ``label``: Grad-CAM (Selvaraju et al., 2017), (height, width).

    Question `visu-gradcam`.
    """
    maps = model.features(image[None])  # (1, channels, h, w)
    score = model.classifier(maps)[0, label]
    (gradients,) = torch.autograd.grad(score, maps)
    weights = gradients.mean((2, 3), keepdim=True)
    cam = relu((weights * maps).sum(1, keepdim=True)).detach()
    return interpolate(cam, size=image.shape[1:], mode="bilinear", align_corners=False)[0, 0]


def adversarial_step(model: nn.Module, image: Tensor, label: int, epsilon: float) -> Tensor:
    """The image, each value moved by ``epsilon`` in the direction that makes the loss grow.

    Question `visu-signe` (Goodfellow, Shlens and Szegedy, 2015).
    """
    image = image.clone().requires_grad_(True)
    target = torch.tensor([label], device=image.device)
    cross_entropy(model(image[None]), target).backward(inputs=[image])
    return (image + epsilon * image.grad.sign()).detach()


def redrawn(model: nn.Module, seed: int = 0) -> nn.Module:
    """A copy whose weights are drawn at random, as before any training (Adebayo et al., 2018)."""
    other = copy.deepcopy(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in other.modules():
            if hasattr(layer, "reset_parameters"):
                layer.reset_parameters()
    return other.eval()


def edges(image: Tensor) -> Tensor:
    """How much neighbouring pixels differ, (height, width): a map that asks no network anything."""
    grey = image.mean(0)
    down = pad(grey.diff(dim=0), [0, 0, 0, 1])
    right = pad(grey.diff(dim=1), [0, 1])
    return (down**2 + right**2).sqrt()


def correlation(one: Tensor, other: Tensor) -> float:
    """Pearson's correlation of two maps; 0 where one of them is constant."""
    one, other = one.flatten() - one.mean(), other.flatten() - other.mean()
    length = one.norm() * other.norm()
    return (one @ other / length).item() if length > 0 else 0.0
