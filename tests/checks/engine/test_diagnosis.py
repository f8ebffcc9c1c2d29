"""What is said of wrong values that no known mistake explains: true, kind, and never the answer."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tp_cnn.checks.engine.explanations import EXPLANATIONS, explain
from tp_cnn.checks.engine.formulas import Formula
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake, ValueCheck
from tp_cnn.checks.engine.tables import TableCheck

TABLE = np.array([[3.0, 1, 4], [1, 5, 9], [2, 6, 8]])

area = FunctionCheck(
    "Aire d'une bande.",
    answer=lambda width, height, border: (width + 2 * border) * height,
    tries=lambda rng: [(3, 2, 0), (5, 4, 0), (3, 2, 1), tuple(rng.integers(5, 60, 3).tolist())],
    mistakes=[],
)
smooth = FunctionCheck(
    "Un tableau, lissé.",
    answer=lambda image, weights: (image * weights)[:-1] + image[1:],
    tries=lambda rng: [(rng.normal(size=(5, 3)), rng.normal(size=3)) for _ in range(3)],
    mistakes=[],
)
by_hand = ValueCheck("Un tableau, à la main.", answer=TABLE, mistakes=[])
number = ValueCheck("Un nombre.", answer=1200, mistakes=[])
large = ValueCheck("Un grand nombre.", answer=1_191_170, mistakes=[])
share = FunctionCheck(
    "Une part.",
    answer=lambda errors, images: errors / images,
    tries=lambda rng: [(2, 5), (0, 3), (7, 41)],
    mistakes=[],
)


def changed(change):
    return lambda *arguments: change(smooth.answer(*arguments))


def edited(place, value):
    table = TABLE.copy()
    table[place] = value
    return table


@pytest.mark.parametrize(
    ("check", "answer", "clue"),
    [
        (smooth, changed(np.negative), "sign"),
        (smooth, changed(np.abs), "absolute"),
        (smooth, changed(lambda right: right + 3), "offset"),
        (smooth, changed(lambda right: right / 7), "factor"),
        (smooth, changed(lambda right: right / np.abs(right).max()), "factor"),
        (smooth, changed(np.zeros_like), "zero"),
        (smooth, changed(lambda right: 0 * right + 2), "same-value"),
        (smooth, changed(lambda right: right[::-1]), "reversed"),
        (smooth, changed(lambda right: right[[1, 0, 3, 2]]), "permuted"),
        (smooth, changed(lambda right: np.roll(right, 1, 0)), "shifted"),
        (smooth, changed(lambda right: np.where(right == right[-1, -1], 0, right)), "last"),
        (smooth, changed(lambda right: right * [[1], [0], [0], [0]]), "first-only"),
        (smooth, lambda image, weights: smooth.answer(image, 0 * weights), "argument"),
        (smooth, changed(lambda right: right.T), "axes"),
        (smooth, changed(lambda right: right[:-1]), "too-short"),
        (smooth, changed(lambda right: right[None]), "useless-axis"),
        (smooth, changed(np.sum), "one-number"),
        (smooth, changed(lambda right: []), "empty"),
        (smooth, lambda image, weights: None, "no-return"),
        (smooth, lambda image, weights: image @ weights[1:], "explained"),
        (area, lambda width, height, border: width * height, "argument"),
        (area, lambda width, height, border: (height + 2 * border) * width, "argument"),
        (
            area,
            lambda width, height, border: width + height if border else width * height,
            "condition",
        ),
        (by_hand, edited((1, 2), 8), "one-cell"),
        (by_hand, TABLE[[0, 1, 2]][:, [0, 1, 2]] + [[-2, 2, 0], [0, 0, 0], [0, 0, 0]], "exchanged"),
        (by_hand, TABLE.T, "transposed"),
        (number, 12, "ratio"),
        (number, -1200, "sign"),
        (number, 1201, "near"),
        (number, 1 / 1200, "inverse"),
        (large, 1191.17, "thousands"),
        (large, 1.19117, "thousands"),
        (share, lambda errors, images: errors // images, "zero"),
    ],
)
def test_what_the_values_have_in_common_is_said(check, answer, clue):
    for seed in (0, 1):
        verdict = check(answer, seed=seed)
        assert (verdict.status == "right", verdict.clue) == (False, clue), verdict


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (smooth, changed(lambda right: right**3 - right)),
        (area, lambda width, height, border: width**2 - border),
        (by_hand, TABLE**2 - 4 * TABLE),
        (number, 777),
    ],
)
def test_nothing_is_said_of_values_that_have_nothing_in_common(check, answer):
    verdict = check(answer)
    assert (verdict.status, verdict.clue) == ("wrong", None)
    assert "→" not in verdict.message


@pytest.mark.parametrize(
    ("check", "answer", "said", "unsaid"),
    [
        (large, 0, "trop petit", "→"),  # 1 / 1191170 is not 0, whatever the tolerance
        (share, lambda errors, images: errors // images, "division entière", "rien n'est rempli"),
        (number, (95, 15), "un seul nombre", "sans virgule"),  # two numbers
        (number, (1, 200), "sans virgule", "→"),
        (number, 1e300 * 10, "e+301", "000000"),
        (ValueCheck("Une moitié.", answer=77.5, mistakes=[]), 78.60637, "trop grand", "arrondi"),
        (ValueCheck("Une part.", answer=7 / 9, mistakes=[]), 0.78, "plutôt qu'un arrondi", "→"),
    ],
)
def test_no_wrong_reason_is_given(check, answer, said, unsaid):
    message = check(answer).message
    assert said in message
    assert unsaid not in message


def test_a_value_of_zero_is_no_mistake_of_another_value():
    near = ValueCheck(
        "À 0,2 près.",
        answer=23.8,
        tolerance=0.2,
        formula=Formula("1190 / 50"),
        mistakes=[Mistake("inverse", 1 / 23.8, "La division est à l'envers.")],
    )
    assert near(0.04).mistake == "inverse"
    assert "→" not in near(0).message
    whole = ValueCheck("Un entier.", answer=78, formula=Formula("round(6201 / 80)"), mistakes=[])
    assert "→" not in whole(0).message
    assert near(23.0).clue == "formula"  # a floor division


def test_the_article_of_a_label_is_contracted():
    formula = Formula("side * maps", {"side": "le côté", "maps": "les cartes"})
    sentences = " ".join(slip.sentence for slip in formula.slips())
    assert "avec les cartes à la place du côté" in sentences
    assert "avec le côté à la place des cartes" in sentences


def test_a_slip_that_could_be_anywhere_names_no_place():
    """One less in a sum, a double in a product: no term is more likely than another."""
    length = FunctionCheck(
        "Une longueur.",
        answer=lambda steps, jump, width: steps * jump + width + 2,
        tries=lambda rng: [(2, 3, 4), (5, 2, 9), (7, 4, 3)],
        formulas=[Formula("steps * jump + width + 2")],
        mistakes=[],
    )
    message = length(lambda steps, jump, width: steps * jump + width + 1).message
    assert "avec une unité de moins." in message
    message = length(lambda steps, jump, width: 2 * steps * jump + width + 2).message
    assert "en comptant double." in message


def test_the_factor_of_a_couple_says_nothing():
    """One factor a try explains many couples by chance."""
    couple = FunctionCheck(
        "Un couple.",
        answer=lambda one: (one, 2 * one),
        tries=lambda rng: [(1.5,), (2.5,), (3.5,)],
        mistakes=[],
    )
    assert couple(lambda one: (one**2, 2 * one**2)).clue != "factor"
    assert couple(lambda one: (1e308, 1e308)).clue != "factor"


def test_values_that_are_not_finite_are_told_where_they_come_from():
    verdict = number(np.nan)
    assert (verdict.mistake, verdict.clue) == ("not-finite", "overflow")


def test_one_input_is_not_enough_to_say_what_the_function_does():
    once = FunctionCheck("Le double.", answer=lambda x: 2 * x, tries=lambda _: [(3,)], mistakes=[])
    assert once(lambda x: 8).clue is None  # as if 3 counted for one more, by chance


# Slips in a formula

WEIGHTS = Formula("filters * (side * side * channels + 1)", {"1": "le biais", "side": "le côté"})


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        (lambda filters, side, channels: filters * (side * channels + 1), "en oubliant le côté"),
        (lambda filters, side, channels: filters * side * side * channels, "en oubliant le biais"),
        (lambda filters, side, channels: filters + side * side * channels + 1, "une addition"),
        (lambda filters, side, channels: filters * side * side * channels + 1, "parenthèses"),
        (
            lambda filters, side, channels: filters * (side * side * filters + 1),
            "avec filters à la place de channels",
        ),
        (
            lambda filters, side, channels: filters * (side * side * channels + 2),
            "une unité de trop : relisez le biais",
        ),
    ],
)
def test_slips_in_a_formula_are_recognised(slip, words):
    def right(filters, side, channels):
        return filters * (side * side * channels + 1)

    check = FunctionCheck(
        "Les poids.",
        answer=right,
        formulas=[WEIGHTS],
        tries=lambda rng: [(6, 5, 3), (16, 3, 7), tuple(rng.integers(2, 40, 3).tolist())],
        mistakes=[],
    )
    verdict = check(slip)
    assert verdict.clue == "formula"
    assert words in verdict.message
    table = TableCheck(
        "Les poids.",
        columns=["poids"],
        answer={"conv": (right(7, 5, 4),)},
        formulas={
            "conv": [
                Formula(
                    WEIGHTS.text, WEIGHTS.labels, lambda: {"filters": 7, "side": 5, "channels": 4}
                )
            ]
        },
        mistakes=[],
    )
    assert words in table([slip(7, 5, 4)]).message


def test_a_slip_of_one_of_two_results_says_which():
    check = FunctionCheck(
        "La somme et le produit.",
        answer=lambda a, b: (a + b, 3 * a * b),
        formulas=[Formula("a + b"), Formula("3 * a * b", {"3": "le facteur"})],
        tries=lambda rng: [(2, 5), (7, 3), tuple(rng.integers(5, 90, 2).tolist())],
        mistakes=[],
    )
    message = check(lambda a, b: (a + b, a * b)).message
    assert message.endswith("en oubliant le facteur. C'est au deuxième des résultats.")


def test_of_a_table_what_is_wrong_is_called_by_its_name():
    check = TableCheck(
        "Les tailles.",
        columns=["taille", "poids"],
        parts=[("les canaux", "la hauteur"), ()],
        answer={"conv": ((32, 16), 77), "pool": ((32, 8), 0)},
        mistakes=[],
    )
    verdict = check([((32, 15), 77), ((32, 8), 0)])
    assert verdict.clue == "part"
    assert verdict.message.endswith("À revoir dans cette case : la hauteur ; le reste est juste.")
    assert check([(77, (32, 16)), ((32, 8), 0)]).clue == "backwards"
    assert check([((32, 8), 77), ((32, 16), 0)]).clue == "other-row"


# Errors


LAYER = nn.Linear(2, 2)


def takes(one):
    return one


def without_parentheses(context):
    with context:
        pass


def unpacked(size):
    one, other = [0] * size
    return one + other


def sgd(groups):
    return torch.optim.SGD([{"params": group} for group in groups], lr=0.1)


class Forgetful(nn.Module):
    def __init__(self):
        self.layer = LAYER


@pytest.mark.parametrize(
    ("fails", "words"),
    [
        (lambda: unknown, "Le nom unknown n'existe pas ici"),  # noqa: F821
        (lambda: np.zeross(3), "Le module numpy n'a rien qui s'appelle zeross"),
        (lambda: torch.ones(2).appendd(3), "Un objet de type Tensor n'a rien qui s'appelle"),
        (lambda: TABLE.size(4), "Des parenthèses suivent un objet de type int"),
        (lambda: TABLE.size[0], "Des crochets suivent un nombre"),
        (lambda: list(3), "attend une suite"),
        (lambda: takes(), "Il manque un argument dans cet appel : 'one'"),
        (lambda: takes(1, 2), "Cet appel donne 2 arguments là où la fonction en attend 1"),
        (lambda: takes(two=1), "n'a pas d'argument qui s'appelle two"),
        (lambda: len(), "Le nombre des arguments"),
        (lambda: np.zeros(), "Le nombre des arguments"),
        (lambda: "a" - 1, "L'opération - ne se fait pas entre str et int"),
        (lambda: range(1.5), "doit être un entier"),
        (lambda: np.ones(3)[1.0], "doit être un entier"),
        (lambda: len(3), "compte les éléments d'une suite"),
        (lambda: int(np.ones(3) > 0 and 1), "un tableau en contient plusieurs"),
        (lambda: float(torch.ones(2)), "Un seul nombre est attendu"),
        (lambda: np.ones(3)[5], "L'indice 5 est demandé sur l'axe 0, dont la taille est 3"),
        (lambda: [1][1], "L'indice dépasse la fin de la suite"),
        (lambda: np.ones(3)[0, 0], "plus d'indices entre les crochets que d'axes"),
        (lambda: np.ones(3).sum(1), "Cet axe n'existe pas"),
        (lambda: torch.ones(3).sum(1), "Cet axe n'existe pas"),
        (lambda: np.ones(3) + np.ones(4), "de formes (3,) et (4,)"),
        (lambda: torch.ones(3) + torch.ones(4), "sur l'axe 0, l'un a 3 valeurs, l'autre 4"),
        (lambda: nn.Linear(4, 2)(torch.ones(1, 3)), "formes 1x3 et 4x2 n'existe pas"),
        (
            lambda: nn.Conv2d(3, 2, 1)(torch.ones(1, 1, 4, 4)),
            "convolution : 3 ; qu'elle reçoit : 1",
        ),
        (lambda: nn.BatchNorm2d(3)(torch.ones(2, 4, 2, 2)), "attend cette normalisation : 3"),
        (lambda: list(takes), "il manque ses parenthèses"),
        (lambda: list(takes(None)), "il n'y a rien (None)"),
        (lambda: takes([{"lr": 1}])["lr"], "C'est une liste"),
        (lambda: np.zeros(3, 3), "en un seul argument"),
        (lambda: without_parentheses(torch.no_grad), "with torch.no_grad()"),
        (lambda: F.cross_entropy(torch.tensor([0, 1]), torch.ones(2, 3)), "les scores d'abord"),
        (lambda: np.ones(6).reshape(4, 2), "ne permet pas cette forme"),
        (lambda: torch.ones(6).view(4, 2), "ne permet pas cette forme"),
        (lambda: nn.Conv2d(1, 1, 5)(torch.ones(1, 1, 3, 3)), "devient négative ou trop petite"),
        (lambda: np.ones(0).max(), "rien dont prendre le maximum"),
        (lambda: max([]), "rien dont prendre le maximum"),
        (lambda: 1 / 0, "Le diviseur vaut zéro"),
        (lambda: torch.ones(1).backward(), "ne dépend d'aucun poids"),
        (lambda: (2 * nn.Parameter(torch.ones(2))).backward(), "part d'un seul nombre"),
        (lambda: nn.Parameter(torch.ones(2)).add_(1), "with torch.no_grad()"),
        (lambda: nn.Sequential(3), "n'est fait que de couches"),
        (lambda: torch.optim.SGD([], lr=1), "n'a reçu aucun poids"),
        (lambda: torch.ones(2, dtype=torch.int64).mean(), "deux types de nombres"),
        (lambda: unpacked(0), "autant de valeurs à droite du = que de noms à gauche, 2"),
        (
            lambda: F.cross_entropy(torch.ones(1, 3), torch.tensor(1)),
            "une étiquette par image du lot",
        ),
        (lambda: F.cross_entropy(torch.ones(1, 3), torch.ones(1)), ".long() les convertit"),
        (lambda: torch.zeros(2).__setitem__(0, torch.ones(3)), "manque-t-il un indice"),
        (lambda: torch.cat([torch.ones(1), torch.ones(1, 1)]), "le même nombre d'axes"),
        (lambda: math.exp(1000), "trop grand pour un nombre à virgule"),
        (lambda: nn.Parameter(torch.ones(2)).add_(1), "Un poids, ou une image, est modifié"),
        (
            lambda: setattr(2 * nn.Parameter(torch.ones(2)), "requires_grad", False),
            "detach() d'abord",
        ),
        (lambda: nn.Parameter(torch.ones(2)).numpy(), "detach() avant numpy()"),
        (lambda: sgd([LAYER.parameters(), LAYER.parameters()]), "dans deux groupes"),
        (lambda: sgd([[name for name, _ in LAYER.named_parameters()]]), "attend des poids"),
        (Forgetful, "Il manque super().__init__()"),
        (lambda: nn.Module()(1), "n'a pas de méthode forward"),
        (lambda: torch.ones(2, 3, 4) @ torch.ones(2, 3, 4), "lots de matrices"),
        (
            lambda: F.interpolate(torch.ones(1, 2, 2), 4, mode="bilinear"),
            "Cet agrandissement attend 4 axes",
        ),
    ],
)
def test_frequent_errors_are_explained(fails, words):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        fails()
    assert words.lower() in explain(" ".join(str(caught.value).split())).lower()


def test_an_error_that_is_not_known_is_not_explained():
    assert explain("quelque chose d'autre") == ""
    assert all(sentence[0].isupper() and sentence[-1] in ".?" for _, sentence in EXPLANATIONS)


def test_looking_for_what_values_have_in_common_writes_nothing(capfd):
    ratio = FunctionCheck(
        "Un rapport.",
        answer=lambda one, other: np.float64(one) / other,
        formulas=[Formula("one / other")],
        tries=lambda rng: [(0, 3), (2, 5), (4, 1)],
        mistakes=[],
    )
    ratio(lambda one, other: one**2 + other + 7)
    by_hand(0 * TABLE + [[5, 0, 7]])
    assert capfd.readouterr().err == ""
