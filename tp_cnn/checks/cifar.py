"""Checks of notebook 04: the lab sheet's network for CIFAR-10, and the bag of visual words.

Source: lab sheet, questions 8 to 18. In the mistakes of the bag of words, K is the number of words.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from tp_cnn.checks.engine.formulas import Formula, of_convolution, of_dense, of_maps
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake, ValueCheck
from tp_cnn.checks.engine.loops import TrainingStepCheck
from tp_cnn.checks.engine.network_mistakes import ACTIVATIONS, NETWORK_MISTAKES, instead
from tp_cnn.checks.engine.networks import NetworkCheck
from tp_cnn.checks.engine.tables import TableCheck

CLASSES = 10
IMAGES = 50_000  # of the train set
CONV1, CONV2, CONV3 = 32 * (5 * 5 * 3 + 1), 64 * (5 * 5 * 32 + 1), 64 * (5 * 5 * 64 + 1)
FC4, FC5 = 1000 * (64 * 4 * 4 + 1), CLASSES * (1000 + 1)
TOTAL = CONV1 + CONV2 + CONV3 + FC4 + FC5
BIASES = 32 + 64 + 64 + 1000 + CLASSES

NO_BIAS = "Le biais est oublié : il y en a un par filtre, ou par neurone."
DEPTH = "La profondeur est oubliée : un filtre lit tous les canaux de son entrée."
ONE_CLASS = "C'est le compte d'une seule classe : il y a un séparateur par classe."

# Sizes (questions 8 and 9)

padding_stride = ValueCheck(
    "Padding et stride des convolutions 5 × 5 qui gardent la taille (question 8) : deux nombres.",
    answer=[2, 1],
    mistakes=[
        Mistake("no-padding", [0, 1], "Sans padding, le filtre rogne les bords de l'image."),
        Mistake("total", [4, 1], "C'est le total des deux bords : le padding se donne par côté."),
        Mistake(
            "small", [1, 1], "Ce padding convient à un filtre 3 × 3 : celui-ci est plus grand."
        ),
        Mistake("swapped", [1, 2], "L'ordre est : le padding, puis le stride."),
        Mistake("stride", [2, 2], "Avec ce stride, la fenêtre saute une position sur deux."),
    ],
)

pooling_settings = ValueCheck(
    "Padding et stride des max-poolings 2 × 2 qui divisent la taille par deux (question 9).",
    answer=[0, 2],
    mistakes=[
        Mistake(
            "overlap", [0, 1], "Avec ce stride, les fenêtres se chevauchent : la taille reste."
        ),
        Mistake("swapped", [2, 0], "L'ordre est : le padding, puis le stride."),
        Mistake("padding", [1, 2], "Avec ce padding, il sort une ligne et une colonne de trop."),
        Mistake("quarter", [0, 4], "Avec ce stride, la taille est divisée par quatre."),
    ],
)

# Sizes and weights (questions 10 and 11)

layer_table = TableCheck(
    "Sortie (canaux, hauteur, largeur) et nombre de poids de chaque couche (question 10).",
    columns=["taille de sortie", "nombre de poids"],
    parts=[("le nombre de canaux", "la hauteur", "la largeur"), ()],
    formulas={
        "conv1": [None, of_convolution(32, 5, 3)],
        "conv2": [None, of_convolution(64, 5, 32)],
        "conv3": [None, of_convolution(64, 5, 64)],
        "fc4": [None, of_maps(1000, 64, 4)],
        "fc5": [None, of_dense(CLASSES, 1000)],
    },
    answer={
        "conv1": ((32, 32, 32), CONV1),
        "pool1": ((32, 16, 16), 0),
        "conv2": ((64, 16, 16), CONV2),
        "pool2": ((64, 8, 8), 0),
        "conv3": ((64, 8, 8), CONV3),
        "pool3": ((64, 4, 4), 0),
        "fc4": (1000, FC4),
        "fc5": (CLASSES, FC5),
    },
    mistakes=[
        Mistake(
            "no-bias",
            {
                "conv1": (None, CONV1 - 32),
                "conv2": (None, CONV2 - 64),
                "conv3": (None, CONV3 - 64),
                "fc4": (None, FC4 - 1000),
                "fc5": (None, FC5 - CLASSES),
            },
            NO_BIAS,
        ),
        Mistake(
            "depth",
            {
                "conv1": (None, 32 * 26),
                "conv2": (None, 64 * 26),
                "conv3": (None, 64 * 26),
                "fc4": (None, [1000 * (4 * 4 + 1), 1000 * (64 + 1)]),
            },
            "La profondeur est oubliée : cette couche lit toutes les valeurs de tous les canaux.",
        ),
        Mistake(
            "one-filter",
            {
                "conv1": (None, CONV1 // 32),
                "conv2": (None, CONV2 // 64),
                "conv3": (None, CONV3 // 64),
                "fc4": (None, FC4 // 1000),
                "fc5": (None, FC5 // CLASSES),
            },
            "C'est le compte d'un seul filtre, ou d'un seul neurone : la couche en a plusieurs.",
        ),
        Mistake(
            "pooling-weights",
            {"pool1": (None, ...), "pool2": (None, ...), "pool3": (None, ...)},
            "Un pooling prend un maximum : qu'a-t-il à apprendre ?",
        ),
        Mistake(
            "last-pooling",
            {"fc4": (None, 1000 * (64 * 8 * 8 + 1))},
            "Le dernier pooling est oublié : combien de valeurs fc4 reçoit-elle ?",
        ),
        Mistake(
            "padding-forgotten",
            {
                "conv1": ((32, 28, 28), None),
                "pool1": ((32, 14, 14), None),
                "conv2": ([(64, 10, 10), (64, 12, 12)], None),
                "pool2": ([(64, 5, 5), (64, 6, 6)], None),
                "conv3": ([(64, 1, 1), (64, 4, 4)], None),
                "pool3": ((64, 2, 2), None),
            },
            "Le padding est oublié : ces convolutions gardent la hauteur et la largeur.",
        ),
        Mistake(
            "not-halved",
            {
                "pool1": ((32, 32, 32), None),
                "conv2": ((64, 32, 32), None),
                "pool2": ([(64, 16, 16), (64, 32, 32)], None),
                "conv3": ((64, 16, 16), None),
                "pool3": ((64, 8, 8), None),
            },
            "Un pooling divise la hauteur et la largeur par deux.",
        ),
        Mistake(
            "input-channels",
            {
                "conv1": ((3, 32, 32), None),
                "pool1": ((3, 16, 16), None),
                "conv2": ((32, 16, 16), None),
                "pool2": ((32, 8, 8), None),
            },
            "Une convolution donne une carte par filtre, quel que soit son nombre d'entrées.",
        ),
        Mistake(
            "channels-last",
            {
                "pool1": ((16, 16, 32), None),
                "conv2": ((16, 16, 64), None),
                "pool2": ((8, 8, 64), None),
                "conv3": ((8, 8, 64), None),
                "pool3": ((4, 4, 64), None),
            },
            "PyTorch met les canaux d'abord : (canaux, hauteur, largeur).",
        ),
        Mistake(
            "dense-input",
            {"fc4": (64 * 4 * 4, None), "fc5": (1000, None)},
            "C'est ce que la couche reçoit : on demande ce qu'elle donne.",
        ),
        Mistake(
            "maps-read",
            {"conv2": (None, 64 * (5 * 5 * 3 + 1)), "conv3": (None, 64 * (5 * 5 * 32 + 1))},
            "Une convolution lit toutes les cartes de la précédente : combien y en a-t-il ici ?",
        ),
    ],
)

total_weights = ValueCheck(
    "Nombre total de poids du réseau, biais compris (question 11).",
    answer=TOTAL,
    mistakes=[
        Mistake("no-bias", TOTAL - BIASES, NO_BIAS),
        Mistake("depth", 32 * 26 + 64 * 26 + 64 * 26 + FC4 + FC5, DEPTH),
        Mistake(
            "convolutions-only",
            CONV1 + CONV2 + CONV3,
            "Seules les convolutions sont comptées : les couches denses ont aussi des poids.",
        ),
        Mistake(
            "dense-only",
            FC4 + FC5,
            "Seules les couches denses sont comptées : les convolutions ont aussi des poids.",
        ),
        Mistake(
            "last-pooling",
            TOTAL - FC4 + 1000 * (64 * 8 * 8 + 1),
            "Le dernier pooling est oublié : combien de valeurs fc4 reçoit-elle ?",
        ),
    ],
)

weights_per_image = ValueCheck(
    "Nombre de poids par image d'apprentissage de CIFAR-10 (question 11).",
    answer=TOTAL / IMAGES,
    formula=Formula(
        f"{TOTAL} / {IMAGES}",
        {str(TOTAL): "le nombre de poids", str(IMAGES): "le nombre d'images"},
    ),
    tolerance=0.2,
    mistakes=[
        Mistake(
            "inverse",
            IMAGES / TOTAL,
            "C'est le nombre d'images par poids : la division est à l'envers.",
        ),
        Mistake(
            "test-set",
            TOTAL / 10_000,
            "La division est faite par le nombre d'images de test : on n'apprend pas d'elles.",
        ),
        Mistake(
            "all-images",
            TOTAL / 60_000,
            "Les images de test sont comptées aussi : on n'apprend pas d'elles.",
        ),
    ],
)

# The bag of visual words (question 12)


def _nearest(patches: Tensor, vocabulary: Tensor) -> Tensor:
    """The index of the word closest to each patch: (n, d) and (K, d) give (n,)."""
    return torch.cdist(patches, vocabulary).argmin(1)


def _shares(indices: Tensor, words: int) -> Tensor:
    return torch.bincount(indices, minlength=words) / len(indices)


def _norms(histogram: Tensor) -> Tensor:
    return histogram / histogram.norm()


def _normal(rng: np.random.Generator, *shape: int) -> Tensor:
    return torch.tensor(rng.normal(size=shape), dtype=torch.float32)


def _patches(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Patches around every word but the last one, unevenly; words of unequal lengths."""
    vocabulary = 3 * _normal(rng, 6, 12) * torch.linspace(1, 2, 6)[:, None]
    chosen = torch.tensor([0, 0, 0, 0, 1, 2, 2, 3, 4, 4, 4])
    return vocabulary[chosen] + 0.1 * _normal(rng, len(chosen), 12), vocabulary


bow_histogram = FunctionCheck(
    "Part des morceaux (n, d) dont chaque mot (K, d) est le plus proche : K valeurs.",
    answer=lambda patches, vocabulary: _shares(_nearest(patches, vocabulary), len(vocabulary)),
    tries=lambda rng: [
        (
            torch.tensor([[1.0, 0], [4, 4], [0, 1], [0, 0]]),
            torch.tensor([[0.0, 0], [5, 5], [-9, 9]]),
        ),
        (torch.tensor([[0.0, 0], [3, 2], [0, 4]]), torch.tensor([[3.0, 3], [0, 5]])),
        (torch.tensor([[0.0, 0], [3, 3], [1, 5]]), torch.tensor([[3.0, 3], [0, 4]])),
        _patches(rng),
        _patches(rng),
    ],
    mistakes=[
        Mistake(
            "counts",
            lambda x, v: torch.bincount(_nearest(x, v), minlength=len(v)),
            "Ce sont des nombres de morceaux : on demande des parts, de somme 1.",
        ),
        Mistake(
            "absent-words",
            lambda x, v: _shares(_nearest(x, v), 0),
            "Les derniers mots, s'ils sont absents de l'image, n'ont pas de case : il en faut une "
            "par mot, même vide.",
        ),
        Mistake(
            "farthest",
            lambda x, v: _shares(torch.cdist(x, v).argmax(1), len(v)),
            "C'est le mot le plus éloigné qui est compté.",
        ),
        Mistake(
            "manhattan",
            lambda x, v: _shares(torch.cdist(x, v, p=1).argmin(1), len(v)),
            "C'est la somme des écarts en valeur absolue : on demande la distance euclidienne.",
        ),
        Mistake(
            "largest-gap",
            lambda x, v: _shares(torch.cdist(x, v, p=torch.inf).argmin(1), len(v)),
            "Seul le plus grand des écarts est compté : on demande la distance euclidienne.",
        ),
        Mistake(
            "product",
            lambda x, v: _shares((x @ v.T).argmax(1), len(v)),
            "Le plus grand produit scalaire ne désigne pas le mot le plus proche : il favorise les "
            "mots les plus contrastés.",
        ),
        Mistake(
            "presence",
            lambda x, v: (_shares(_nearest(x, v), len(v)) > 0).float(),
            "C'est la présence de chaque mot : on demande sa part.",
        ),
        Mistake(
            "by-words",
            lambda x, v: torch.bincount(_nearest(x, v), minlength=len(v)) / len(v),
            "La division est faite par le nombre de mots : combien y a-t-il de morceaux ?",
        ),
        Mistake(
            "norm",
            lambda x, v: _norms(_shares(_nearest(x, v), len(v))),
            "C'est la norme de l'histogramme qui vaut 1 : il faut que ce soit sa somme.",
        ),
        Mistake(
            "assignments",
            lambda x, v: _nearest(x, v),
            "C'est le mot de chaque morceau : il reste à compter chaque mot.",
        ),
    ],
)


def _numbers(rng: np.random.Generator, *limits: tuple[int, int]) -> list[tuple[int, ...]]:
    """Four tuples of random integers, each between its limits."""
    return [tuple(int(rng.integers(*limit)) for limit in limits) for _ in range(4)]


bow_svm_weights = FunctionCheck(
    "Poids d'un SVM linéaire sur des histogrammes, un séparateur par classe, biais compris.",
    answer=lambda words, classes: (words + 1) * classes,
    formulas=[Formula("(words + 1) * classes", {"1": "le biais"})],
    tries=lambda rng: [(4, 3), (1000, 10), *_numbers(rng, (50, 2000), (4, 30))],
    mistakes=[
        Mistake("no-bias", lambda k, c: k * c, "Le biais est oublié : il y en a un par classe."),
        Mistake("one-class", lambda k, c: k + 1, ONE_CLASS),
        Mistake("one-class-no-bias", lambda k, c: k, f"{ONE_CLASS} Et le biais est oublié."),
        Mistake(
            "one-bias",
            lambda k, c: k * c + 1,
            "Un seul biais pour toutes les classes : chacune a le sien.",
        ),
        Mistake(
            "pairs",
            lambda k, c: (k + 1) * c * (c - 1) // 2,
            "C'est un séparateur par paire de classes : ici, il y en a un par classe.",
        ),
        Mistake(
            "swapped",
            lambda k, c: k * (c + 1),
            "Le biais est ajouté du mauvais côté : un par classe, et non un par mot.",
        ),
    ],
)

bow_vocabulary_weights = FunctionCheck(
    "Nombres à apprendre pour un vocabulaire de morceaux carrés.",
    answer=lambda words, side, channels: words * side**2 * channels,
    formulas=[Formula("words * side * side * channels")],
    tries=lambda rng: [(2, 3, 1), (1000, 6, 3), *_numbers(rng, (50, 2000), (3, 9), (2, 5))],
    mistakes=[
        Mistake("channels", lambda k, s, c: k * s**2, "Les canaux sont oubliés."),
        Mistake(
            "side",
            lambda k, s, c: k * s * c,
            "Un morceau est un carré : il est donné par la longueur de son côté.",
        ),
        Mistake(
            "one-word",
            lambda k, s, c: s**2 * c,
            "C'est la taille d'un seul mot : le vocabulaire en a plusieurs.",
        ),
        Mistake(
            "bias",
            lambda k, s, c: k * (s**2 * c + 1),
            "Un mot n'a pas de biais : c'est un morceau d'image, rien de plus.",
        ),
        Mistake(
            "words", lambda k, s, c: k, "C'est le nombre de mots : chacun a plusieurs valeurs."
        ),
    ],
)

# The network and a training step (questions 13 and 15)


def _cifarnet() -> nn.Sequential:
    with torch.device("meta"):  # only the settings are used: no memory, and nothing is drawn
        return nn.Sequential(
            nn.Conv2d(3, 32, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 4 * 4, 1000),
            nn.ReLU(),
            nn.Linear(1000, CLASSES),
        )


cifarnet = NetworkCheck(
    "Le réseau pour CIFAR-10, ou une fonction sans argument qui en construit un (question 15).",
    answer=[_cifarnet()],
    image_shape=(3, 32, 32),
    mistakes=[
        Mistake(
            "lenet",
            [6, 16, 120, 84, CLASSES],
            "C'est encore LeNet-5 : changez de réseau, pas seulement de données.",
        ),
        *NETWORK_MISTAKES,
        Mistake(
            "tanh",
            instead(ACTIVATIONS, nn.Tanh()),
            "L'activation est une tangente hyperbolique : ce n'est pas celle de l'énoncé.",
        ),
    ],
)


def _step(
    *actions: str,
    scores: Callable = lambda outputs: outputs,
    training: bool = True,
    result: Callable = Tensor.item,
    own_criterion: Callable | None = None,
) -> Callable:
    """A training step that does ``actions`` ("zero", "backward", "step") in this order."""

    def step(model, images, labels, criterion, optimizer):
        model.train(training)
        loss = (own_criterion or criterion)(scores(model(images)), labels)
        does = {"zero": optimizer.zero_grad, "backward": loss.backward, "step": optimizer.step}
        for action in actions:
            does[action]()
        return result(loss)

    return step


def _cost_after(model, images, labels, criterion, optimizer) -> float:
    training_step.answer(model, images, labels, criterion, optimizer)
    with torch.no_grad():
        return criterion(model(images), labels).item()


training_step = TrainingStepCheck(
    "Un pas d'apprentissage : corrige les poids du réseau sur un lot, et renvoie son coût.",
    answer=_step("zero", "backward", "step"),
    mistakes=[
        Mistake(
            "no-zero-grad",
            _step("backward", "step"),
            "Il manque optimizer.zero_grad(), parenthèses comprises : les gradients des lots "
            "précédents s'ajoutent.",
        ),
        Mistake(
            "zero-grad-late",
            _step("backward", "zero", "step"),
            "Les gradients sont effacés entre backward et step : il n'en reste rien à appliquer.",
        ),
        Mistake(
            "step-first",
            _step("zero", "step", "backward"),
            "optimizer.step() vient avant loss.backward() : les gradients ne sont pas encore là.",
        ),
        Mistake(
            "no-backward",
            _step("zero", "step"),
            "Il manque loss.backward(), parenthèses comprises : sans lui, pas de gradients.",
        ),
        Mistake(
            "no-step",
            _step("zero", "backward"),
            "Il manque optimizer.step(), parenthèses comprises : les gradients sont calculés, mais "
            "pas appliqués.",
        ),
        Mistake("no-update", _step(), "Il manque loss.backward() et optimizer.step()."),
        Mistake(
            "twice",
            _step("zero", "backward", "step", "step"),
            "optimizer.step() est appelé deux fois : un seul pas par lot.",
        ),
        Mistake(
            "eval-mode",
            _step("zero", "backward", "step", training=False),
            "Le réseau est passé en mode eval() : on apprend en mode train().",
        ),
        Mistake(
            "softmax",
            _step("zero", "backward", "step", scores=lambda outputs: outputs.softmax(1)),
            "Un softmax de trop : l'entropie croisée l'applique déjà aux scores bruts.",
        ),
        Mistake(
            "own-criterion",
            _step("zero", "backward", "step", own_criterion=nn.CrossEntropyLoss()),
            "Le coût reçu, criterion, ne sert pas : appelez-le au lieu d'en créer un autre.",
        ),
        Mistake(
            "cost-after",
            _cost_after,
            "C'est le coût d'après la correction : on demande celui dont viennent les gradients.",
        ),
        Mistake(
            "graph",
            _step("zero", "backward", "step", result=lambda loss: loss),
            "Renvoyez un nombre, loss.item() : sinon le calcul de chaque lot reste en mémoire.",
        ),
    ],
)

# The first loss (question 17)

first_loss = FunctionCheck(
    "Coût (entropie croisée) d'un réseau qui donne la même probabilité à chaque classe.",
    answer=lambda classes: math.log(classes),
    tries=lambda rng: [(10,), (2,), (100,), *_numbers(rng, (3, 1000))],
    mistakes=[
        Mistake(
            "log10",
            lambda c: math.log10(c),
            "C'est le logarithme décimal : l'entropie croisée prend le logarithme naturel.",
        ),
        Mistake(
            "log2",
            lambda c: math.log2(c),
            "C'est le logarithme en base 2 : l'entropie croisée prend le logarithme naturel.",
        ),
        Mistake("probability", lambda c: 1 / c, "C'est la probabilité : quel est son coût ?"),
        Mistake(
            "sign", lambda c: math.log(1 / c), "Il manque un signe moins : un coût est positif."
        ),
        Mistake("error", lambda c: 1 - 1 / c, "C'est le taux d'erreur, et non l'entropie croisée."),
        Mistake("classes", lambda c: c, "C'est le nombre de classes : il manque le logarithme."),
        Mistake(
            "entropy-term",
            lambda c: math.log(c) / c,
            "Une seule classe compte, la bonne : il n'y a pas à multiplier par sa probabilité.",
        ),
    ],
)

# When to stop (question 18)


def _first_rise(losses: list[float]) -> int:
    """The last epoch before the loss goes up for the first time."""
    rises = (epoch for epoch in range(1, len(losses)) if losses[epoch] > losses[epoch - 1])
    return next(rises, len(losses))


def _patience(losses: list[float]) -> int:
    """The best epoch until two others have done no better than the best before them."""
    best = 1
    for epoch in range(2, len(losses) + 1):
        if losses[epoch - 1] < losses[best - 1]:
            best = epoch
        elif epoch == best + 2:
            break
    return best


def _losses(rng: np.random.Generator) -> list[float]:
    """Down with a bump on the way, then up."""
    down, up = 2.3 - 0.1 * np.arange(9), 1.6 + 0.15 * np.arange(6)
    losses = np.append(down, up) + rng.uniform(-0.03, 0.03, 15)
    losses[int(rng.integers(2, 6))] += 0.4
    return losses.tolist()


stopping_epoch = FunctionCheck(
    "Numéro, à partir de 1, de l'époque dont le coût de validation est le plus petit.",
    answer=lambda losses: 1 + int(np.argmin(losses)),
    tries=lambda rng: [
        ([2.3, 1.9, 2.0, 1.7, 1.8, 2.2],),
        ([1.5, 1.2, 0.9],),
        ([2.0, 1.5, 1.6, 1.7, 1.8, 1.2, 1.4],),
        (_losses(rng),),
        (_losses(rng),),
    ],
    mistakes=[
        Mistake(
            "index", lambda c: int(np.argmin(c)), "La première époque porte le numéro 1, et non 0."
        ),
        Mistake(
            "first-rise",
            _first_rise,
            "Une seule remontée ne suffit pas : le coût peut redescendre plus bas ensuite.",
        ),
        Mistake(
            "patience",
            _patience,
            "La recherche s'arrête après deux époques sans progrès : le coût peut redescendre plus "
            "bas ensuite.",
        ),
        Mistake(
            "largest",
            lambda c: 1 + int(np.argmax(c)),
            "C'est l'époque du plus grand coût : on cherche le plus petit.",
        ),
        Mistake("loss", lambda c: min(c), "C'est le coût lui-même : on demande son époque."),
        Mistake("last", lambda c: len(c), "C'est la dernière époque : le coût y est remonté."),
    ],
)
