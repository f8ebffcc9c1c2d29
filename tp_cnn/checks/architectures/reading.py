"""Document 001's `BasicCNNModel`, read line by line, then mended."""

import torch
from torch import nn

from tp_cnn.checks.engine.framework import Mistake
from tp_cnn.checks.engine.network_mistakes import instead, known, without
from tp_cnn.checks.engine.networks import NetworkCheck
from tp_cnn.checks.engine.tables import TableCheck

NO_EFFECT, HARMS, LIMITS = 0, 1, 2

defects = TableCheck(
    "Ce que vaut chaque ligne du modèle du document 001 : 0 sans effet, 1 nuit, 2 limite.",
    columns=["verdict"],
    codes=True,
    answer={
        "in_features": (NO_EFFECT,),
        "out_features": (NO_EFFECT,),
        "inp_dim": (NO_EFFECT,),
        "softmax": (HARMS,),
        "sorties": (HARMS,),
        "maximum": (LIMITS,),
        "sans pooling": (LIMITS,),
    },
    mistakes=[
        Mistake(
            "size-set-late",
            {"in_features": ([HARMS, LIMITS],), "out_features": ([HARMS, LIMITS],)},
            "Les poids sont tirés à la construction de la couche : que change ce nombre ensuite ?",
        ),
        Mistake(
            "unread",
            {"inp_dim": ([HARMS, LIMITS],)},
            "Cherchez où cet argument est lu.",
        ),
        Mistake(
            "softmax-harmless",
            {"softmax": ([NO_EFFECT, LIMITS],)},
            "L'entropie croisée de PyTorch attend des scores : que deviennent les gradients d'un "
            "softmax suivi d'un autre ?",
        ),
        Mistake(
            "too-many",
            {"sorties": ([NO_EFFECT, LIMITS],)},
            "Combien de classes la dernière couche distingue-t-elle, et combien y en a-t-il ?",
        ),
        Mistake(
            "position",
            {"maximum": ([NO_EFFECT, HARMS],)},
            "Le réseau accepte ainsi toute taille d'image ; que perd-il en échange ?",
        ),
        Mistake(
            "field",
            {"sans pooling": ([NO_EFFECT, HARMS],)},
            "Calculez le champ récepteur de la deuxième convolution : que voit-elle d'une image ?",
        ),
    ],
)

with torch.device("meta"):
    MENDED = nn.Sequential(
        nn.Conv2d(3, 50, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(50, 100, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(100, 10),
    )

mended = NetworkCheck(
    "Le réseau du document 001, réparé : 50 puis 100 filtres 3×3, un max-pooling entre eux, le "
    "maximum de chaque carte, 10 scores.",
    answer=[MENDED],
    image_shape=(3, 32, 32),
    built=True,
    mistakes=[
        Mistake(
            "average",
            instead(nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d(1)),
            "Le document prend le maximum de chaque carte ; vous en prenez la moyenne.",
        ),
        Mistake(
            "no-maximum",
            without(nn.AdaptiveMaxPool2d),
            "Il manque le maximum de chaque carte : la couche dense n'en lit qu'une valeur.",
        ),
        *known(
            "no-pooling",
            "softmax",
            "log-softmax",
            "final-activation",
            "no-padding",
            "no-activation",
            "activation",
            "classes",
            "filters",
            "missing-layer",
            "extra-layer",
        ),
    ],
)
