"""Checks of notebook 05: five improvements of the network of notebook 04.

Sources: lab sheet, questions 19 to 34; 003, dropout and batch normalisation.

Images are tensors (N, 3, H, W); maps, what a convolution gives, are (N, C, H, W).
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tp_cnn.checks.augmentations import augmentation_facts, coordinates, crop_facts, flip_facts
from tp_cnn.checks.framework import FunctionCheck, Mistake
from tp_cnn.checks.network_mistakes import NETWORK_MISTAKES, instead, without
from tp_cnn.checks.networks import NetworkCheck
from tp_cnn.checks.random_functions import Fact, RandomCheck
from tp_cnn.checks.schedules import TrainingLoopCheck
from tp_cnn.checks.tables import TableCheck
from tp_cnn.checks.traces import Stage

CLASSES = 10
PIXELS = (0, 2, 3)  # the axes over which the statistics of a channel are taken


def _uniform(rng: np.random.Generator, *shape: int) -> Tensor:
    return torch.tensor(rng.random(shape), dtype=torch.float32)


def _normal(rng: np.random.Generator, *shape: int) -> Tensor:
    return torch.tensor(rng.normal(size=shape), dtype=torch.float32)


def _channels(values: Tensor) -> Tensor:
    return values.view(1, -1, 1, 1)


# Normalisation (questions 19 and 20)


def _contrasted(rng: np.random.Generator) -> Tensor:
    """Images of unequal brightness and contrast, and channels too, between 0 and 1."""
    light = _uniform(rng, 12, 1, 1, 1) * torch.tensor([0.3, 0.6, 0.9]).view(1, 3, 1, 1)
    return 0.7 * light + 0.3 * _uniform(rng, 12, 3, 16, 16)


def _black_and_white() -> Tensor:
    """A black image and a white one; green and blue are darker."""
    levels = torch.tensor([[0, 0, 0], [1, 0.5, 0.25]])
    return levels.view(2, 3, 1, 1).expand(2, 3, 24, 24).contiguous()


def _statistics(images: Tensor, axes: tuple = PIXELS) -> Tensor:
    return torch.stack([images.mean(axes), images.std(axes, correction=0)])


channel_statistics = FunctionCheck(
    "Moyenne et écart-type de chaque canal d'images (N, 3, H, W) : deux fois trois valeurs.",
    answer=lambda images: _statistics(images),
    tolerance=1e-3,  # dividing by n or by n - 1 is the same
    tries=lambda rng: [(_black_and_white(),), (_contrasted(rng),)],
    mistakes=[
        Mistake(
            "per-image",
            lambda x: torch.stack([x.mean(PIXELS), x.std((2, 3)).mean(0)]),
            "C'est la moyenne des écarts-types de chaque image : ils oublient que certaines images "
            "sont plus claires que d'autres. Il faut mettre tous les pixels ensemble.",
        ),
        Mistake(
            "variance",
            lambda x: torch.stack([x.mean(PIXELS), x.var(PIXELS)]),
            "C'est la variance : il reste à en prendre la racine carrée.",
        ),
        Mistake(
            "all-channels",
            lambda x: torch.stack([x.mean(), x.std(correction=0)]),
            "Les trois canaux sont mélangés : il faut une valeur par canal.",
        ),
        Mistake(
            "by-image",
            lambda x: torch.stack([x.mean((2, 3)), x.std((2, 3))]),
            "Il y a une valeur par image et par canal : l'axe 0, celui des images, doit "
            "disparaître aussi.",
        ),
        Mistake(
            "by-place",
            lambda x: torch.stack([x.mean(0), x.std(0, correction=0)]),
            "Il y a une valeur par pixel : les axes de la hauteur et de la largeur doivent "
            "disparaître aussi.",
        ),
        Mistake(
            "swapped",
            lambda x: _statistics(x).flip(0),
            "L'ordre est : la moyenne, puis l'écart-type.",
        ),
    ],
)


def _scaled(images: Tensor, source: Tensor) -> Tensor:
    mean, deviation = _statistics(source)
    return (images - _channels(mean)) / _channels(deviation)


def _scaled_each(images: Tensor) -> Tensor:
    mean, deviation = images.mean((2, 3), keepdim=True), images.std((2, 3), keepdim=True)
    return (images - mean) / deviation


def _scaled_by_images(images: Tensor, source: Tensor) -> Tensor:
    deviation = source.std((2, 3)).mean(0)
    return (images - _channels(source.mean(PIXELS))) / _channels(deviation)


def _scaled_by_place(images: Tensor, source: Tensor) -> Tensor:
    return (images - source.mean(0)) / source.std(0)


def _scaled_alike(images: Tensor, source: Tensor) -> Tensor:
    return (images - source.mean()) / source.std()


def _variance(images: Tensor, source: Tensor) -> Tensor:
    mean, deviation = _statistics(source)
    return (images - _channels(mean)) / _channels(deviation) ** 2


normalise_both = FunctionCheck(
    "Images d'apprentissage et de test, normalisées par canal (question 20) : un couple.",
    answer=lambda train, test: torch.stack([_scaled(train, train), _scaled(test, train)]),
    tolerance=1e-2,  # dividing by n or by n - 1 is the same
    tries=lambda rng: [(_contrasted(rng), 0.7 * _contrasted(rng)) for _ in range(2)],
    mistakes=[
        Mistake(
            "test-statistics",
            lambda train, test: torch.stack([_scaled(train, train), _scaled(test, test)]),
            "Les images de test sont normalisées par leurs propres statistiques : au moment de "
            "s'en servir, le réseau ne verra qu'une image à la fois.",
        ),
        Mistake(
            "from-test",
            lambda train, test: torch.stack([_scaled(train, test), _scaled(test, test)]),
            "Les statistiques viennent des images de test : elles ne doivent rien décider.",
        ),
        Mistake(
            "pooled",
            lambda train, test: torch.stack(
                [_scaled(x, torch.cat([train, test])) for x in (train, test)]
            ),
            "Les images de test entrent dans les statistiques : elles ne doivent rien décider.",
        ),
        Mistake(
            "per-image",
            lambda train, test: torch.stack([_scaled_each(train), _scaled_each(test)]),
            "Chaque image est normalisée par ses propres statistiques : ce qui distingue une image "
            "claire d'une image sombre disparaît.",
        ),
        Mistake(
            "image-deviations",
            lambda train, test: torch.stack([_scaled_by_images(x, train) for x in (train, test)]),
            "L'écart-type est la moyenne de ceux des images : mettez tous les pixels ensemble.",
        ),
        Mistake(
            "by-place",
            lambda train, test: torch.stack([_scaled_by_place(x, train) for x in (train, test)]),
            "Les statistiques sont prises pixel par pixel : on demande une valeur par canal.",
        ),
        Mistake(
            "all-channels",
            lambda train, test: torch.stack([_scaled_alike(x, train) for x in (train, test)]),
            "Les trois canaux sont mélangés : chacun a sa moyenne et son écart-type.",
        ),
        Mistake(
            "train-only",
            lambda train, test: torch.stack([_scaled(train, train), test]),
            "Les images de test ne sont pas normalisées : le réseau doit les recevoir comme celles "
            "d'apprentissage.",
        ),
        Mistake(
            "centred-only",
            lambda train, test: torch.stack(
                [x - _channels(train.mean(PIXELS)) for x in (train, test)]
            ),
            "La moyenne est retirée, mais il reste à diviser.",
        ),
        Mistake(
            "variance",
            lambda train, test: torch.stack([_variance(x, train) for x in (train, test)]),
            "La division est faite par la variance : il faut l'écart-type.",
        ),
    ],
)

# Augmentation (question 22)


def _drawn(count: int, largest: int) -> Tensor:
    return torch.randint(largest + 1, (count,))


def _cut(images: Tensor, top: Tensor, left: Tensor, size: int) -> Tensor:
    rows = (top[:, None] + torch.arange(size))[:, None, :, None]
    columns = (left[:, None] + torch.arange(size))[:, None, None, :]
    ranks, channels = torch.arange(len(images)), torch.arange(images.shape[1])
    return images[ranks[:, None, None, None], channels[None, :, None, None], rows, columns]


def _crop(images: Tensor, size: int, shorter: int = 0) -> Tensor:
    height, width = images.shape[2:]
    top = _drawn(len(images), height - size - shorter)
    return _cut(images, top, _drawn(len(images), width - size - shorter), size)


def _crop_batch(images: Tensor, size: int) -> Tensor:
    top, left = (int(_drawn(1, side - size)) for side in images.shape[2:])
    return images[:, :, top : top + size, left : left + size]


def _crop_centre(images: Tensor, size: int) -> Tensor:
    top, left = ((side - size) // 2 for side in images.shape[2:])
    return images[:, :, top : top + size, left : left + size]


def _crop_diagonal(images: Tensor, size: int) -> Tensor:
    places = _drawn(len(images), min(images.shape[2:]) - size)
    return _cut(images, places, places, size)


def _crop_resized(images: Tensor, size: int) -> Tensor:
    return functional.interpolate(images.float(), (size, size))


random_crop = RandomCheck(
    "Une fenêtre de size × size pixels, tirée au hasard pour chaque image (question 22).",
    answer=lambda images, size: _crop(images, size),
    tries=lambda rng: [(coordinates(rng, 16, 32, 32), 28), (coordinates(rng, 16, 20, 26), 16)],
    read=crop_facts,
    mistakes=[
        Mistake(
            "same-for-batch",
            _crop_batch,
            "Un tirage sert pour tout le lot : il en faut un par image.",
        ),
        Mistake("centred", _crop_centre, "Rien n'est tiré au hasard : où placer la fenêtre ?"),
        Mistake(
            "short-range",
            lambda images, size: _crop(images, size, shorter=1),
            "Il manque la dernière place possible : combien de fenêtres tiennent dans une ligne ? "
            "torch.randint ne tire jamais sa borne haute.",
        ),
        Mistake(
            "diagonal",
            _crop_diagonal,
            "Le même tirage sert pour la ligne et la colonne : il en faut deux.",
        ),
        Mistake(
            "resized",
            _crop_resized,
            "Un crop découpe sans rien déformer : chaque pixel garde sa valeur et ses voisins.",
        ),
        Mistake(
            "full-size",
            lambda images, size: images,
            "Les images gardent leur taille : il faut en découper un morceau.",
        ),
    ],
)


def _where(mirrored: Tensor, images: Tensor, axes: tuple[int, ...] = (3,)) -> Tensor:
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(axes), images)


def _coins(count: int, share: float = 0.5) -> Tensor:
    return torch.rand(count) < share


random_flip = RandomCheck(
    "Chaque image en miroir, gauche et droite échangées, une fois sur deux (question 22).",
    answer=lambda images: _where(_coins(len(images)), images),
    tries=lambda rng: [(coordinates(rng, 40, 12, 14),)],
    read=flip_facts,
    mistakes=[
        Mistake(
            "vertical",
            lambda images: _where(_coins(len(images)), images, (2,)),
            "L'axe 2 est la hauteur : c'est la gauche et la droite qu'il faut échanger.",
        ),
        Mistake(
            "channels",
            lambda images: _where(_coins(len(images)), images, (1,)),
            "L'axe 1 est celui des canaux : c'est la gauche et la droite qu'il faut échanger.",
        ),
        Mistake(
            "whole-batch",
            lambda images: _where(_coins(1).expand(len(images)), images),
            "Un seul tirage décide pour tout le lot : il en faut un par image.",
        ),
        Mistake(
            "always",
            lambda images: images.flip(3),
            "Il manque le hasard : une image sur deux doit rester telle quelle.",
        ),
        Mistake(
            "never",
            lambda images: images,
            "Les images n'ont pas changé : .flip(3) renvoie de nouvelles images, les anciennes "
            "restent.",
        ),
        Mistake(
            "alternate",
            lambda images: _where(torch.arange(len(images)) % 2 == 0, images),
            "Le choix ne dépend que du rang de l'image : il doit être tiré à chaque appel.",
        ),
        Mistake(
            "rare",
            lambda images: _where(_coins(len(images), 0.1), images),
            "C'est trop peu : l'énoncé demande une chance sur deux.",
        ),
    ],
)


def _augment(images: Tensor, training: bool) -> Tensor:
    if not training:
        return _crop_centre(images, 28)
    return _where(_coins(len(images)), _crop(images, 28))


def _in_training(change: Callable) -> Callable:
    return lambda images, training: change(images) if training else _augment(images, False)


def _in_test(change: Callable) -> Callable:
    return lambda images, training: _augment(images, True) if training else change(images)


augment = RandomCheck(
    "Ce que le réseau reçoit, en apprentissage puis en test (question 22).",
    answer=_augment,
    tries=lambda rng: [
        (coordinates(rng, 16, 32, 32), False),
        (coordinates(rng, 16, 32, 32), True),
    ],
    read=augmentation_facts,
    mistakes=[
        Mistake(
            "random-at-test",
            lambda images, training: _crop(images, 28),
            "En test, le crop est encore aléatoire : la même image aurait un résultat différent à "
            "chaque fois.",
        ),
        Mistake(
            "corner-at-test",
            _in_test(lambda images: images[:, :, :28, :28]),
            "En test, la fenêtre est dans un coin : retirez autant de pixels de chaque côté.",
        ),
        Mistake(
            "whole-at-test",
            _in_test(lambda images: images),
            "En test, les images ne sont pas découpées : le réseau doit voir la même taille.",
        ),
        Mistake(
            "flip-at-test",
            _in_test(lambda images: _where(_coins(len(images)), _crop_centre(images, 28))),
            "En test, rien ne doit être tiré au hasard, pas même le miroir.",
        ),
        Mistake(
            "resized-at-test",
            _in_test(lambda images: _crop_resized(images, 28)),
            "En test, les images sont réduites : les objets n'y ont plus la taille apprise.",
        ),
        Mistake(
            "no-flip",
            _in_training(lambda images: _crop(images, 28)),
            "En apprentissage, il manque la symétrie.",
        ),
        Mistake(
            "no-crop",
            _in_training(lambda images: _where(_coins(len(images)), _crop_centre(images, 28))),
            "En apprentissage, la fenêtre doit être tirée au hasard.",
        ),
        Mistake(
            "same-for-batch",
            _in_training(lambda images: _where(_coins(len(images)), _crop_batch(images, 28))),
            "En apprentissage, un tirage sert pour tout le lot : il en faut un par image.",
        ),
        Mistake(
            "vertical",
            _in_training(lambda images: _where(_coins(len(images)), _crop(images, 28), (2,))),
            "La symétrie est verticale : c'est la gauche et la droite qu'il faut échanger.",
        ),
    ],
)

ceil_sizes = TableCheck(
    "Côté des cartes après pool3, et valeurs que reçoit fc4, pour des images 28 × 28.",
    columns=["côté après pool3", "valeurs reçues par fc4"],
    answer={"sans ceil_mode": (3, 64 * 3 * 3), "avec ceil_mode": (4, 64 * 4 * 4)},
    mistakes=[
        Mistake(
            "swapped",
            {"sans ceil_mode": (4, 64 * 4 * 4), "avec ceil_mode": (3, 64 * 3 * 3)},
            "« ceil » veut dire « plafond » : dans quel sens arrondit-il ?",
        ),
        Mistake(
            "depth",
            {"sans ceil_mode": (None, 9), "avec ceil_mode": (None, 16)},
            "C'est le compte d'une seule carte : combien conv3 en donne-t-elle ?",
        ),
        Mistake(
            "not-rounded",
            {"sans ceil_mode": (3.5, 64 * 3.5**2), "avec ceil_mode": (3.5, 64 * 3.5**2)},
            "Une carte a un nombre entier de lignes : il faut arrondir, et d'un côté bien choisi.",
        ),
        Mistake(
            "two-poolings",
            {"sans ceil_mode": (7, 64 * 7 * 7), "avec ceil_mode": (7, 64 * 7 * 7)},
            "C'est la taille après deux poolings : il en reste un.",
        ),
        Mistake(
            "side",
            {"sans ceil_mode": (None, 64 * 3), "avec ceil_mode": (None, 64 * 4)},
            "Une carte est un carré, donné par son côté.",
        ),
    ],
)

# Optimisation (question 26)


def _moved(weights, velocity, gradient, rate, momentum) -> Tensor:
    velocity = momentum * velocity + gradient
    return torch.stack([weights - rate * velocity, velocity])


def _rate_inside(weights, velocity, gradient, rate, momentum) -> Tensor:
    velocity = momentum * velocity + rate * gradient
    return torch.stack([weights - velocity, velocity])


def _average(weights, velocity, gradient, rate, momentum) -> Tensor:
    velocity = momentum * velocity + (1 - momentum) * gradient
    return torch.stack([weights - rate * velocity, velocity])


def _old_velocity(weights, velocity, gradient, rate, momentum) -> Tensor:
    return torch.stack([weights - rate * velocity, momentum * velocity + gradient])


def _decay(weights, velocity, gradient, rate, momentum) -> Tensor:
    velocity = gradient + momentum * weights
    return torch.stack([weights - rate * velocity, velocity])


def _nesterov(weights, velocity, gradient, rate, momentum) -> Tensor:
    velocity = momentum * velocity + gradient
    return torch.stack([weights - rate * (gradient + momentum * velocity), velocity])


momentum_step = FunctionCheck(
    "Un pas de SGD avec momentum : les nouveaux poids et la nouvelle vitesse, un couple.",
    answer=_moved,
    tries=lambda rng: [
        (torch.tensor([1.0]), torch.tensor([0.0]), torch.tensor([2.0]), 0.1, 0.9),
        (torch.tensor([1.0]), torch.tensor([10.0]), torch.tensor([2.0]), 0.1, 0.9),
        (_normal(rng, 5), _normal(rng, 5), _normal(rng, 5), 0.05, 0.7),
    ],
    mistakes=[
        Mistake(
            "no-momentum",
            lambda w, v, g, rate, m: torch.stack([w - rate * g, g]),
            "La vitesse d'avant est oubliée : sans elle, c'est la SGD simple.",
        ),
        Mistake(
            "ascent",
            lambda w, v, g, rate, m: torch.stack([w + rate * (m * v + g), m * v + g]),
            "Les poids montent la pente : on veut descendre.",
        ),
        Mistake(
            "average",
            _average,
            "C'est une moyenne pondérée : dans la formule de l'énoncé, le gradient entre tout "
            "entier.",
        ),
        Mistake(
            "rate-inside",
            _rate_inside,
            "Le pas d'apprentissage est entré dans la vitesse : il ne sert qu'au déplacement.",
        ),
        Mistake(
            "old-velocity",
            _old_velocity,
            "Les poids avancent avec la vitesse d'avant : il faut la nouvelle.",
        ),
        Mistake(
            "weight-decay",
            _decay,
            "Ce sont les poids qui sont ajoutés au gradient : cela s'appelle weight decay.",
        ),
        Mistake("nesterov", _nesterov, "C'est la variante de Nesterov : restez à la formule."),
        Mistake(
            "swapped",
            lambda *inputs: _moved(*inputs).flip(0),
            "L'ordre est : les poids, puis la vitesse.",
        ),
    ],
)


def _loop(
    decay_each: str = "epoch",
    zero: bool = True,
    kind: type = torch.optim.SGD,
    settings: dict | None = None,
    rate: float = 0.01,
    factor: float = 0.95,
    told: str = "before",
) -> Callable:
    """A training loop; the keywords make it wrong."""

    def train(model, batches, epochs):
        options = {"momentum": 0.9} if settings is None else settings
        optimizer = kind(model.parameters(), lr=rate, **options)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, factor)
        rates = []
        for _ in range(epochs):
            if decay_each == "start":
                scheduler.step()
            used = optimizer.param_groups[0]["lr"]
            for images, labels in batches:
                loss = functional.cross_entropy(model(images), labels)
                if zero:
                    optimizer.zero_grad()
                loss.backward()
                if decay_each == "batch-start":
                    scheduler.step()
                optimizer.step()
                if decay_each == "batch":
                    scheduler.step()
            if decay_each == "epoch":
                scheduler.step()
            rates.append(used if told == "before" else optimizer.param_groups[0]["lr"])
        return rates

    return train


training_loop = TrainingLoopCheck(
    "Une boucle d'apprentissage : SGD, momentum 0,9, pas 0,01 multiplié par 0,95 à chaque époque.",
    answer=_loop(),
    mistakes=[
        Mistake(
            "weight-decay",
            _loop(settings={"weight_decay": 0.9}),
            "0,9 est passé à weight_decay, qui tire les poids vers zéro : nommez l'argument.",
        ),
        Mistake(
            "dampening",
            _loop(settings={"momentum": 0.9, "dampening": 0.9}),
            "dampening réduit la part du gradient : laissez-le à zéro.",
        ),
        Mistake(
            "no-momentum",
            _loop(settings={}),
            "L'optimiseur n'a pas de momentum : c'est un argument de torch.optim.SGD.",
        ),
        Mistake(
            "confused",
            _loop(settings={"momentum": 0.95}, factor=0.9),
            "Deux nombres sont échangés : lequel est le momentum, lequel le facteur de "
            "décroissance ?",
        ),
        Mistake(
            "adam",
            _loop(kind=torch.optim.Adam, settings={}),
            "L'énoncé demande la SGD ; Adam attend la question 28.",
        ),
        Mistake(
            "each-batch",
            _loop("batch"),
            "scheduler.step() est appelé après chaque lot : l'énoncé compte en époques.",
        ),
        Mistake(
            "each-batch-first",
            _loop("batch-start"),
            "scheduler.step() est appelé à chaque lot, et avant l'optimiseur : il vient une seule "
            "fois, à la fin de l'époque.",
        ),
        Mistake(
            "scheduler-first",
            _loop("start"),
            "scheduler.step() passe avant l'optimiseur : la première époque n'a pas eu le pas de "
            "départ. Il vient à la fin de l'époque.",
        ),
        Mistake(
            "constant",
            _loop("never"),
            "Le pas ne change pas : scheduler.step() manque, ou ses parenthèses, ou l'optimiseur "
            "est recréé à chaque époque.",
        ),
        Mistake(
            "rate",
            _loop(rate=0.1),
            "Le pas de départ n'est pas le bon : reprenez l'énoncé.",
        ),
        Mistake(
            "no-zero-grad",
            _loop(zero=False),
            "Il manque optimizer.zero_grad() : les gradients des lots précédents s'ajoutent.",
        ),
        Mistake(
            "told-after",
            _loop(told="after"),
            "Le pas est noté après sa baisse : on demande celui qui a servi pendant l'époque.",
        ),
    ],
)

# Dropout (questions 29 to 33)

SAME, KEPT_SHARE, DROPPED_SHARE, ZEROS, OTHER = range(5)


def _dropout_facts(arguments: tuple, results: np.ndarray) -> list[Fact]:
    """Of ``dropout(values, p, training)``; no value is zero."""
    values, p, training = arguments[0].double().numpy(), arguments[1], arguments[2]
    ratios = results / values
    if not training:
        return [_evaluation_fact(ratios, p)]
    zeros = ratios == 0
    facts = _mask_facts(zeros)
    share = zeros.mean()
    known = {0: share == 0, 1: abs(share - p) < 0.06, 2: abs(share - 1 + p) < 0.06}
    level = next((code for code, found in known.items() if found), 3)
    facts.append(Fact(level, f"avec p = {p:g}, {100 * share:.0f} % des valeurs sont éteintes."))
    if level == 0 or zeros.all():
        return facts
    factors = ratios[~zeros]
    read = f"avec p = {p:g}, les valeurs gardées sont multipliées par {np.median(factors):.4g}."
    return [*facts, Fact([np.median(factors), np.ptp(factors)], read)]


def _mask_facts(zeros: np.ndarray) -> list[Fact]:
    """Whether draws differ in each direction; they do not matter where nothing is drawn."""
    sentences = [
        "ce sont les mêmes valeurs qui sont éteintes à chaque appel.",
        "ce sont les mêmes neurones qui sont éteints pour tout le lot.",
        "les neurones d'une image sont éteints tous ensemble, ou pas du tout.",
    ]
    drawn = zeros.any() and not zeros.all()
    varied = [np.ptp(zeros.astype(int), axis=axis).any() or not drawn for axis in range(3)]
    return [Fact(int(one), sentence) for one, sentence in zip(varied, sentences, strict=True)]


def _evaluation_fact(ratios: np.ndarray, p: float) -> Fact:
    known = {SAME: 1, KEPT_SHARE: 1 - p, DROPPED_SHARE: p}
    for code, ratio in known.items():
        if np.allclose(ratios, ratio, atol=1e-4):
            return Fact(code, f"avec training=False, les valeurs sont multipliées par {ratio:g}.")
    if (ratios == 0).any():
        return Fact(ZEROS, "avec training=False, des valeurs sont encore éteintes.")
    return Fact(OTHER, "avec training=False, les valeurs ont changé.")


def _dropout(
    values, p, training, *, share=None, factor=None, at_test=1.0, mask_shape=None, on=False
) -> Tensor:
    if not training and not on:
        return at_test * values
    mask = torch.rand(mask_shape or values.shape) >= (p if share is None else share)
    return values * mask * (1 / (1 - p) if factor is None else factor)


dropout = RandomCheck(
    "Dropout (question 33) : chaque valeur éteinte avec la probabilité p en apprentissage.",
    answer=lambda values, p, training: _dropout(values, p, training),
    tries=lambda rng: [
        (1 + _uniform(rng, 30, 40), p, training) for training in (False, True) for p in (0.2, 0.6)
    ],
    read=_dropout_facts,
    mistakes=[
        Mistake(
            "left-on",
            lambda values, p, training: _dropout(values, p, True),
            "Le dropout reste actif en évaluation : l'argument training ne sert pas.",
        ),
        Mistake(
            "scaled-at-test",
            lambda values, p, training: _dropout(values, p, training, factor=1.0, at_test=1 - p),
            "C'est la version de l'article, qui corrige en évaluation : on demande celle de "
            "PyTorch, qui corrige pendant l'apprentissage.",
        ),
        Mistake(
            "scaled-by-p",
            lambda values, p, training: _dropout(values, p, training, factor=1.0, at_test=p),
            "En évaluation, rien ne change avec PyTorch. Et p est la part des neurones éteints : "
            "est-ce elle qui compte ?",
        ),
        Mistake(
            "keeps-p",
            lambda values, p, training: _dropout(
                values, p, training, share=1 - p, factor=1 / p if p else 0.0
            ),
            "p est la probabilité d'éteindre, pas celle de garder.",
        ),
        Mistake(
            "never",
            lambda values, p, training: values,
            "Aucune valeur n'est éteinte en apprentissage.",
        ),
        Mistake(
            "same-for-batch",
            lambda values, p, training: _dropout(values, p, training, mask_shape=values.shape[1:]),
            "Un masque sert pour tout le lot : chaque exemple a le sien.",
        ),
        Mistake(
            "whole-rows",
            lambda values, p, training: _dropout(values, p, training, mask_shape=(len(values), 1)),
            "Un seul tirage par image : il en faut un par valeur.",
        ),
        Mistake(
            "no-scale",
            lambda values, p, training: _dropout(values, p, training, factor=1.0),
            "Les valeurs gardées ne sont pas agrandies : la moyenne de la sortie a baissé, alors "
            "que rien ne corrigera en évaluation.",
        ),
        Mistake(
            "divided-by-p",
            lambda values, p, training: _dropout(values, p, training, factor=1 / p),
            "La division est faite par la part éteinte : par quoi faut-il diviser pour retrouver "
            "la même moyenne ?",
        ),
        Mistake(
            "multiplied",
            lambda values, p, training: _dropout(values, p, training, factor=1 - p),
            "La correction est à l'envers : il faut retrouver la moyenne d'avant, qui a baissé.",
        ),
    ],
)


def _classifier() -> nn.Sequential:
    with torch.device("meta"):  # only the settings are used: no memory, and nothing is drawn
        return nn.Sequential(
            *[nn.Flatten(), nn.Linear(64 * 4 * 4, 1000), nn.ReLU()],
            *[nn.Dropout(0.5), nn.Linear(1000, CLASSES)],
        )


def _known(*names: str) -> list[Mistake]:
    return [mistake for mistake in NETWORK_MISTAKES if mistake.name in names]


def _dropout_first(stage: Stage) -> list[Stage]:
    return [[nn.Dropout(0.5), *stage]]


classifier = NetworkCheck(
    "Les couches denses, avec un dropout entre fc4 et fc5 (question 29).",
    answer=[_classifier()],
    image_shape=(64, 4, 4),
    mistakes=[
        Mistake(
            "dropout-late",
            None,
            "Le dropout est après fc5 : il éteint des scores de classes. Sa place est plus haut.",
        ),
        Mistake(
            "before-fc4",
            _dropout_first,
            "Le dropout est avant fc4 : l'énoncé le place entre les deux couches denses.",
        ),
        Mistake(
            "no-dropout",
            without(nn.Dropout),
            "Il manque le dropout : pendant l'apprentissage, aucun neurone n'est éteint.",
        ),
        Mistake(
            "rate",
            instead(nn.Dropout, *[nn.Dropout(rate / 100) for rate in (10, 20, 25, 30, 40, 60, 75)]),
            "La probabilité du dropout n'est pas celle de l'énoncé.",
        ),
        Mistake(
            "left-on",
            None,
            "Le dropout reste actif en évaluation : F.dropout ne sait pas dans quel mode est le "
            "réseau, contrairement à nn.Dropout.",
        ),
        *_known("softmax", "final-activation", "no-activation", "no-flatten", "inputs", "units"),
        *_known("classes", "missing-layer", "extra-layer"),
    ],
)

# Batch normalisation (question 34)


def _normalised(maps, mean, variance, gamma, beta, eps, root=torch.sqrt) -> Tensor:
    scale = _channels(gamma) / root(_channels(variance) + eps)
    return scale * (maps - _channels(mean)) + _channels(beta)


def _maps_to_normalise(rng: np.random.Generator) -> tuple:
    """Square maps in as many channels: a wrong axis runs."""
    vectors = (_normal(rng, 4), 0.05 + _uniform(rng, 4), 1 + _uniform(rng, 4), _normal(rng, 4))
    return (_normal(rng, 3, 4, 4, 4), *vectors, 0.02)


def _last_axis(maps, mean, variance, gamma, beta, eps) -> Tensor:
    return gamma * (maps - mean) / (variance + eps).sqrt() + beta


normalise_maps = FunctionCheck(
    "La formule de la normalisation par lot, sur des cartes (N, C, H, W) (question 34).",
    answer=lambda maps, mean, variance, gamma, beta, eps: _normalised(
        maps, mean, variance, gamma, beta, eps
    ),
    tolerance=1e-3,
    tries=lambda rng: [
        (
            torch.tensor([1.0, 5.0]).view(2, 1, 1, 1),
            *[torch.tensor([value]) for value in (3.0, 3.0, 2.0, 1.0)],
            1.0,
        ),
        _maps_to_normalise(rng),
        _maps_to_normalise(rng),
    ],
    mistakes=[
        Mistake(
            "no-root",
            lambda *inputs: _normalised(*inputs, root=lambda values: values),
            "La racine carrée est oubliée : c'est par un écart-type que l'on divise.",
        ),
        Mistake(
            "eps-forgotten",
            lambda maps, mean, variance, gamma, beta, eps: _normalised(
                maps, mean, variance, gamma, beta, 0.0
            ),
            "eps est oublié : il protège d'une variance nulle.",
        ),
        Mistake(
            "eps-outside",
            lambda maps, mean, variance, gamma, beta, eps: _normalised(
                maps, mean, variance, gamma, beta, 0.0, root=lambda values: values.sqrt() + eps
            ),
            "eps s'ajoute à la variance, sous la racine.",
        ),
        Mistake(
            "not-learnt",
            lambda maps, mean, variance, gamma, beta, eps: _normalised(
                maps, mean, variance, torch.ones_like(gamma), torch.zeros_like(beta), eps
            ),
            "gamma et beta ne servent pas : ils rendent au réseau l'échelle et le décalage.",
        ),
        Mistake(
            "swapped",
            lambda maps, mean, variance, gamma, beta, eps: _normalised(
                maps, mean, variance, beta, gamma, eps
            ),
            "gamma et beta sont échangés : l'un multiplie, l'autre s'ajoute.",
        ),
        Mistake(
            "last-axis",
            _last_axis,
            "Les vecteurs sont alignés sur la largeur, le dernier axe : ils ont une valeur par "
            "canal. Donnez-leur la forme (1, C, 1, 1).",
        ),
        Mistake(
            "batch-again",
            lambda maps, mean, variance, gamma, beta, eps: _normalised(
                maps, maps.mean(PIXELS), maps.var(PIXELS, correction=0), gamma, beta, eps
            ),
            "La moyenne et la variance sont recalculées sur le lot : prenez celles reçues.",
        ),
    ],
)


def _mean_and_variance(maps: Tensor, correction: int = 0, axes: tuple = PIXELS) -> list[Tensor]:
    return [maps.mean(axes), maps.var(axes, correction=correction)]


batch_statistics = FunctionCheck(
    "Moyenne et variance de chaque canal d'un lot de cartes (N, C, H, W), pour normaliser.",
    answer=lambda maps: torch.stack(_mean_and_variance(maps)),
    tries=lambda rng: [
        (torch.tensor([1.0, 2.0, 3.0, 6.0]).view(2, 1, 1, 2),),
        (_normal(rng, 3, 4, 2, 2) * _uniform(rng, 3, 1, 1, 1) + _normal(rng, 3, 1, 1, 1),),
    ],
    mistakes=[
        Mistake(
            "unbiased",
            lambda maps: torch.stack(_mean_and_variance(maps, correction=1)),
            "La variance est divisée par n - 1 (correction=1, le réglage de PyTorch) : pour "
            "normaliser le lot, on divise par n.",
        ),
        Mistake(
            "deviation",
            lambda maps: torch.stack([maps.mean(PIXELS), maps.std(PIXELS, correction=0)]),
            "C'est l'écart-type : la racine viendra dans la formule.",
        ),
        Mistake(
            "per-image",
            lambda maps: torch.stack(_mean_and_variance(maps, axes=(2, 3))),
            "Il y a une valeur par image : tout le lot compte ensemble.",
        ),
        Mistake(
            "by-place",
            lambda maps: torch.stack(_mean_and_variance(maps, axes=(0,))),
            "Il y a une valeur par place dans la carte : une convolution applique le même filtre "
            "partout, un canal n'a qu'une moyenne et qu'une variance.",
        ),
        Mistake(
            "all-channels",
            lambda maps: torch.stack([maps.mean(), maps.var(correction=0)]),
            "Les canaux sont mélangés : chacun a sa moyenne et sa variance.",
        ),
        Mistake(
            "mean-of-images",
            lambda maps: torch.stack([maps.mean(PIXELS), maps.var((2, 3), correction=0).mean(0)]),
            "C'est la moyenne des variances de chaque image : les écarts entre images manquent.",
        ),
    ],
)


def _running(maps, running_mean, running_variance, momentum, correction: int = 1) -> Tensor:
    old = torch.stack([running_mean, running_variance])
    return (1 - momentum) * old + momentum * torch.stack(_mean_and_variance(maps, correction))


update_running = FunctionCheck(
    "Moyenne et variance courantes d'une normalisation par lot, mises à jour : un couple.",
    answer=lambda maps, running_mean, running_variance, momentum: _running(
        maps, running_mean, running_variance, momentum
    ),
    tries=lambda rng: [
        (
            torch.tensor([1.0, 2.0, 3.0, 6.0]).view(2, 1, 1, 2),
            *[torch.tensor([0.0]), torch.tensor([1.0]), 0.1],
        ),
        (_normal(rng, 3, 4, 2, 2), _normal(rng, 4), 1 + _uniform(rng, 4), 0.3),
    ],
    mistakes=[
        Mistake(
            "biased",
            lambda maps, mean, variance, m: _running(maps, mean, variance, m, correction=0),
            "La variance du lot est divisée par n : pour la variance courante, qui estime celle "
            "de toutes les images, PyTorch divise par n - 1.",
        ),
        Mistake(
            "reversed",
            lambda maps, mean, variance, m: _running(maps, mean, variance, 1 - m),
            "Le poids du lot et celui du passé sont échangés : relisez la formule, où le lot pèse "
            "peu.",
        ),
        Mistake(
            "replaced",
            lambda maps, mean, variance, m: _running(maps, mean, variance, 1),
            "Le passé est oublié : un seul lot décide de tout.",
        ),
        Mistake(
            "unchanged",
            lambda maps, mean, variance, m: torch.stack([mean, variance]),
            "Rien n'est mis à jour : le lot doit compter.",
        ),
        Mistake(
            "added",
            lambda maps, mean, variance, m: (
                torch.stack([mean, variance]) + m * torch.stack(_mean_and_variance(maps, 1))
            ),
            "Le passé garde tout son poids : la somme des deux poids doit valoir 1.",
        ),
    ],
)


def _stage(inputs: int, filters: int, ceil_mode: bool = False) -> list[nn.Module]:
    pooling = nn.MaxPool2d(2, ceil_mode=ceil_mode)
    convolution = nn.Conv2d(inputs, filters, 5, padding=2)
    return [convolution, nn.BatchNorm2d(filters), nn.ReLU(), pooling]


def _features() -> nn.Sequential:
    with torch.device("meta"):
        return nn.Sequential(*_stage(3, 32), *_stage(32, 64), *_stage(64, 64, ceil_mode=True))


def _late_normalisation(*before: nn.Module) -> Callable:
    def edit(stage: Stage) -> list[Stage]:
        late = stage and isinstance(stage[-1], nn.BatchNorm2d)
        return [[layer, *stage] for layer in before] if late else []

    return edit


features = NetworkCheck(
    "Les trois convolutions, chacune suivie d'une normalisation par lot (question 34).",
    answer=[_features()],
    image_shape=(3, 28, 28),
    mistakes=[
        Mistake(
            "after-activation",
            _late_normalisation(nn.ReLU(), nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))),
            "La normalisation vient après l'activation : l'énoncé la place juste après la "
            "convolution.",
        ),
        Mistake(
            "after-pooling",
            _late_normalisation(nn.MaxPool2d(2)),
            "La normalisation vient après le pooling : l'énoncé la place juste après la "
            "convolution.",
        ),
        Mistake(
            "shared",
            None,
            "Une même normalisation sert deux fois : ses statistiques mélangeraient deux couches. "
            "Créez-en une par convolution.",
        ),
        Mistake(
            "dimensions",
            None,
            "Cette normalisation est celle des vecteurs : les cartes ont une hauteur et une "
            "largeur.",
        ),
        Mistake(
            "no-ceil",
            instead(nn.MaxPool2d, nn.MaxPool2d(2)),
            "Le dernier pooling arrondit vers le bas : relisez la question sur ceil_mode.",
        ),
        *_known("no-padding", "padding", "stride", "no-activation", "no-pooling", "average"),
        Mistake(
            "channels",
            None,
            "Une normalisation a autant de canaux que la convolution qui la précède.",
        ),
        *_known("inputs", "filters", "kernel", "missing-layer", "extra-layer"),
    ],
)
