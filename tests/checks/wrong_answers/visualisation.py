"""Right and wrong answers to the checks of notebook 07."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.checks.wrong_answers import Answers

# Filters


def filter_images(weights, shared):
    images = weights - weights.min() if shared else weights - weights.amin((1, 2, 3), keepdim=True)
    return images / images.amax((0, 1, 2, 3) if shared else (1, 2, 3), keepdim=True)


def filters_one_by_one(weights, shared):
    if shared:
        return (weights - weights.min()) / (weights.max() - weights.min())
    return torch.stack([(one - one.min()) / (one.max() - one.min()) for one in weights])


def by_channel(weights, shared):
    if shared:
        return filter_images(weights, True)
    flat = [[filter_images(channel[None, None], True)[0, 0] for channel in one] for one in weights]
    return torch.stack([torch.stack(one) for one in flat])


def over_largest(weights, shared):
    if shared:
        return weights / weights.max()
    return torch.stack([one / one.max() for one in weights])


# Maps


def maps(model, layer, image, at=None, left=False, gradients=False, read=None):
    kept = {}

    def hook(module, inputs, output):
        kept["maps"] = read(inputs[0], output) if read else output.squeeze(0)

    handle = (at(model, layer) if at else layer).register_forward_hook(hook)
    if gradients:
        model(image.unsqueeze(0))
    else:
        with torch.no_grad():
            model(image.unsqueeze(0))
    if not left:
        handle.remove()
    return kept["maps"]


def maps_without_hook(model, layer, image):
    values = image[None]
    for one in model.features:
        values = one(values)
        if one is layer:
            break
    return values[0].detach()


def maps_in_training(model, layer, image):
    model.train()
    found = maps(model, layer, image)
    model.eval()
    return found


def after(model, layer):
    layers = [*model.features, *model.classifier]
    return layers[[one is layer for one in layers].index(True) + 1]


# Ascent


def ascend(score, image, steps, rate, way=1, direction=None, zero=True, end=None):
    x = image.detach().clone().requires_grad_()
    for _ in range(steps):
        score(x.unsqueeze(0)).backward()
        g = x.grad
        step = direction(g) if direction else g / g.pow(2).sum().sqrt()
        x.data = x.data + way * rate * step
        if zero:
            x.grad = None
    return end(x) if end else x.detach()


def ascend_anew(score, image, steps, rate):
    for _ in range(steps):
        moved = image.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(score(moved[None]), [moved])
        image = moved + rate * F.normalize(gradient.flatten(), dim=0).view_as(gradient)
    return image.detach()


# Occlusion


def occlusion(model, image, label, size, change=None, value=0.0, batch=None, keep=False):
    image = image.clone()
    with torch.no_grad():
        whole = model(image[None])
        found = []
        for top in range(0, image.shape[1], size):
            line = []
            for left in range(0, image.shape[2], size):
                x = image if keep else image.clone()
                part = x if batch is None else x[batch]
                part[..., top : top + size, left : left + size] = value
                hidden = model(x[None])
                pair = change(whole, hidden) if change else whole[0, label] - hidden[0, label]
                line.append(pair.item())
            found.append(line)
    return torch.tensor(found)


def occlusion_by_masks(model, image, label, size):
    rows, columns = image.shape[1] // size, image.shape[2] // size
    masks = 1 - torch.eye(rows * columns).view(-1, 1, rows, columns)
    masks = F.interpolate(masks, scale_factor=size)
    scores = model(torch.cat([image[None], image * masks]))[:, label].detach()
    return (scores[0] - scores[1:]).view(rows, columns)


@torch.no_grad()
def occlusion_pixel_by_pixel(model, image, label, size):
    drops = torch.zeros(image.shape[1] // size, image.shape[2] // size)
    score = model(image[None])[0, label]
    for row in range(len(drops)):
        for column in range(len(drops[0])):
            x = image.clone()
            x[:, row : row + size, column : column + size] = 0
            drops[row, column] = score - model(x[None])[0, label]
    return drops


def hide_mean(model, image, label, size):
    return occlusion(model, image, label, size, value=image.mean())


# Saliency and Grad-CAM


def saliency(model, image, label, objective=None, reduce=None):
    x = image[None].clone().requires_grad_()
    scores = model(x)
    (objective(scores, label) if objective else scores[0][label]).backward()
    for weights in model.parameters():
        weights.grad = None
    gradient = x.grad[0]
    return reduce(gradient) if reduce else gradient.abs().max(dim=0).values


def saliency_of_autograd(model, image, label):
    jacobian = torch.autograd.functional.jacobian(lambda x: model(x[None])[0], image)
    return jacobian[label].abs().amax(dim=0)


def loss(scores, label):
    return nn.CrossEntropyLoss()(scores, torch.tensor([label]))


def gradcam(model, image, label, objective=None, weights=None, positive=True, size=True, mode=None):
    maps = model.features(image[None]).detach().requires_grad_()
    scores = model.classifier(maps)
    (objective(scores, label) if objective else scores[0, label]).backward()
    model.zero_grad()
    gradient = maps.grad[0]
    w = weights(gradient) if weights else gradient.mean(dim=(1, 2))[:, None, None]
    cam = (w * maps.detach()[0]).sum(0)
    cam = cam.clamp(min=0) if positive else cam
    if not size:
        return cam
    return F.interpolate(cam[None, None], tuple(image.shape[1:]), mode=mode or "bilinear")[0, 0]


def gradcam_by_einsum(model, image, label):
    kept = []
    hook = model.features.register_forward_hook(lambda m, i, output: kept.append(output))
    score = model(image[None])[0, label]
    hook.remove()
    gradient = torch.autograd.grad(score, kept[0])[0]
    cam = torch.einsum("c,chw->hw", gradient[0].flatten(1).mean(1), kept[0][0].detach()).relu()
    size = list(image.shape[-2:])
    return nn.Upsample(size=size, mode="bilinear")(cam[None, None])[0, 0]


# The adversarial step


def adversarial(model, image, label, epsilon, way=1, direction=torch.sign, objective=loss):
    x = image.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(model(x[None]), label), x)
    return image + way * epsilon * direction(gradient)


def adversarial_backward(model, image, label, epsilon):
    batch = image[None].clone()
    batch.requires_grad = True
    F.nll_loss(model(batch).log_softmax(1), torch.tensor([label])).backward()
    model.zero_grad()
    moved = torch.where(batch.grad > 0, epsilon, 0) - torch.where(batch.grad < 0, epsilon, 0)
    return image + moved[0]


ANSWERS = {
    "filter_images": Answers(
        right=[filter_images, filters_one_by_one],
        wrong={
            "always-shared": lambda weights, shared: filters_one_by_one(weights, True),
            "never-shared": lambda weights, shared: filters_one_by_one(weights, False),
            "swapped": lambda weights, shared: filter_images(weights, not shared),
            "by-channel": by_channel,
            "negative-lost": lambda weights, shared: over_largest(F.relu(weights), shared),
            "absolute": lambda weights, shared: filters_one_by_one(weights.abs(), shared),
            "divided-only": over_largest,
        },
    ),
    "feature_maps": Answers(
        right=[maps, maps_without_hook],
        wrong={
            "hook-left": lambda *inputs: maps(*inputs, left=True),
            "graph": lambda *inputs: maps(*inputs, gradients=True),
            "batch-kept": lambda *inputs: maps(*inputs, read=lambda given, output: output),
            "input": lambda *inputs: maps(*inputs, read=lambda given, output: given[0]),
            "next-layer": lambda *inputs: maps(*inputs, at=after),
            "train-mode": maps_in_training,
        },
    ),
    "ascend": Answers(
        right=[ascend, ascend_anew],
        wrong={
            "descent": lambda *inputs: ascend(*inputs, way=-1),
            "gradients-add-up": lambda *inputs: ascend(*inputs, zero=False),
            "not-normalised": lambda *inputs: ascend(*inputs, direction=lambda g: g),
            "largest": lambda *inputs: ascend(*inputs, direction=lambda g: g / g.abs().max()),
            "norm-squared": lambda *inputs: ascend(*inputs, direction=lambda g: g / (g * g).sum()),
            "no-rate": lambda score, image, steps, rate: ascend(score, image, steps, 1),
            "sign": lambda *inputs: ascend(*inputs, direction=torch.sign),
            "one-step": lambda score, image, steps, rate: ascend(score, image, 1, rate),
            "change-only": lambda score, image, *rest: ascend(score, image, *rest) - image,
            "graph": lambda *inputs: ascend(*inputs, end=lambda x: x),
        },
    ),
    "occlusion": Answers(
        right=[occlusion, occlusion_by_masks],
        wrong={
            "score-itself": lambda model, image, label, size: occlusion(
                model, image, label, size, change=lambda whole, hidden: hidden[0, label]
            ),
            "sign": lambda *inputs: -occlusion(*inputs),
            "probability": lambda model, image, label, size: occlusion(
                model,
                image,
                label,
                size,
                change=lambda whole, hidden: (whole.softmax(1) - hidden.softmax(1))[0, label],
            ),
            "not-restored": lambda *inputs: occlusion(*inputs, keep=True),
            "mean": hide_mean,
            "one-channel": lambda *inputs: occlusion(*inputs, batch=0),
            "one-pixel-steps": occlusion_pixel_by_pixel,
            "transposed": lambda *inputs: occlusion(*inputs).T,
            "predicted": lambda *inputs: occlusion(
                *inputs, change=lambda whole, hidden: whole.max() - hidden.max()
            ),
        },
    ),
    "saliency": Answers(
        right=[saliency, saliency_of_autograd],
        wrong={
            "loss": lambda *inputs: saliency(*inputs, objective=loss),
            "softmax": lambda *inputs: saliency(
                *inputs, objective=lambda scores, label: F.softmax(scores, 1)[0, label]
            ),
            "every-class": lambda *inputs: saliency(*inputs, objective=lambda s, label: s.sum()),
            "no-absolute": lambda *inputs: saliency(*inputs, reduce=lambda g: g.max(0).values),
            "absolute-late": lambda *inputs: saliency(
                *inputs, reduce=lambda g: g.max(0).values.abs()
            ),
            "mean": lambda *inputs: saliency(*inputs, reduce=lambda g: g.abs().sum(0) / len(g)),
            "sum": lambda *inputs: saliency(*inputs, reduce=lambda g: g.abs().sum(0)),
            "max-and-place": lambda *inputs: saliency(*inputs, reduce=lambda g: g.abs().max(0)),
            "channels": lambda *inputs: saliency(*inputs, reduce=torch.abs),
        },
    ),
    "gradcam": Answers(
        right=[gradcam, gradcam_by_einsum],
        wrong={
            "loss": lambda *inputs: gradcam(*inputs, objective=loss),
            "softmax": lambda *inputs: gradcam(
                *inputs, objective=lambda scores, label: F.softmax(scores, 1)[0, label]
            ),
            "every-class": lambda *inputs: gradcam(*inputs, objective=lambda s, label: s.sum()),
            "no-relu": lambda *inputs: gradcam(*inputs, positive=False),
            "not-averaged": lambda *inputs: gradcam(*inputs, weights=lambda g: g),
            "summed": lambda *inputs: gradcam(
                *inputs, weights=lambda g: g.sum(dim=(1, 2))[:, None, None]
            ),
            "unweighted": lambda *inputs: gradcam(*inputs, weights=lambda g: 1),
            "not-enlarged": lambda *inputs: gradcam(*inputs, size=False),
            "nearest": lambda *inputs: gradcam(*inputs, mode="nearest"),
            "align-corners": lambda model, image, label: nn.UpsamplingBilinear2d(image.shape[1:])(
                gradcam(model, image, label, size=False)[None, None]
            )[0, 0],
            "relu-late": lambda *inputs: F.relu(gradcam(*inputs, positive=False)),
            "divided": lambda *inputs: (cam := gradcam(*inputs)) / cam.max(),
        },
    ),
    "adversarial_step": Answers(
        right=[adversarial, adversarial_backward],
        wrong={
            "descent": lambda *inputs: adversarial(*inputs, way=-1),
            "no-sign": lambda *inputs: adversarial(*inputs, direction=lambda g: g),
            "normalised": lambda *inputs: adversarial(*inputs, direction=lambda g: g / g.norm()),
            "score": lambda *inputs: adversarial(
                *inputs, objective=lambda scores, label: scores[0, label]
            ),
            "raw-loss": lambda *inputs: adversarial(
                *inputs, objective=lambda scores, label: -scores[0, label]
            ),
            "change-only": lambda model, image, *rest: adversarial(model, image, *rest) - image,
        },
    ),
}
