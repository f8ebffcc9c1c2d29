"""The 2-2-1 network of 003: its parameters, and its derivatives from the last layer to the first.

Numbers: x an input, z1 the output of a hidden unit, w2 the weight that leads from it to the output
unit, z2 the output (a probability), y the label, 0 or 1.
"""

from itertools import pairwise

import numpy as np

from tp_cnn.checks.engine.formulas import Formula
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake, ValueCheck

NO_BIAS = "Les biais manquent : chaque unité en a un."
NO_SLOPE = "La dérivée de la sigmoïde z(2) manque : l'erreur traverse la dernière unité."
NO_COST = "La dérivée du coût manque : on dérive l'erreur, pas la sortie du réseau."
SIGN = "Le signe est inversé : quand la sortie dépasse l'étiquette, l'augmenter coûte."
PLUS = "La dérivée de la sigmoïde s est s (1 - s), avec un signe moins."
NO_PRODUCT = "Les maillons de la chaîne se multiplient : ils ne s'additionnent pas."


def _count(sizes, bias=1) -> int:
    return sum((before + bias) * after for before, after in pairwise(sizes))


parameters_221 = ValueCheck(
    "Nombre de paramètres du réseau 2-2-1 du document 003.",
    answer=9,
    mistakes=[
        Mistake("no-bias", 6, "C'est la première couche seule, ou bien les biais manquent."),
        Mistake("units", 5, "Ce sont les nombres du réseau : comptez les flèches et les biais."),
        Mistake("last-bias", 8, "Il manque un biais : l'unité de sortie a aussi le sien."),
        Mistake("one-bias", 7, "Chaque unité a son propre biais, pas chaque réseau."),
        Mistake("inputs-bias", 11, "Les entrées ne calculent rien : elles n'ont pas de biais."),
        Mistake("cost", 10, "La couche de l'entropie croisée n'a aucun paramètre."),
    ],
)

count_parameters = FunctionCheck(
    "Nombre de paramètres d'un perceptron de tailles données, entrée comprise.",
    answer=lambda sizes: _count(sizes),
    tries=lambda rng: [
        ([2, 1],),
        ([3, 4, 2],),
        *[(rng.integers(2, 12, rng.integers(3, 6)).tolist(),) for _ in range(4)],
    ],
    mistakes=[
        Mistake("no-bias", lambda sizes: _count(sizes, bias=0), NO_BIAS),
        Mistake(
            "bias-per-input",
            lambda sizes: _count(sizes, bias=0) + sum(sizes[:-1]),
            "Il y a un biais par unité, donc par sortie d'une couche, et non par entrée.",
        ),
        Mistake(
            "input-bias",
            lambda sizes: _count(sizes, bias=0) + sum(sizes),
            "Les entrées ne calculent rien : elles n'ont pas de biais.",
        ),
        Mistake(
            "one-bias-a-layer",
            lambda sizes: _count(sizes, bias=0) + len(sizes) - 1,
            "Il y a un biais par unité, et non par couche.",
        ),
        Mistake(
            "first-layer",
            lambda sizes: _count(sizes[:2]),
            "Seule la première couche est comptée : additionnez toutes les couches.",
        ),
        Mistake(
            "last-layer",
            lambda sizes: _count(sizes[-2:]),
            "Seule la dernière couche est comptée : additionnez toutes les couches.",
        ),
        Mistake(
            "product",
            lambda sizes: int(np.prod(sizes)),
            "Une couche n'est reliée qu'à la suivante : additionnez les couches.",
        ),
    ],
)


def _probability(rng) -> float:
    return float(rng.uniform(0.15, 0.85))


def _factor(rng) -> float:
    return float(rng.choice([-1, 1]) * rng.uniform(0.5, 2))


def _by_output(z2, y) -> float:
    return (z2 - y) / (z2 * (1 - z2))


cost_by_output = FunctionCheck(
    "Dérivée de l'entropie croisée par z2, la probabilité prédite, pour l'étiquette y.",
    answer=_by_output,
    tries=lambda rng: [
        (0.5, 1),
        (0.25, 0),
        *[(_probability(rng), label) for label in (0, 1, 0, 1)],
    ],
    formulas=[Formula("-y / z2 + (1 - y) / (1 - z2)")],
    mistakes=[
        Mistake("sign", lambda z2, y: -_by_output(z2, y), SIGN),
        Mistake(
            "logit",
            lambda z2, y: z2 - y,
            "C'est la dérivée par le logit, avant la sigmoïde : ici on dérive par z(2).",
        ),
        Mistake(
            "ones-only",
            lambda z2, y: -y / z2,
            "Le terme des étiquettes nulles manque : (1 - y) log(1 - z) dépend aussi de z.",
        ),
        Mistake(
            "inner-sign",
            lambda z2, y: -y / z2 - (1 - y) / (1 - z2),
            "Un signe est faux : dans log(1 - z), le signe moins devant z compte.",
        ),
        Mistake(
            "cost",
            lambda z2, y: -np.log(z2 if y == 1 else 1 - z2),
            "C'est le coût lui-même : on veut sa dérivée.",
        ),
        Mistake(
            "multiplied", lambda z2, y: (z2 - y) * z2 * (1 - z2), "On divise par z(2) (1 - z(2))."
        ),
    ],
)

cost_by_weight = FunctionCheck(
    "Dérivée de l'erreur par w2, le poids entre une unité cachée (z1) et la sortie (z2).",
    answer=lambda z1, z2, y: (z2 - y) * z1,
    tries=lambda rng: [
        (1.0, 0.5, 1),
        (0.5, 0.25, 0),
        *[(_probability(rng), _probability(rng), label) for label in (0, 1, 0, 1)],
    ],
    formulas=[Formula("(z2 - y) * z1")],
    mistakes=[
        Mistake("sign", lambda z1, z2, y: (y - z2) * z1, SIGN),
        Mistake("no-slope", lambda z1, z2, y: _by_output(z2, y) * z1, NO_SLOPE),
        Mistake("no-cost", lambda z1, z2, y: z2 * (1 - z2) * z1, NO_COST),
        Mistake(
            "no-input",
            lambda z1, z2, y: z2 - y,
            "C'est la dérivée par le biais : un poids multiplie z(1), il faut le retrouver.",
        ),
        Mistake("plus", lambda z1, z2, y: _by_output(z2, y) * z2 * (1 + z2) * z1, PLUS),
        Mistake(
            "slope-twice",
            lambda z1, z2, y: (z2 - y) * z2 * (1 - z2) * z1,
            "La pente de la sigmoïde compte deux fois : elle se simplifie avec celle du coût.",
        ),
        Mistake(
            "hidden-slope",
            lambda z1, z2, y: (z2 - y) * z1 * (1 - z1),
            "Le poids w(2) vient après l'unité cachée : la pente de celle-ci n'y entre pas.",
        ),
        Mistake("sum", lambda z1, z2, y: (z2 - y) + z1, NO_PRODUCT),
    ],
)

output_by_hidden = FunctionCheck(
    "Dérivée de la sortie z2 par celle d'une unité cachée, à laquelle le poids w2 la relie.",
    answer=lambda z2, w2: z2 * (1 - z2) * w2,
    tries=lambda rng: [
        (0.5, 2.0),
        (0.25, -1.0),
        *[(_probability(rng), _factor(rng)) for _ in range(3)],
    ],
    formulas=[Formula("z2 * (1 - z2) * w2")],
    mistakes=[
        Mistake("no-slope", lambda z2, w2: w2, NO_SLOPE),
        Mistake(
            "no-weight",
            lambda z2, w2: z2 * (1 - z2),
            "Le poids manque : si z(1) augmente de 1, le logit augmente de w(2).",
        ),
        Mistake("plus", lambda z2, w2: z2 * (1 + z2) * w2, PLUS),
        Mistake(
            "one-minus",
            lambda z2, w2: (1 - z2) * w2,
            "La dérivée de la sigmoïde a deux facteurs.",
        ),
        Mistake(
            "tanh",
            lambda z2, w2: (1 - z2**2) * w2,
            "C'est la dérivée de la tangente hyperbolique : l'unité est une sigmoïde.",
        ),
        Mistake("sum", lambda z2, w2: z2 * (1 - z2) + w2, NO_PRODUCT),
    ],
)


def _by_first_weight(x, z1, z2, w2, y) -> float:
    return (z2 - y) * w2 * z1 * (1 - z1) * x


cost_by_first_weight = FunctionCheck(
    "Dérivée de l'erreur par un poids de la première couche, qui multiplie l'entrée x.",
    answer=_by_first_weight,
    tries=lambda rng: [
        (1.0, 0.5, 0.5, 2.0, 1),
        (2.0, 0.25, 0.75, -1.0, 0),
        *[
            (_factor(rng), _probability(rng), _probability(rng), _factor(rng), label)
            for label in (0, 1, 0, 1)
        ],
    ],
    formulas=[Formula("(z2 - y) * w2 * z1 * (1 - z1) * x")],
    mistakes=[
        Mistake("sign", lambda x, z1, z2, w2, y: -_by_first_weight(x, z1, z2, w2, y), SIGN),
        Mistake(
            "no-hidden-slope",
            lambda x, z1, z2, w2, y: (z2 - y) * w2 * x,
            "La dérivée de l'unité cachée manque : elle aussi est une sigmoïde.",
        ),
        Mistake(
            "no-weight",
            lambda x, z1, z2, w2, y: (z2 - y) * z1 * (1 - z1) * x,
            "Le poids w(2) manque : l'erreur remonte par la flèche qu'il porte.",
        ),
        Mistake(
            "no-input",
            lambda x, z1, z2, w2, y: (z2 - y) * w2 * z1 * (1 - z1),
            "C'est la dérivée par le biais : un poids multiplie x, il faut le retrouver.",
        ),
        Mistake(
            "no-slope",
            lambda x, z1, z2, w2, y: _by_output(z2, y) * w2 * z1 * (1 - z1) * x,
            NO_SLOPE,
        ),
        Mistake(
            "slope-twice",
            lambda x, z1, z2, w2, y: _by_first_weight(x, z1, z2, w2, y) * z2 * (1 - z2),
            "La pente de la sortie compte deux fois : elle se simplifie avec celle du coût.",
        ),
        Mistake(
            "no-cost", lambda x, z1, z2, w2, y: z2 * (1 - z2) * w2 * z1 * (1 - z1) * x, NO_COST
        ),
        Mistake("plus", lambda x, z1, z2, w2, y: (z2 - y) * w2 * z1 * (1 + z1) * x, PLUS),
        Mistake(
            "hidden-for-input",
            lambda x, z1, z2, w2, y: (z2 - y) * w2 * z1 * (1 - z1) * z1,
            "Un poids de la première couche multiplie une entrée x, et non z(1).",
        ),
    ],
)
