"""Checks of notebook 03: LeNet-5, its weights, its evaluation, its errors.

Sources: lab sheet, questions 13 and 14; 000, question 1 (dense network of equal weights); 004,
table of the errors of LeNet-4 and LeNet-5 on the 10,000 test images of MNIST.

Functions receive tensors: images (N, 1, height, width), labels and predictions int64 (N,).
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tp_cnn.checks.engine.compare import show, to_array
from tp_cnn.checks.engine.formulas import Formula, of_convolution, of_dense
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake, ValueCheck, Verdict
from tp_cnn.checks.engine.loops import EvaluationCheck
from tp_cnn.checks.engine.network_mistakes import NETWORK_MISTAKES
from tp_cnn.checks.engine.networks import NetworkCheck
from tp_cnn.checks.engine.tables import TableCheck

CLASSES = 10
TESTS = 10_000

NO_BIAS = "Le biais est oublié : il y en a un par filtre, ou par neurone."
PERCENT = "C'est un pourcentage : on demande une part, entre 0 et 1."


def _lenet(activation: type[nn.Module]) -> nn.Sequential:
    with torch.device("meta"):  # only the settings are used: no memory, and nothing is drawn
        return nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2),
            activation(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            activation(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(400, 120),
            activation(),
            nn.Linear(120, 84),
            activation(),
            nn.Linear(84, CLASSES),
        )


LENET_WEIGHTS = sum(weights.numel() for weights in _lenet(nn.ReLU).parameters())

# The network

lenet5 = NetworkCheck(
    "LeNet-5 : un réseau, ou une fonction sans argument qui en construit un (question 13).",
    answer=[_lenet(nn.ReLU), _lenet(nn.Tanh)],
    image_shape=(1, 28, 28),
    mistakes=[
        Mistake(
            "swapped",
            [16, 6, 120, 84, CLASSES],
            "Les nombres de filtres des deux convolutions sont échangés.",
        ),
        *NETWORK_MISTAKES,
    ],
)

weights_by_layer = TableCheck(
    "Poids des cinq couches de LeNet-5, biais compris, dans l'ordre du réseau.",
    columns=["nombre de poids"],
    answer={
        "conv1": (6 * (5 * 5 * 1 + 1),),
        "conv2": (16 * (5 * 5 * 6 + 1),),
        "dense3": (120 * (16 * 5 * 5 + 1),),
        "dense4": (84 * (120 + 1),),
        "dense5": (10 * (84 + 1),),
    },
    formulas={
        "conv1": [of_convolution(6, 5, 1)],
        "conv2": [of_convolution(16, 5, 6)],
        "dense3": [of_dense(120, 400)],
        "dense4": [of_dense(84, 120)],
        "dense5": [of_dense(10, 84)],
    },
    mistakes=[
        Mistake(
            "no-bias",
            {
                "conv1": (6 * 25,),
                "conv2": (16 * 150,),
                "dense3": (120 * 400,),
                "dense4": (84 * 120,),
                "dense5": (10 * 84,),
            },
            NO_BIAS,
        ),
        Mistake(
            "one-bias",
            {
                "conv1": (6 * 25 + 1,),
                "conv2": (16 * 150 + 1,),
                "dense3": (120 * 400 + 1,),
                "dense4": (84 * 120 + 1,),
                "dense5": (10 * 84 + 1,),
            },
            "Un seul biais pour toute la couche : chaque filtre, ou neurone, a le sien.",
        ),
        Mistake(
            "depth",
            {"conv2": (16 * 26,), "dense3": (120 * 26,)},
            "La profondeur est oubliée : cette couche lit plusieurs cartes.",
        ),
        Mistake(
            "side",
            {"conv1": (6 * (5 + 1),), "conv2": (16 * (5 * 6 + 1),)},
            "Un filtre est un carré : 5 est la longueur de son côté.",
        ),
        Mistake(
            "one-filter",
            {"conv1": (26,), "conv2": (151,)},
            "C'est le compte d'un seul filtre : la couche en a plusieurs.",
        ),
        Mistake(
            "no-pooling",
            {"dense3": (120 * (16 * 10 * 10 + 1),)},
            "Le dernier pooling est oublié : quelle taille ont les cartes mises à plat ?",
        ),
        Mistake(
            "padding",
            {"dense3": (120 * (16 * 4 * 4 + 1),)},
            "Le padding de la première convolution est oublié : reprenez les tailles des cartes.",
        ),
        Mistake(
            "not-cropped",  # 16 maps of 7×7, or the pixels of the image
            {"dense3": (120 * (784 + 1),)},
            "Cela fait 784 valeurs lues, comme s'il n'y avait pas de convolution, ou si la "
            "deuxième ne rognait pas les bords : quelle taille ont les cartes mises à plat ?",
        ),
        Mistake(
            "outputs",
            {"dense3": (120,), "dense4": (84,), "dense5": (10,)},
            "C'est le nombre de neurones : chacun a un poids par entrée, et un biais.",
        ),
    ],
)


# Evaluation


def _correct(model, batches, axis: int = 1) -> list[int]:
    """The number of images well classified in each batch."""
    return [int((model(images).argmax(axis) == labels).sum()) for images, labels in batches]


def _measure(formula: Callable) -> Callable:
    """An evaluation in order, then ``formula(well classified, sizes)``, by batch."""

    @torch.no_grad()
    def evaluate(model, batches):
        model.eval()
        return formula(_correct(model, batches), [len(labels) for _, labels in batches])

    return evaluate


def _with_graph(model, batches) -> float:
    model.eval()
    return sum(_correct(model, batches)) / sum(len(labels) for _, labels in batches)


@torch.no_grad()
def _wrong_axis(model, batches) -> float:
    """It fails on batches that have not as many images as there are classes."""
    return sum(_correct(model.eval(), batches, axis=0)) / sum(len(labels) for _, labels in batches)


evaluation = EvaluationCheck(
    "Exactitude d'un réseau sur des lots : une part, entre 0 et 1.",
    answer=_measure(lambda correct, sizes: sum(correct) / sum(sizes)),
    mistakes=[
        Mistake(
            "train-mode",
            lambda model, batches: sum(_correct(model, batches)),
            "Il manque model.eval(), parenthèses comprises : en mode train(), un dropout coupe "
            "toujours des neurones.",
        ),
        Mistake(
            "axis",
            _wrong_axis,
            "Le maximum est pris sur le mauvais axe : pour chaque image, cherchez la meilleure "
            "classe.",
        ),
        Mistake(
            "values",
            _measure(lambda correct, sizes: 0),
            "Rien n'est compté juste : aux étiquettes se compare la position du meilleur score, "
            "et non sa valeur ; et une part se calcule avec /, pas //.",
        ),
        Mistake(
            "first-batch",
            _measure(lambda correct, sizes: correct[0] / sizes[0]),
            "Seul le premier lot est compté : return est-il dans la boucle ?",
        ),
        Mistake(
            "unweighted",
            _measure(lambda correct, sizes: np.divide(correct, sizes).mean()),
            "C'est la moyenne des lots : le dernier est plus petit, et chaque image doit compter "
            "autant.",
        ),
        Mistake(
            "last-batch",
            _measure(lambda correct, sizes: correct[-1] / sizes[-1]),
            "Seul le dernier lot est compté : additionnez au fil des lots.",
        ),
        Mistake(
            "full-batches",
            _measure(lambda correct, sizes: sum(correct) / (len(sizes) * sizes[0])),
            "Tous les lots sont comptés comme pleins : le dernier est plus petit.",
        ),
        Mistake(
            "percent", _measure(lambda correct, sizes: 100 * sum(correct) / sum(sizes)), PERCENT
        ),
        Mistake(
            "error",
            _measure(lambda correct, sizes: 1 - sum(correct) / sum(sizes)),
            "C'est le taux d'erreur : on demande la part des images bien classées.",
        ),
        Mistake(
            "count",
            _measure(lambda correct, sizes: sum(correct)),
            "C'est un nombre d'images : il reste à le diviser par celui des images vues.",
        ),
        Mistake(
            "by-batches",
            _measure(lambda correct, sizes: sum(correct) / len(sizes)),
            "La division est faite par le nombre de lots : combien y a-t-il d'images ?",
        ),
        Mistake(
            "graph",
            _with_graph,
            "Il manque with torch.no_grad() : sans lui, chaque calcul est retenu, pour rien.",
        ),
    ],
)

# The dense network of equal weights


class _WidthCheck(ValueCheck):
    """A number of neurons is whole, whatever the tolerance."""

    def judge(self, student: object, rng: np.random.Generator) -> Verdict:
        verdict = super().judge(student, rng)
        if not verdict.ok:
            return verdict
        if to_array(student).item() % 1 == 0:  # of (77,) too
            return Verdict("right", "à 1 % près, en nombre de poids.")
        pointers = [one.message for one in self.mistakes if one.name == "fraction"]
        return Verdict(
            "wrong", "\n  → ".join([f"vous obtenez {show(student)}.", *pointers]), "fraction"
        )


hidden_width = _WidthCheck(
    "Neurones cachés d'un réseau 784-h-10 qui a autant de poids que LeNet-5, à 1 % près.",
    answer=77.5,
    tolerance=0.5,
    formula=Formula(
        f"round(({LENET_WEIGHTS} - {CLASSES}) / (784 + 1 + {CLASSES}))",
        {
            str(LENET_WEIGHTS): "le nombre de poids de LeNet-5",
            str(CLASSES): "le nombre de classes",
            "784": "le nombre de pixels",
            "1": "le biais de chaque neurone caché",
        },
    ),
    mistakes=[
        Mistake(
            "no-output-layer",
            LENET_WEIGHTS / 784,
            "La couche de sortie est oubliée : elle a aussi des poids.",
        ),
        Mistake(
            "side",
            (LENET_WEIGHTS - CLASSES) / (28 + 1 + CLASSES),
            "28 est le côté de l'image : combien a-t-elle de pixels ?",
        ),
        Mistake(
            "outputs-only",
            (LENET_WEIGHTS - CLASSES) / CLASSES,
            "La couche cachée est oubliée : chaque neurone caché lit tous les pixels.",
        ),
        Mistake(
            "same-neurons",
            120 + 84,
            "C'est le nombre de neurones cachés de LeNet-5 : il faut comparer les poids.",
        ),
        Mistake("fraction", 77.6, "Un nombre de neurones est entier."),
    ],
)


def _shift(images: Tensor, right: int, down: int) -> Tensor:
    return functional.pad(images, (right, -right, down, -down))  # a negative padding crops


def _border(images: Tensor, right: int, down: int) -> Tensor:
    rows = (torch.arange(images.shape[2]) - down).clamp(0, images.shape[2] - 1)
    columns = (torch.arange(images.shape[3]) - right).clamp(0, images.shape[3] - 1)
    return images[:, :, rows][..., columns]


shift = FunctionCheck(
    "Images (N, 1, h, l) déplacées vers la droite et vers le bas ; des zéros entrent par le bord.",
    answer=_shift,
    tries=lambda rng: [
        (torch.arange(1.0, 10).reshape(1, 1, 3, 3), 1, 0),
        (torch.arange(1.0, 10).reshape(1, 1, 3, 3), 0, 1),
        (torch.arange(1.0, 10).reshape(1, 1, 3, 3), -1, -1),
        (torch.arange(1.0, 10).reshape(1, 1, 3, 3), 0, 0),
        *(
            (torch.tensor(rng.integers(1, 256, (2, 1, 28, 28)), dtype=torch.uint8), right, down)
            for right, down in [(3, -4), tuple(rng.choice([-4, -3, -2, 2, 3, 4], 2).tolist())]
        ),
        (torch.tensor(rng.integers(1, 256, (2, 1, 20, 28)), dtype=torch.uint8), -4, 4),
    ],
    mistakes=[
        Mistake(
            "wrapped",
            lambda x, right, down: x.roll((down, right), (2, 3)),
            "Ce qui sort d'un côté rentre de l'autre : il doit entrer des zéros.",
        ),
        Mistake(
            "axes",
            lambda x, right, down: _shift(x, down, right),
            "Les deux directions sont échangées : l'axe 2 est vertical, l'axe 3 horizontal.",
        ),
        Mistake(
            "opposite",
            lambda x, right, down: _shift(x, -right, -down),
            "L'image part du côté opposé.",
        ),
        Mistake(
            "upwards",
            lambda x, right, down: _shift(x, right, -down),
            "L'image monte au lieu de descendre : la ligne 0 est en haut.",
        ),
        Mistake("border", _border, "Le bord de l'image est recopié : il doit entrer des zéros."),
        Mistake(
            "no-negative",
            lambda x, right, down: _shift(x, max(right, 0), max(down, 0)),
            "Les décalages négatifs sont ignorés : ils vont vers la gauche ou vers le haut.",
        ),
        Mistake("unmoved", lambda x, right, down: x, "Les images n'ont pas bougé."),
    ],
)


# Errors

errors_on_test = ValueCheck(
    "Images de test mal classées à 0,95 % d'erreur, sur 10 000.",
    answer=95,
    formula=Formula(
        f"{TESTS} * 0.95 / 100",
        {str(TESTS): "le nombre d'images", "0.95": "le taux", "100": "la division par cent"},
    ),
    mistakes=[
        Mistake("right-ones", TESTS - 95, "Ce sont les images bien classées."),
        Mistake("share", 9500, "« Pour cent » veut dire « sur cent » : il manque une division."),
        Mistake("percent", 0.95, "C'est le taux : on demande un nombre d'images."),
        Mistake("divided", 0.0095, "C'est le taux : on demande un nombre d'images."),
        Mistake("train-set", 570, "C'est le compte sur 60 000 images : on compte sur le test."),
    ],
)

lenet_gap = ValueCheck(
    "Erreurs que LeNet-5 (0,95 %) fait en moins que LeNet-4 (1,10 %), sur 10 000 images.",
    answer=15,
    formula=Formula(
        f"{TESTS} * 1.1 / 100 - 95",
        {
            str(TESTS): "le nombre d'images",
            "1.1": "le taux de LeNet-4",
            "100": "la division par cent",
            "95": "les erreurs de LeNet-5",
        },
    ),
    mistakes=[
        Mistake("points", 0.15, "C'est un écart de taux, en points : on demande des images."),
        Mistake("share", 1500, "« Pour cent » veut dire « sur cent » : il manque une division."),
        Mistake("sign", -15, "C'est l'écart dans l'autre sens : combien d'erreurs en moins ?"),
        Mistake("total", 205, "C'est la somme des erreurs : on demande leur différence."),
        Mistake("lenet4", 110, "Ce sont les erreurs de LeNet-4 : il reste une soustraction."),
        Mistake("lenet5", 95, "Ce sont les erreurs de LeNet-5 : on demande un écart."),
    ],
)


def _labels(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Labels and predictions of 41 images, at least a quarter of them right, others wrong.

    Of a prime number of images, no share has two decimals.
    """
    labels = torch.tensor(rng.integers(0, CLASSES, 41))
    predictions = torch.tensor(rng.integers(0, CLASSES, 41))
    predictions[:13] = labels[:13]
    predictions[-4:] = (labels[-4:] + 1) % CLASSES
    return labels, predictions


confusion_rate = FunctionCheck(
    "Taux d'erreur : la part des images mal classées, entre 0 et 1.",
    answer=lambda labels, predictions: (labels != predictions).double().mean(),
    formulas=[
        Formula(
            "errors / images",
            {"errors": "le nombre d'erreurs", "images": "le nombre d'images"},
            lambda labels, predictions: {
                "errors": int((labels != predictions).sum()),
                "images": len(labels),
            },
        )
    ],
    tries=lambda rng: [
        (torch.tensor([3, 1, 4, 1, 5]), torch.tensor([3, 7, 4, 1, 5])),
        (torch.tensor([2, 0]), torch.tensor([2, 0])),
        _labels(rng),
    ],
    mistakes=[
        Mistake(
            "accuracy",
            lambda labels, predictions: (labels == predictions).double().mean(),
            "C'est la part des images bien classées : on demande celle des erreurs.",
        ),
        Mistake(
            "percent",
            lambda labels, predictions: 100 * (labels != predictions).double().mean(),
            PERCENT,
        ),
        Mistake(
            "count",
            lambda labels, predictions: (labels != predictions).sum(),
            "C'est le nombre d'erreurs : il reste à le diviser par celui des images.",
        ),
        Mistake(
            "distance",
            lambda labels, predictions: (labels - predictions).abs().double().mean(),
            "C'est l'écart entre les numéros des classes : prendre un 1 pour un 7 est une erreur, "
            "pas six.",
        ),
        Mistake(
            "classes",
            lambda labels, predictions: (labels != predictions).sum() / CLASSES,
            "Le nombre d'erreurs est divisé par celui des classes : combien y a-t-il d'images ?",
        ),
    ],
)


def _counts(labels: Tensor, predictions: Tensor) -> Tensor:
    """The confusion matrix (true class, predicted class)."""
    pairs = labels * CLASSES + predictions
    return torch.bincount(pairs, minlength=CLASSES**2).reshape(CLASSES, CLASSES)


def _most(counts: Tensor, diagonal: bool = False) -> tuple[int, int]:
    counts = counts if diagonal else counts - counts.diag().diag()
    return divmod(int(counts.argmax()), CLASSES)


def _confused(rng: np.random.Generator, *drawn: int) -> tuple[Tensor, Tensor]:
    """Labels and predictions where one class ``a`` is often taken for ``b``.

    Two others, ``c`` and ``d``, are more often taken for one another, both ways together; among
    the errors, ``c`` is more often the label than ``a``, and ``d`` the prediction than ``b``; and
    no class is as often right as ``b``.
    """
    a, b, *others = drawn or rng.permutation(CLASSES)[:5].tolist()
    c, d, e = sorted(others)
    errors = [(a, b)] * 5 + [one for one in [(c, d), (d, c), (c, e), (e, d)] for _ in range(3)]
    pairs = errors + [(b, b)] * 9 + [(a, a)] * 4 + [(c, c)] * 2
    labels, predictions = torch.tensor(rng.permutation(pairs)).T
    return labels.contiguous(), predictions.contiguous()


def _separately(labels: Tensor, predictions: Tensor) -> tuple[int, int]:
    """Of the errors, the label that comes most often, then the prediction."""
    wrong = labels != predictions
    return tuple(int(torch.bincount(one[wrong]).argmax()) for one in (labels, predictions))


def _with_count(labels: Tensor, predictions: Tensor) -> tuple[tuple[int, int], int]:
    counts = _counts(labels, predictions).fill_diagonal_(0)
    return _most(counts), int(counts.max())


most_confused = FunctionCheck(
    "Couple (vraie, prédite) des deux classes le plus souvent confondues.",
    answer=lambda labels, predictions: _most(_counts(labels, predictions)),
    tries=lambda rng: [
        (torch.tensor([7, 7, 7, 7, 7, 1]), torch.tensor([7, 7, 7, 1, 1, 7])),
        _confused(rng, 4, 9, 3, 5, 8),
        _confused(rng),
    ],
    mistakes=[
        Mistake(
            "diagonal",
            lambda labels, predictions: _most(_counts(labels, predictions), diagonal=True),
            "Cette classe est reconnue, pas confondue : ne gardez que les erreurs.",
        ),
        Mistake(
            "swapped",
            lambda labels, predictions: _most(_counts(labels, predictions))[::-1],
            "Le couple est à l'envers : la vraie classe d'abord, puis celle qui est prédite.",
        ),
        Mistake(
            "both-ways",
            lambda labels, predictions: _most(
                _counts(labels, predictions) + _counts(predictions, labels)
            ),
            "Les deux sens sont comptés ensemble : prendre un 4 pour un 9 n'est pas prendre un 9 "
            "pour un 4.",
        ),
        Mistake(
            "separately",
            _separately,
            "Les deux classes sont cherchées séparément : c'est le couple qui doit revenir le plus "
            "souvent.",
        ),
        Mistake(
            "with-count",
            _with_count,
            "C'est (couple, nombre de fois) : gardez le couple, [0][0] au lieu de [0].",
        ),
        Mistake(
            "most-common",
            lambda labels, predictions: [_with_count(labels, predictions)],
            "C'est la liste que donne most_common, d'un seul (couple, nombre de fois) : il reste à "
            "y prendre le couple.",
        ),
        Mistake(
            "first-error",
            lambda labels, predictions: torch.stack([labels, predictions])[
                :, (labels != predictions).nonzero()[0, 0]
            ],
            "C'est la première erreur, et non la plus fréquente. Si vous comptez des tenseurs, "
            "deux tenseurs égaux comptent à part : passez par tolist().",
        ),
        Mistake(
            "count",
            lambda labels, predictions: (_counts(labels, predictions).fill_diagonal_(0)).max(),
            "C'est le nombre d'erreurs de ce genre : on demande les deux classes.",
        ),
    ],
)
