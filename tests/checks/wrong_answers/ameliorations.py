"""What students could answer in notebook 05: statistics, random functions, loops, networks."""

import copy
import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.transforms import v2

from tests.checks.wrong_answers import Answers


def statistics(images):
    mean = images.mean(dim=(0, 2, 3))
    return mean, images.std(dim=(0, 2, 3))


def statistics_by_loop(images):
    found = [(images[:, c].mean().item(), np.std(images[:, c].numpy())) for c in range(3)]
    return [mean for mean, _ in found], [std for _, std in found]


def scale(images, source, axes=(0, 2, 3)):
    return (images - source.mean(axes, keepdim=True)) / source.std(axes, keepdim=True)


def normalised(train, test):
    return scale(train, train), scale(test, train)


def normalised_by_torchvision(train, test):
    mean, std = statistics(train)
    change = v2.Normalize(mean.tolist(), std.tolist())
    return change(train), change(test)


def image_deviations(train, test):
    std = train.std((2, 3)).mean(0).view(3, 1, 1)
    mean = train.mean((0, 2, 3)).view(3, 1, 1)
    return (train - mean) / std, (test - mean) / std


def variance(train, test):
    mean, var = (f((0, 2, 3)).view(3, 1, 1) for f in (train.mean, train.var))
    return (train - mean) / var, (test - mean) / var


def crop(images, size, last=0):
    found = []
    for image in images:
        top = torch.randint(0, image.shape[1] - size + 1 - last, ()).item()
        left = torch.randint(0, image.shape[2] - size + 1 - last, ()).item()
        found.append(image[:, top : top + size, left : left + size])
    return torch.stack(found)


def crop_with_python(images, size):
    tops = [random.randint(0, images.shape[2] - size) for _ in images]
    lefts = [random.randint(0, images.shape[3] - size) for _ in images]
    return torch.stack(
        [
            image[:, top : top + size, left : left + size]
            for image, top, left in zip(images, tops, lefts, strict=True)
        ]
    )


def crop_diagonal(images, size):
    found = []
    for image in images:
        top = torch.randint(0, min(image.shape[1:]) - size + 1, ()).item()
        found.append(image[:, top : top + size, top : top + size])
    return torch.stack(found)


def crop_all_alike(images, size):
    return v2.RandomCrop(size)(images)


def crop_corners(images, size):
    found = []
    for image in images:
        top, left = (random.choice([0, side - size]) for side in image.shape[1:])
        found.append(image[:, top : top + size, left : left + size])
    return torch.stack(found)


def crop_by_two(images, size):
    found = []
    for rank, image in enumerate(images):
        if rank % 2 == 0:
            top, left = (random.randint(0, side - size) for side in image.shape[1:])
        found.append(image[:, top : top + size, left : left + size])
    return torch.stack(found)


def flip(images, axis=3, share=0.5):
    mirrored = torch.rand(len(images)) < share
    result = images.clone()
    result[mirrored] = images[mirrored].flip(axis)
    return result


def flip_one_by_one(images):
    return torch.stack([v2.RandomHorizontalFlip()(image) for image in images])


def flip_all_alike(images):
    return images.flip(3) if torch.rand(1) < 0.5 else images


def flip_by_two(images):
    return torch.cat([flip_all_alike(two) for two in images.split(2)])


def flip_evens(images):
    result = images.clone()
    result[::2] = images[::2].flip(3)
    return result


def flip_half(images):
    result = images.clone()
    chosen = torch.randperm(len(images))[: len(images) // 2]
    result[chosen] = images[chosen].flip(3)
    return result


def augment(images, training):
    return flip(crop(images, 28)) if training else images[:, :, 2:30, 2:30]


def augment_with_torchvision(images, training):
    if not training:
        return v2.CenterCrop(28)(images)
    change = v2.Compose([v2.RandomCrop(28), v2.RandomHorizontalFlip(0.5)])
    return torch.stack([change(image) for image in images])


def augmented(train=None, test=None):
    """`augment` with another answer for one of the modes."""

    def both(images, training):
        other = train if training else test
        return other(images) if other else augment(images, training)

    return both


def train(model, batches, epochs, training=True):
    model.train(training)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.95)
    criterion = nn.CrossEntropyLoss()
    rates = []
    for _epoch in range(epochs):
        rates.append(scheduler.get_last_lr()[0])
        for images, labels in batches:
            optimizer.zero_grad()
            criterion(model(images), labels).backward()
            optimizer.step()
        scheduler.step()
    return rates


def train_by_hand(model, batches, epochs):
    """Without a scheduler."""
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    rates = [0.01 * 0.95**epoch for epoch in range(epochs)]
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        for images, labels in batches:
            loss = F.cross_entropy(model(images), labels)
            model.zero_grad()
            loss.backward()
            optimizer.step()
    return torch.tensor(rates)


def train_with_draws(model, batches, epochs):
    torch.manual_seed(0)
    rates = train(model, batches, epochs)
    torch.randperm(3)
    return rates


def careless(
    make=lambda weights: torch.optim.SGD(weights, lr=0.01, momentum=0.9),
    gamma=0.95,
    when="epoch",
    zero=True,
    after=False,
    schedule=None,
    order="backward, step",
    scores=lambda outputs: outputs,
):
    def train(model, batches, epochs):
        model.train()
        optimizer = make(model.parameters())
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma)
        scheduler = schedule(optimizer) if schedule else scheduler
        rates = []
        for _ in range(epochs):
            if when == "before":
                scheduler.step()
            if not after:
                rates.append(optimizer.param_groups[0]["lr"])
            for images, labels in batches:
                if zero:
                    optimizer.zero_grad()
                loss = F.cross_entropy(scores(model(images)), labels)
                if when == "batch, before":
                    scheduler.step()
                for name in order.split(", "):
                    (loss.backward if name == "backward" else getattr(optimizer, name))()
                if when == "batch":
                    scheduler.step()
            if when == "epoch":
                scheduler.step()
            if after:
                rates.append(scheduler.get_last_lr()[0])
        return rates

    return train


def sgd(**settings):
    return lambda weights: torch.optim.SGD(weights, **{"lr": 0.01, **settings})


def momentum(weights, velocity, gradient, rate, momentum):
    velocity = velocity * momentum + gradient
    weights = weights - rate * velocity
    return weights, velocity


def momentum_in_place(weights, velocity, gradient, rate, momentum):
    weights, velocity = weights.clone(), velocity.clone()
    velocity.mul_(momentum).add_(gradient)
    weights.sub_(velocity, alpha=rate)
    return [weights, velocity]


def dropout(values, p, training, *, keep=None, factor=None, at_test=1):
    if not training:
        return values * at_test
    mask = (torch.rand_like(values) > p if keep is None else torch.rand_like(values) < keep).float()
    return values * mask * factor if factor else values * mask / (1 - p)


def dropout_of_some(values, p, training):
    if not training:
        return values
    mask = torch.ones_like(values)
    for row in mask:
        row[torch.randperm(len(row))[: int(p * len(row))]] = 0
    return values * mask / (1 - p)


def classifier(**changes):
    found = {
        "flatten": nn.Flatten(),
        "fc4": nn.Linear(1024, 1000),
        "relu": nn.ReLU(),
        "dropout": nn.Dropout(),
        "fc5": nn.Linear(1000, 10),
        **changes,
    }
    return lambda: nn.Sequential(*copy.deepcopy([*filter(None, found.values())]))


class OwnDropout(nn.Module):
    def __init__(self, p=0.5, scale=2, at_test=1, image_by_image=True, seed=None):
        super().__init__()
        self.p, self.scale, self.at_test = p, scale, at_test
        self.image_by_image, self.seed = image_by_image, seed

    def forward(self, values):
        if not self.training:
            return self.at_test * values
        if self.seed is not None:
            torch.manual_seed(self.seed)
        drawn = torch.rand(values.shape if self.image_by_image else values.shape[1:])
        return values * (drawn >= self.p) * self.scale


class Classifier(nn.Module):
    """The functional style; ``training`` is what F.dropout is told, by default the mode."""

    def __init__(self, training=None):
        super().__init__()
        self.fc4 = nn.Linear(1024, 1000)
        self.fc5 = nn.Linear(1000, 10)
        self.asked = training

    def forward(self, maps):
        hidden = F.relu(self.fc4(maps.flatten(1)))
        training = self.training if self.asked is None else self.asked
        return self.fc5(F.dropout(hidden, 0.5, training=training))


def features(norm=nn.BatchNorm2d, order="cnap", padding=2, stride=1, ceil=True, **options):
    """Stages of convolution (c), normalisation (n), activation (a) and pooling (p)."""
    activation, pool = options.get("activation", nn.ReLU), options.get("pool", nn.MaxPool2d)
    filters, kernel = options.get("filters", (32, 64, 64)), options.get("kernel", 5)
    inputs = options.get("inputs", (3, *filters[:-1]))

    def build():
        layers = []
        for stage, (before, after) in enumerate(zip(inputs, filters, strict=True)):
            made = {
                "c": nn.Conv2d(before, after, kernel, stride, padding),
                "n": norm(after),
                "a": activation(),
                "p": pool(2, ceil_mode=ceil and stage == 2),
            }
            layers += [made[letter] for letter in order]
        return nn.Sequential(*layers)

    return build


class Features(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 32, 5, padding="same"), nn.BatchNorm2d(32)
        self.conv2, self.bn2 = nn.Conv2d(32, 64, 5, padding="same"), nn.BatchNorm2d(64)
        self.conv3, self.bn3 = nn.Conv2d(64, 64, 5, padding="same"), nn.BatchNorm2d(64)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.relu(F.max_pool2d(self.bn2(self.conv2(x)), 2))
        return F.max_pool2d(F.relu(self.bn3(self.conv3(x))), 2, ceil_mode=True)


class Shared(Features):
    """One normalisation for the two convolutions of 64 filters."""

    def __init__(self):
        super().__init__()
        self.bn3 = self.bn2


def early_normalisation():
    layers = features()()
    for place, channels in [(0, 3), (4, 32), (8, 64)]:
        layers[place], layers[place + 1] = nn.BatchNorm2d(channels), layers[place]
    return layers


def without_one(place):
    def build():
        layers = list(features()())
        return nn.Sequential(*layers[:place], *layers[place + 1 :])

    return build


def columns(vector):
    return vector[None, :, None, None]


def batch_norm(maps, mean, variance, gamma, beta, eps):
    scaled = (maps - columns(mean)) / torch.sqrt(columns(variance) + eps)
    return columns(gamma) * scaled + columns(beta)


def batch_norm_by_numpy(maps, mean, variance, gamma, beta, eps):
    found = np.empty(maps.shape)
    for c in range(maps.shape[1]):
        scale = float(gamma[c]) / np.sqrt(float(variance[c]) + eps)
        found[:, c] = scale * (maps[:, c].numpy() - float(mean[c])) + float(beta[c])
    return found


def running(maps, mean, variance, momentum, correction=1, weight=None):
    new_mean, new_variance = maps.mean((0, 2, 3)), maps.var((0, 2, 3), correction=correction)
    weight = 1 - momentum if weight is None else weight
    return weight * mean + momentum * new_mean, weight * variance + momentum * new_variance


def running_by_pytorch(maps, mean, variance, momentum):
    layer = nn.BatchNorm2d(len(mean), momentum=momentum)
    layer.running_mean, layer.running_var = mean.clone(), variance.clone()
    layer(maps)
    return layer.running_mean, layer.running_var


def whiten(
    train, images, epsilon, mean=None, power=-0.5, back=True, outside=0.0, source=None, count=None
):
    """By singular values, unlike the check."""
    source = train if source is None else source
    centred = source - source.mean(0)
    _, singular, rows = torch.linalg.svd(centred, full_matrices=False)
    variances = singular**2 / (len(source) if count is None else count)
    scales = ((variances + epsilon) ** -power + outside) ** -1
    found = (images - (source.mean(0) if mean is None else mean)) @ rows.T * scales
    return found @ rows if back else found


def whiten_by_numpy(train, images, epsilon):
    values, vectors = np.linalg.eigh(np.cov(train.numpy(), rowvar=False))
    matrix = vectors @ np.diag(1 / np.sqrt(values + epsilon)) @ vectors.T
    return (images.numpy() - train.numpy().mean(0)) @ matrix


def whiten_in_axes(train, images, epsilon, transposed=False):
    """With the eigenvectors, whose order and signs are PyTorch's."""
    values, vectors = torch.linalg.eigh(torch.cov(train.T))
    if transposed:
        vectors = vectors.T
    scaled = (images - train.mean(0)) @ vectors / torch.sqrt(values + epsilon)
    return scaled @ vectors.T if transposed else scaled


ANSWERS = {
    "channel_statistics": Answers(
        right=[statistics, statistics_by_loop, lambda x: (*torch.std_mean(x, (0, 2, 3))[::-1],)],
        wrong={
            "per-image": lambda x: (x.mean((0, 2, 3)), x.std((2, 3)).mean(0)),
            "variance": lambda x: (x.mean((0, 2, 3)), x.var((0, 2, 3))),
            "all-channels": lambda x: (x.mean(), x.std()),
            "by-image": lambda x: (x.mean((2, 3)), x.std((2, 3))),
            "by-place": lambda x: (x.mean(0), x.std(0, correction=0)),
            "swapped": lambda x: torch.std_mean(x, (0, 2, 3)),
            "grey-levels": lambda x: statistics(255 * x),
        },
    ),
    "normalise_both": Answers(
        right=[normalised, normalised_by_torchvision],
        wrong={
            "test-statistics": lambda train, test: (scale(train, train), scale(test, test)),
            "from-test": lambda train, test: (scale(train, test), scale(test, test)),
            "pooled": lambda train, test: tuple(
                scale(images, torch.cat([test, train])) for images in (train, test)
            ),
            "per-image": lambda train, test: tuple(scale(x, x, (2, 3)) for x in (train, test)),
            "image-deviations": image_deviations,
            "by-place": lambda train, test: tuple(scale(x, train, 0) for x in (train, test)),
            "all-channels": lambda train, test: tuple(
                scale(x, train, (0, 1, 2, 3)) for x in (train, test)
            ),
            "train-only": lambda train, test: (scale(train, train), test),
            "centred-only": lambda train, test: tuple(
                x - train.mean((0, 2, 3), keepdim=True) for x in (train, test)
            ),
            "variance": variance,
            "divided-first": lambda train, test: tuple(
                x - train.mean((0, 2, 3), keepdim=True) / train.std((0, 2, 3), keepdim=True)
                for x in (train, test)
            ),
        },
    ),
    "random_crop": Answers(
        right=[
            crop,
            crop_with_python,
            lambda images, size: torch.stack([v2.RandomCrop(size)(image) for image in images]),
        ],
        wrong={
            "same-for-batch": crop_all_alike,
            "centred": lambda images, size: v2.CenterCrop(size)(images),
            "short-range": lambda images, size: crop(images, size, last=1),
            "corners": crop_corners,
            "by-two": crop_by_two,
            "diagonal": crop_diagonal,
            "resized": lambda images, size: v2.Resize((size, size))(images),
            "full-size": lambda images, size: images.clone(),
        },
    ),
    "random_flip": Answers(
        right=[flip, flip_one_by_one],
        wrong={
            "vertical": lambda images: flip(images, axis=2),
            "channels": lambda images: flip(images, axis=1),
            "whole-batch": flip_all_alike,
            "by-two": flip_by_two,
            "always": lambda images: images.flip(-1),
            "never": lambda images: images.clone(),
            "alternate": flip_evens,
            "rare": lambda images: flip(images, share=0.2),
            "exact-half": flip_half,
        },
    ),
    "augment": Answers(
        right=[augment, augment_with_torchvision],
        wrong={
            "random-at-test": lambda images, training: (
                flip(crop(images, 28)) if training else crop(images, 28)
            ),
            "corner-at-test": augmented(test=lambda images: images[..., :28, :28]),
            "whole-at-test": augmented(test=lambda images: images),
            "flip-at-test": augmented(test=lambda images: flip(images[..., 2:30, 2:30])),
            "resized-at-test": augmented(test=lambda images: v2.Resize((28, 28))(images)),
            "divided": lambda images, training: augment(images, training) / 255,
            "no-flip": augmented(train=lambda images: crop(images, 28)),
            "no-crop": augmented(train=lambda images: flip(images[..., 2:-2, 2:-2])),
            "same-for-batch": augmented(train=lambda images: flip(crop_all_alike(images, 28))),
            "vertical": augmented(train=lambda images: flip(crop(images, 28), axis=2)),
        },
    ),
    "ceil_sizes": Answers(
        right=[
            {"sans ceil_mode": (3, 576), "avec ceil_mode": (4, 1024)},
            [(28 // 2 // 2 // 2, 64 * 9), (-(-7 // 2), 64 * 16)],
        ],
        wrong={
            "swapped": [(4, 1024), (3, 576)],
            "depth": [(3, 9), (4, 16)],
            "not-rounded": [(28 / 8, 64 * 3.5 * 3.5), (4, 1024)],
            "two-poolings": [(7, 3136), (7, 3136)],
            "side": [(3, 192), (4, 256)],
        },
    ),
    "momentum_step": Answers(
        right=[momentum, momentum_in_place],
        wrong={
            "no-momentum": lambda w, v, g, rate, m: (w - rate * g, g),
            "ascent": lambda w, v, g, rate, m: (w + rate * (v * m + g), v * m + g),
            "average": lambda w, v, g, rate, m: momentum(w, v, (1 - m) * g, rate, m),
            "rate-inside": lambda w, v, g, rate, m: momentum(w, v, rate * g, 1, m),
            "old-velocity": lambda w, v, g, rate, m: (w - rate * v, m * v + g),
            "weight-decay": lambda w, v, g, rate, m: (w - rate * (g + m * w), g + m * w),
            "nesterov": lambda w, v, g, rate, m: (
                w - rate * (g + m * (m * v + g)),
                m * v + g,
            ),
            "swapped": lambda w, v, g, rate, m: momentum(w, v, g, rate, m)[::-1],
        },
    ),
    "training_loop": Answers(
        right=[
            train,
            train_by_hand,
            train_with_draws,
            careless(),
            careless(
                schedule=lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.95)
            ),
        ],
        wrong={
            "weight-decay": careless(sgd(weight_decay=0.9)),
            "dampening": careless(sgd(momentum=0.9, dampening=0.9)),
            "no-momentum": careless(sgd()),
            "confused": careless(sgd(momentum=0.95), gamma=0.9),
            "adam": careless(lambda weights: torch.optim.Adam(weights, lr=0.01)),
            "each-batch": careless(when="batch"),
            "each-batch-first": careless(when="batch, before"),
            "scheduler-first": careless(when="before"),
            "stairs": careless(
                schedule=lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 30, 0.1)
            ),
            "constant": careless(when="forgotten"),
            "rate": careless(sgd(lr=0.1, momentum=0.9)),
            "no-zero-grad": careless(zero=False),
            "no-backward": careless(order="step"),
            "zero-grad-late": careless(order="backward, zero_grad, step"),
            "step-first": careless(order="step, backward"),
            "softmax": careless(scores=lambda outputs: F.softmax(outputs, 1)),
            "eval-mode": lambda *inputs: train(*inputs, training=False),
            "told-after": careless(after=True),
            "factor-lost": careless(gamma=0.05),
        },
    ),
    "dropout": Answers(
        right=[
            dropout,
            lambda values, p, training: F.dropout(values, p, training),
            lambda values, p, training: (
                values * torch.bernoulli(torch.full_like(values, 1 - p)) / (1 - p)
                if training
                else values
            ),
        ],
        wrong={
            "left-on": lambda values, p, training: F.dropout(values, p),
            "scaled-at-test": lambda values, p, training: dropout(
                values, p, training, factor=1.0, at_test=1 - p
            ),
            "scaled-by-p": lambda values, p, training: dropout(
                values, p, training, factor=1.0, at_test=p
            ),
            "keeps-p": lambda values, p, training: dropout(
                values, p, training, keep=p, factor=1 / p
            ),
            "never": lambda values, p, training: values,
            "same-for-batch": lambda values, p, training: (
                values * F.dropout(torch.ones(values.shape[1]), p, training)
            ),
            "whole-rows": lambda values, p, training: (
                values * F.dropout(torch.ones(len(values), 1), p, training)
            ),
            "exact-count": dropout_of_some,
            "no-scale": lambda values, p, training: dropout(values, p, training, factor=1.0),
            "divided-by-p": lambda values, p, training: dropout(values, p, training, factor=1 / p),
            "multiplied": lambda values, p, training: dropout(values, p, training, factor=1 - p),
        },
    ),
    "classifier": Answers(
        right=[
            classifier(),
            Classifier,
            classifier(dropout=OwnDropout()),
            lambda: nn.Sequential(
                nn.Flatten(),
                nn.Sequential(nn.LazyLinear(1000), nn.Dropout(0.5), nn.ReLU()),
                nn.LazyLinear(10),
            ),
        ],
        wrong={
            "dropout-late": classifier(dropout=None, last=nn.Dropout(0.5)),
            "before-fc4": classifier(
                flatten=nn.Sequential(nn.Dropout(), nn.Flatten()), dropout=None
            ),
            "no-dropout": classifier(dropout=None),
            "two-dropouts": classifier(dropout=nn.Sequential(nn.Dropout(), nn.Dropout())),
            "rate": classifier(dropout=nn.Dropout(0.35)),
            "left-on": lambda: Classifier(training=True),
            "same-mask": classifier(dropout=OwnDropout(seed=3)),
            "same-for-batch": classifier(dropout=OwnDropout(image_by_image=False)),
            "no-scale": classifier(dropout=OwnDropout(scale=1)),
            "scaled-at-test": classifier(dropout=OwnDropout(scale=1, at_test=0.5)),
            "softmax": classifier(softmax=nn.Softmax(dim=1)),
            "final-activation": classifier(last=nn.ReLU()),
            "no-activation": classifier(relu=None),
            "activation": classifier(relu=nn.LeakyReLU(0.1)),
            "no-flatten": classifier(flatten=None),
            "inputs": classifier(fc4=nn.Linear(576, 1000)),
            "units": classifier(fc4=nn.Linear(1024, 100), fc5=nn.Linear(100, 10)),
            "classes": classifier(fc5=nn.Linear(1000, 100)),
            "missing-layer": classifier(fc4=None, relu=None, fc5=nn.Linear(1024, 10)),
            "extra-layer": classifier(last=nn.Linear(10, 10)),
        },
    ),
    "normalise_maps": Answers(
        right=[
            batch_norm,
            batch_norm_by_numpy,
            lambda maps, mean, variance, gamma, beta, eps: F.batch_norm(
                maps, mean, variance, gamma, beta, eps=eps
            ),
        ],
        wrong={
            "no-root": lambda maps, mean, variance, gamma, beta, eps: (
                columns(gamma) * (maps - columns(mean)) / (columns(variance) + eps) + columns(beta)
            ),
            "eps-forgotten": lambda maps, mean, variance, gamma, beta, eps: batch_norm(
                maps, mean, variance, gamma, beta, 0
            ),
            "eps-outside": lambda maps, mean, variance, gamma, beta, eps: (
                columns(gamma) * (maps - columns(mean)) / (columns(variance).sqrt() + eps)
                + columns(beta)
            ),
            "not-learnt": lambda maps, mean, variance, gamma, beta, eps: F.batch_norm(
                maps, mean, variance, eps=eps
            ),
            "swapped": lambda maps, mean, variance, gamma, beta, eps: batch_norm(
                maps, mean, variance, beta, gamma, eps
            ),
            "last-axis": lambda maps, mean, variance, gamma, beta, eps: (
                gamma * (maps - mean) / torch.sqrt(variance + eps) + beta
            ),
            "batch-again": lambda maps, mean, variance, gamma, beta, eps: F.batch_norm(
                maps.repeat(2, 1, 1, 1), None, None, gamma, beta, training=True, eps=eps
            )[: len(maps)],
        },
    ),
    "batch_statistics": Answers(
        right=[
            lambda maps: (maps.mean((0, 2, 3)), maps.var((0, 2, 3), correction=0)),
            lambda maps: (
                maps.mean((0, 2, 3)),
                (maps**2).mean((0, 2, 3)) - maps.mean((0, 2, 3)) ** 2,
            ),
            lambda maps: (np.mean(maps.numpy(), (0, 2, 3)), np.var(maps.numpy(), (0, 2, 3))),
        ],
        wrong={
            "unbiased": lambda maps: (maps.mean((0, 2, 3)), maps.var((0, 2, 3))),
            "deviation": lambda maps: (maps.mean((0, 2, 3)), maps.std((0, 2, 3), unbiased=False)),
            "per-image": lambda maps: (maps.mean((2, 3)), maps.var((2, 3), correction=0)),
            "by-place": lambda maps: (maps.mean(0), maps.var(0, correction=0)),
            "all-channels": lambda maps: (maps.mean(), maps.var(correction=0)),
            "mean-of-images": lambda maps: (
                maps.mean((0, 2, 3)),
                maps.var((2, 3), correction=0).mean(0),
            ),
        },
    ),
    "update_running": Answers(
        right=[running, running_by_pytorch],
        wrong={
            "biased": lambda *inputs: running(*inputs, correction=0),
            "reversed": lambda maps, mean, variance, m: running(maps, mean, variance, 1 - m),
            "replaced": lambda maps, mean, variance, m: (maps.mean((0, 2, 3)), maps.var((0, 2, 3))),
            "unchanged": lambda maps, mean, variance, m: (mean, variance),
            "added": lambda *inputs: running(*inputs, weight=1),
        },
    ),
    "features": Answers(
        right=[features(), features(order="cnpa"), Features],
        wrong={
            "after-activation": features(order="canp"),
            "after-pooling": features(order="cpna"),
            "before-convolution": early_normalisation,
            "other-normalisation": features(norm=lambda channels: nn.GroupNorm(8, channels)),
            "shared": Shared,
            "dimensions": features(norm=nn.BatchNorm1d),
            "no-ceil": features(ceil=False),
            "no-padding": features(padding=0),
            "padding": features(padding=1),
            "stride": features(stride=2),
            "no-activation": features(order="cnp"),
            "activation": features(activation=nn.GELU, order="cnpa"),
            "no-pooling": without_one(7),
            "average": features(pool=nn.AvgPool2d),
            "channels": features(norm=lambda filters: nn.BatchNorm2d(64)),
            "inputs": features(inputs=(3, 3, 64)),
            "filters": features(filters=(32, 64, 32)),
            "kernel": features(kernel=3, padding=1),
            "missing-layer": without_one(5),
            "extra-layer": lambda: nn.Sequential(*features()(), nn.BatchNorm2d(64)),
        },
    ),
    "whiten": Answers(
        right=[whiten, whiten_by_numpy],
        wrong={
            "not-back": whiten_in_axes,
            "no-epsilon": lambda train, images, epsilon: whiten(train, images, 0.0),
            "from-images": lambda train, images, epsilon: whiten_by_numpy(images, images, epsilon),
            "pooled": lambda train, images, epsilon: whiten(
                train, images, epsilon, source=torch.cat([images, train])
            ),
            "own-mean": lambda *inputs: whiten(*inputs, mean=inputs[1].mean(0)),
            "own-covariance": lambda train, images, epsilon: whiten_by_numpy(
                images - images.mean(0) + train.mean(0), images, epsilon
            ),
            "centred-only": lambda train, images, epsilon: images - train.mean(0),
            "not-centred": lambda *inputs: whiten(*inputs, mean=0),
            "no-root": lambda *inputs: whiten(*inputs, power=-1),
            "epsilon-outside": lambda train, images, epsilon: whiten(
                train, images, 0.0, outside=epsilon
            ),
            "by-value": lambda train, images, epsilon: (
                (images - train.mean(0)) / torch.sqrt(train.var(0) + epsilon)
            ),
            "transposed": lambda *inputs: whiten_in_axes(*inputs, transposed=True),
            "not-divided": lambda *inputs: whiten(*inputs, count=1),
        },
    ),
}
