"""Receptive fields (question 7)."""

import numpy as np

from tp_cnn.checks.convolution.arrays import sizes
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake, ValueCheck

FIELD_SUM = "Les tailles sont additionnées : deux fenêtres voisines ont des pixels en commun."
FIELD_PRODUCT = "Les tailles sont multipliées : deux fenêtres voisines ont des pixels en commun."


def _receptive_field(layers) -> int:
    field, jump = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * jump
        jump *= stride
    return field


def _receptive_field_with_early_jump(layers) -> int:
    field, jump = 1, 1
    for kernel, stride in layers:
        jump *= stride
        field += (kernel - 1) * jump
    return field


first_fields = ValueCheck(
    "Côtés des champs récepteurs des deux premières convolutions 3 × 3 de VGG16 : une liste.",
    answer=[3, 5],
    mistakes=[
        Mistake("sum", [3, 6], FIELD_SUM),
        Mistake(
            "own-kernel",
            [3, 3],
            "La deuxième couche lit la première, pas l'image : chaque valeur lue a déjà son champ.",
        ),
        Mistake("product", [3, 9], FIELD_PRODUCT),
        Mistake("area", [9, 25], "C'est le nombre de pixels : on demande le côté du carré."),
    ],
)

receptive_field = FunctionCheck(
    "Côté du champ récepteur d'une suite de couches (kernel, stride) (question 7).",
    answer=_receptive_field,
    tries=lambda rng: [
        ([(5, 1)],),
        ([(3, 1), (3, 1)],),
        ([(5, 1), (2, 2), (5, 1)],),
        *((sizes(rng, (2, 1), (8, 4), 4),) for _ in range(4)),
    ],
    mistakes=[
        Mistake("sum", lambda layers: sum(kernel for kernel, _ in layers), FIELD_SUM),
        Mistake(
            "stride-ignored",
            lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers),
            "Les strides sont oubliés : après un stride de 2, un pas en vaut deux dans l'image.",
        ),
        Mistake(
            "product", lambda layers: int(np.prod([kernel for kernel, _ in layers])), FIELD_PRODUCT
        ),
        Mistake(
            "first-pixel",
            lambda layers: _receptive_field([(kernel + 1, stride) for kernel, stride in layers]),
            "Le champ grandit trop : un filtre de côté 1, par exemple, ne doit rien y ajouter.",
        ),
        Mistake(
            "early-jump",
            _receptive_field_with_early_jump,
            "Le stride d'une couche compte pour les couches suivantes, pas pour elle-même.",
        ),
        Mistake(
            "from-zero",
            lambda layers: _receptive_field(layers) - 1,
            "Sans aucune couche, une valeur voit déjà un pixel : le champ part de 1, pas de 0.",
        ),
    ],
)
