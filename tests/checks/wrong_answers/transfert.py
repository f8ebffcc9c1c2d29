"""Right and wrong answers to the checks of notebook 06."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from tests.checks.wrong_answers import Answers

# Images as the network expects them


def prepare(images, mean, std):
    values = images.float() / 255
    if values.shape[1] == 1:
        values = values.repeat(1, 3, 1, 1)
    channels = [(values[:, c] - mean[c]) / std[c] for c in range(3)]
    return torch.stack(channels, dim=1)


def prepare_by_shapes(images, mean, std):
    mean, std = (torch.tensor(one).reshape(1, 3, 1, 1) for one in (mean, std))
    return (images / 255 - mean) / std


def spread(values):
    return torch.tensor(values)[:, None, None]


def own(images, mean, std):
    rgb = torch.cat([images] * (3 // images.shape[1]), dim=1) / 255
    found = rgb.mean((0, 2, 3)), rgb.std((0, 2, 3))
    return (rgb - found[0][:, None, None]) / found[1][:, None, None]


# Freezing


def freeze(model, classes):
    for weights in model.parameters():
        weights.requires_grad = False
    inputs = model.classifier[-1].in_features
    model.classifier[-1] = nn.Linear(inputs, classes)
    return inputs * classes + classes


def freeze_by_parts(model, classes):
    model.features.requires_grad_(False)
    model.classifier.requires_grad_(False)
    head = nn.Linear(model.classifier[-1].weight.shape[1], classes)
    nn.init.zeros_(head.bias)
    model.classifier = nn.Sequential(*model.classifier[:-1], head)
    return sum(one.numel() for one in head.parameters())


def freeze_wrongly(model, classes, frozen=None, last=None, counted=None):
    for weights in frozen(model) if frozen else model.parameters():
        weights.requires_grad_(False)
    if last is None:
        model.classifier[3] = nn.Linear(400, classes)
    else:
        last(model, classes)
    learning = [weights for weights in model.parameters() if weights.requires_grad]
    return counted(model) if counted else sum(map(torch.numel, learning))


def freeze_the_module(model, classes):
    model.features.requires_grad = False
    model.classifier.requires_grad = False
    model.classifier[-1] = nn.Linear(400, classes)
    return sum(one.numel() for one in model.parameters() if one.requires_grad)


def freeze_and_draw(model, classes, init=nn.init.xavier_uniform_):
    model.requires_grad_(False)
    head = nn.Linear(400, classes)
    init(head.weight)
    nn.init.zeros_(head.bias)
    model.classifier[-1] = head
    return head.weight.numel() + head.bias.numel()


def freeze_after_kaiming(model, classes):
    return freeze_and_draw(model, classes, nn.init.kaiming_normal_)


def freeze_all_but_norms(model):
    return [
        weights
        for layer in model.modules()
        if not isinstance(layer, nn.BatchNorm2d)
        for weights in layer.parameters(recurse=False)
    ]


def freeze_last(model, classes):
    freeze(model, classes)
    for weights in model.parameters():
        weights.requires_grad = False
    return sum(one.numel() for one in model.parameters() if one.requires_grad)


# Training


def train(
    model,
    batches,
    rate,
    epochs,
    given=None,
    eval_mode=True,
    zero=True,
    momentum=0.9,
    backward=True,
    number=True,
    cleared=False,
    decay=0.0,
    step=True,
):
    criterion = nn.CrossEntropyLoss()
    model.eval() if eval_mode else model.train()
    weights = given(model) if given else model.classifier[-1].parameters()
    optimizer = torch.optim.SGD(weights, lr=rate, momentum=momentum, weight_decay=decay)
    for _ in range(epochs):
        for images, labels in batches:
            if zero:
                optimizer.zero_grad()
            loss = criterion(model(images), labels)
            if backward:
                loss.backward()
            if cleared:
                optimizer.zero_grad()
            if step:
                optimizer.step()
    return float(loss) if number else loss


def train_from_a_seed(model, batches, rate, epochs):
    torch.manual_seed(0)
    return train(model, batches, rate, epochs)


def train_after_a_draw(model, batches, rate, epochs):
    torch.rand(3)
    return train(model, batches, rate, epochs)


def train_by_hand(model, batches, rate, epochs):
    """Features in eval mode only, and momentum written out."""
    model.features.eval()
    weights = [one for one in model.parameters() if one.requires_grad]
    speeds = [torch.zeros_like(one) for one in weights]
    for _ in range(epochs):
        for images, labels in batches:
            loss = F.cross_entropy(model(images), labels)
            gradients = torch.autograd.grad(loss, weights)
            for one, speed, gradient in zip(weights, speeds, gradients, strict=True):
                speed.mul_(0.9).add_(gradient)
                one.data -= rate * speed
    return loss.detach()


def thawed(model):
    return model.requires_grad_(True).parameters()


def tune(model, batches, body_rate, head_rate, epochs, frozen=False, groups=None, **loop):
    if not frozen:
        model.requires_grad_(True)
    last = model.classifier[-1]
    others = [one for one in model.parameters() if not any(one is w for w in last.parameters())]
    chosen = groups or [(others, body_rate), (last.parameters(), head_rate)]
    given = [{"params": list(part), "lr": rate} for part, rate in chosen]
    options = {"eval_mode": False, **loop}
    return train(model, batches, 0.0, epochs, given=lambda model: given, **options)


def tune_from_a_seed(*inputs):
    torch.manual_seed(0)
    return tune(*inputs)


def tune_with_two_groups(model, batches, body_rate, head_rate, epochs):
    model.train().requires_grad_(True)
    parts = [[*model.features, *model.classifier[:-1]], [model.classifier[-1]]]
    weights = [[w for layer in part for w in layer.parameters()] for part in parts]
    groups = [
        {"params": weights[1], "lr": head_rate},
        {"params": weights[0], "lr": body_rate},
    ]
    optimizer = torch.optim.SGD(groups, lr=1.0, momentum=0.9)
    for _ in range(epochs):
        for images, labels in batches:
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return loss.item()


def parts(model):
    last = list(model.classifier[-1].parameters())
    return [one for one in model.parameters() if not any(one is w for w in last)], last


# Features


def extract(model, batches, training=False, read=None, grad=False, keep=None):
    model.train(training)
    read = read or (
        lambda x: model.classifier[2](model.classifier[1](model.features(x).flatten(1)))
    )
    found = []
    with torch.set_grad_enabled(grad):
        for images, _ in batches:
            found.append(read(images))
    return keep(found) if keep else torch.cat(found)


def extract_by_hook(model, batches):
    model.eval()
    found = []
    hook = model.classifier[-1].register_forward_pre_hook(lambda _, given: found.append(given[0]))
    with torch.no_grad():
        for images, _ in batches:
            model(images)
    hook.remove()
    return torch.cat(found)


def extract_with_a_hook_left(model, batches):
    model.eval()
    found = []
    model.classifier[-1].register_forward_pre_hook(lambda _, given: found.append(given[0]))
    with torch.no_grad():
        [model(images) for images, _ in batches]
    return torch.cat(found)


def extract_on_a_copy(model, batches):
    body = copy.deepcopy(model).eval()
    body.classifier = body.classifier[:-1]
    return torch.cat([body(images).detach() for images, _ in batches])


def extract_and_cut(model, batches):
    model.eval()
    model.classifier = model.classifier[:-1]
    return torch.cat([model(images).detach() for images, _ in batches])


ANSWERS = {
    "prepare": Answers(
        right=[prepare, prepare_by_shapes],
        wrong={
            "not-divided": lambda images, mean, std: prepare(images.float() * 255, mean, std),
            "forgotten": lambda images, mean, std: prepare(images, (0, 0, 0), (1, 1, 1)),
            "own-statistics": own,
            "centred-only": lambda images, mean, std: prepare(images, mean, (1, 1, 1)),
            "swapped": lambda images, mean, std: prepare(images, std, mean),
            "last-axis": lambda images, mean, std: (
                (images.repeat(1, 3 // images.shape[1], 1, 1) / 255 - torch.tensor(mean))
                / torch.tensor(std)
            ),
            "multiplied": lambda images, mean, std: prepare(images, mean, [1 / s for s in std]),
            "divided-by-256": lambda images, mean, std: prepare(
                images.float() * 255 / 256, mean, std
            ),
            "no-parentheses": lambda images, mean, std: torch.stack(
                [
                    images[:, c if images.shape[1] == 3 else 0] / 255 - mean[c] / std[c]
                    for c in range(3)
                ],
                dim=1,
            ),
            "divided-late": lambda images, mean, std: (
                (images.repeat(1, 3 // images.shape[1], 1, 1) - spread(mean)) / spread(std) / 255
            ),
        },
    ),
    "freeze": Answers(
        right=[freeze, freeze_by_parts, freeze_and_draw, freeze_after_kaiming],
        wrong={
            "not-frozen": lambda model, classes: freeze_wrongly(model, classes, lambda model: []),
            "attribute": freeze_the_module,
            "features-only": lambda model, classes: freeze_wrongly(
                model, classes, lambda model: model.features.parameters()
            ),
            "kept": lambda model, classes: freeze_wrongly(model, classes, last=lambda *_: None),
            "appended": lambda model, classes: freeze_wrongly(
                model,
                classes,
                last=lambda model, classes: model.classifier.append(nn.LazyLinear(classes)),
                counted=lambda model: 12,
            ),
            "frozen-after": freeze_last,
            "all-counted": lambda model, classes: freeze_wrongly(
                model, classes, counted=lambda model: sum(map(torch.numel, model.parameters()))
            ),
            "tensors-counted": lambda model, classes: freeze_wrongly(
                model, classes, counted=lambda model: 2
            ),
            "beside": lambda model, classes: freeze_wrongly(
                model,
                classes,
                last=lambda model, classes: setattr(model, "last_layer", nn.Linear(400, classes)),
            ),
            "batch-norm-forgotten": lambda model, classes: freeze_wrongly(
                model, classes, freeze_all_but_norms
            ),
            "on-copy": lambda model, classes: freeze(copy.deepcopy(model), classes),
            "bias-not-counted": lambda model, classes: freeze_wrongly(
                model, classes, counted=lambda model: model.classifier[3].weight.numel()
            ),
            "frozen-counted": lambda model, classes: freeze_wrongly(
                model,
                classes,
                counted=lambda model: sum(
                    one.numel() for one in model.parameters() if not one.requires_grad
                ),
            ),
        },
    ),
    "train_last_layer": Answers(
        right=[train, train_by_hand, train_from_a_seed, train_after_a_draw],
        wrong={
            "frozen-given": lambda *inputs: train(*inputs, given=lambda model: model.parameters()),
            "train-mode": lambda *inputs: train(*inputs, eval_mode=False),
            "unfrozen": lambda *inputs: train(*inputs, given=thawed),
            "no-zero-grad": lambda *inputs: train(*inputs, zero=False),
            "no-momentum": lambda *inputs: train(*inputs, momentum=0),
            "one-epoch": lambda model, batches, rate, epochs: train(model, batches, rate, 1),
            "no-backward": lambda *inputs: train(*inputs, backward=False),
            "zero-grad-late": lambda *inputs: train(*inputs, cleared=True),
            "no-step": lambda *inputs: train(*inputs, step=False),
            "on-copy": lambda model, *rest: train(copy.deepcopy(model), *rest),
            "no-rate": lambda model, batches, rate, epochs: train(model, batches, 0.001, epochs),
            "graph": lambda *inputs: train(*inputs, number=False),
        },
    ),
    "fine_tune": Answers(
        right=[tune, tune_with_two_groups, tune_from_a_seed],
        wrong={
            "still-frozen": lambda *inputs: tune(*inputs, frozen=True),
            "eval-mode": lambda *inputs: tune(*inputs, eval_mode=True),
            "no-zero-grad": lambda *inputs: tune(*inputs, zero=False),
            "no-momentum": lambda *inputs: tune(*inputs, momentum=0),
            "one-epoch": lambda model, batches, body, head, epochs: tune(
                model, batches, body, head, 1
            ),
            "swapped": lambda model, batches, body, head, epochs: tune(
                model, batches, head, body, epochs
            ),
            "one-rate": lambda model, batches, body, head, epochs: tune(
                model, batches, head, head, epochs
            ),
            "small-rate": lambda model, batches, body, head, epochs: tune(
                model, batches, body, body, epochs
            ),
            "body-forgotten": lambda model, batches, body, head, epochs: tune(
                model, batches, body, head, epochs, groups=[(parts(model)[1], head)]
            ),
            "head-forgotten": lambda model, batches, body, head, epochs: tune(
                model, batches, body, head, epochs, groups=[(parts(model)[0], body)]
            ),
            "dense-forgotten": lambda model, batches, body, head, epochs: tune(
                model,
                batches,
                body,
                head,
                epochs,
                groups=[(model.features.parameters(), body), (parts(model)[1], head)],
            ),
            "whole-classifier": lambda model, batches, body, head, epochs: tune(
                model,
                batches,
                body,
                head,
                epochs,
                groups=[
                    (model.features.parameters(), body),
                    (model.classifier.parameters(), head),
                ],
            ),
            "no-rates": lambda model, batches, body, head, epochs: train(
                model.requires_grad_(True),
                batches,
                0.001,
                epochs,
                given=nn.Module.parameters,
                eval_mode=False,
            ),
            "zero-grad-late": lambda *inputs: tune(*inputs, cleared=True),
            "no-step": lambda *inputs: tune(*inputs, step=False),
            "on-copy": lambda model, *rest: tune(copy.deepcopy(model), *rest),
            "graph": lambda *inputs: tune(*inputs, number=False),
        },
    ),
    "extract": Answers(
        right=[extract, extract_by_hook, extract_on_a_copy],
        wrong={
            "train-mode": lambda model, batches: extract(model, batches, training=True),
            "scores": lambda model, batches: extract(model, batches, read=model),
            "maps": lambda model, batches: extract(model, batches, read=model.features),
            "flat-maps": lambda model, batches: extract(
                model, batches, read=lambda x: model.classifier[0](model.features(x))
            ),
            "no-activation": lambda model, batches: extract(
                model, batches, read=lambda x: model.classifier[1](model.features(x).flatten(1))
            ),
            "last-batch": lambda model, batches: extract(
                model, batches, keep=lambda found: found[-1]
            ),
            "not-joined": lambda model, batches: extract(model, batches, keep=lambda found: found),
            "graph": lambda model, batches: extract(model, batches, grad=True),
            "cut": extract_and_cut,
            "hook-left": extract_with_a_hook_left,
        },
    ),
}
