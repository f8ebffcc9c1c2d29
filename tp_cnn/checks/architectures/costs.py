"""What the blocks cost: weights, multiplications, maps to keep."""

from tp_cnn.checks.engine.formulas import Formula
from tp_cnn.checks.engine.framework import FunctionCheck, Mistake, ValueCheck
from tp_cnn.models import geometry
from tp_cnn.models.geometry import conv_weights, dense_weights


def _draw(*ranges, small):
    """Tries: ``small`` ones, then whole numbers drawn between the ends of each range, five times.

    The small ones show what a formula that only holds for odd filters does with even ones.
    """
    return lambda rng: [
        *small,
        *[tuple(int(rng.integers(*ends)) for ends in ranges) for _ in range(5)],
    ]


KERNEL, LAYERS, BIAS = "le côté du filtre", "le nombre de couches", "le biais"


stacked_weights = FunctionCheck(
    "Poids de plusieurs convolutions de suite, qui gardent toutes le nombre de canaux.",
    answer=geometry.stacked_weights,
    formulas=[
        Formula(
            "layers * channels * (kernel * kernel * channels + 1)",
            {"layers": LAYERS, "channels": "le nombre de canaux", "kernel": KERNEL, "1": BIAS},
        )
    ],
    tries=_draw((2, 70), (2, 8), (2, 5), small=[(2, 3, 2), (3, 2, 2)]),
    mistakes=[
        Mistake(
            "one-channel",
            lambda channels, kernel, layers: layers * (kernel**2 + 1),
            "C'est le compte pour un canal d'entrée et un filtre, comme dans le document 004 : ici "
            "il y en a plusieurs.",
        ),
        Mistake(
            "one-filter",
            lambda channels, kernel, layers: layers * (kernel**2 * channels + 1),
            "C'est le compte d'un seul filtre par couche : combien faut-il de filtres pour donner "
            "autant de canaux qu'en entrée ?",
        ),
        Mistake(
            "no-depth",
            lambda channels, kernel, layers: layers * channels * (kernel**2 + 1),
            "La profondeur est oubliée : chaque filtre lit tous les canaux.",
        ),
        Mistake(
            "no-bias",
            lambda channels, kernel, layers: layers * channels**2 * kernel**2,
            "Les biais sont oubliés : il y en a un par filtre.",
        ),
        Mistake(
            "bias-by-channel",
            lambda channels, kernel, layers: layers * channels**2 * (kernel**2 + 1),
            "Un filtre n'a qu'un biais, quel que soit le nombre de canaux qu'il lit.",
        ),
        Mistake(
            "one-layer",
            lambda channels, kernel, layers: conv_weights(channels, channels, kernel),
            "C'est le compte d'une seule couche.",
        ),
        Mistake(
            "not-squared",
            lambda channels, kernel, layers: layers * channels * (kernel * channels + 1),
            "Un filtre a deux côtés : sa surface compte, pas son côté.",
        ),
    ],
)

stacked_field = FunctionCheck(
    "Côté du champ récepteur de plusieurs convolutions de suite, de stride 1.",
    answer=geometry.stacked_field,
    formulas=[
        Formula(
            "start + layers * (kernel - 1)",
            {"start": "le pixel de départ", "layers": LAYERS, "kernel": KERNEL},
            lambda kernel, layers: {"start": 1, "kernel": kernel, "layers": layers},
        )
    ],
    tries=_draw((2, 10), (2, 7), small=[(3, 2), (4, 3)]),
    mistakes=[
        Mistake(
            "product",
            lambda kernel, layers: kernel * layers,
            "Deux fenêtres voisines se recouvrent : leurs côtés ne s'ajoutent pas en entier.",
        ),
        Mistake(
            "power",
            lambda kernel, layers: kernel**layers,
            "Avec un stride de 1, le champ grandit d'un même nombre de pixels à chaque couche.",
        ),
        Mistake(
            "from-zero",
            lambda kernel, layers: layers * (kernel - 1),
            "Avant la première couche, un pixel se voit déjà lui-même.",
        ),
        Mistake(
            "one-side",
            lambda kernel, layers: 1 + layers * ((kernel - 1) // 2),
            "C'est ce qu'on gagne d'un côté : un filtre déborde des deux.",
        ),
    ],
)

CONVOLUTIONS = sum(
    conv_weights(*sizes)
    for sizes in [(3, 64, 11), (64, 192, 5), (192, 384, 3), (384, 256, 3), (256, 256, 3)]
)
DENSE = [dense_weights(9216, 4096), dense_weights(4096, 4096), dense_weights(4096, 1000)]
ALL = CONVOLUTIONS + sum(DENSE)
SHARE = "C'est un pourcentage : on demande une part entre 0 et 1."

alexnet_share = ValueCheck(
    "Part des poids d'AlexNet qui est dans ses couches denses, entre 0 et 1.",
    answer=sum(DENSE) / ALL,
    mistakes=[
        Mistake(
            "first-only",
            DENSE[0] / ALL,
            "C'est la part de la première couche dense : il y en a trois.",
        ),
        Mistake("two-only", sum(DENSE[:2]) / ALL, "La dernière couche dense compte aussi."),
        Mistake("convolutions", CONVOLUTIONS / ALL, "C'est la part des convolutions."),
        Mistake(
            "ratio", sum(DENSE) / CONVOLUTIONS, "C'est le rapport aux convolutions, pas au total."
        ),
        Mistake("percent", 100 * sum(DENSE) / ALL, SHARE),
        *[Mistake(f"percent-{rounded}", rounded, SHARE) for rounded in (96, 95.96, 95.9)],
        Mistake("count", sum(DENSE), "C'est un nombre de poids : on demande leur part du total."),
    ],
    tolerance=1e-3,
)

inception_cost = FunctionCheck(
    "Multiplications d'une branche d'Inception : une convolution 1×1, puis une plus grande.",
    answer=geometry.branch_products,
    formulas=[
        Formula(
            "size * size * (inputs * reduced + kernel * kernel * reduced * filters)",
            {
                "size": "le côté des cartes",
                "inputs": "le nombre de cartes en entrée",
                "reduced": "le nombre de cartes après la 1×1",
                "kernel": KERNEL,
                "filters": "le nombre de cartes en sortie",
            },
        )
    ],
    tries=_draw((5, 60), (100, 300), (10, 40), (50, 90), (2, 8), small=[(2, 5, 3, 4, 3)]),
    mistakes=[
        Mistake(
            "direct",
            lambda size, inputs, reduced, filters, kernel: size**2 * kernel**2 * inputs * filters,
            "C'est le coût sans la convolution 1×1, qui réduit d'abord le nombre de cartes.",
        ),
        Mistake(
            "second-only",
            lambda size, inputs, reduced, filters, kernel: size**2 * kernel**2 * reduced * filters,
            "La convolution 1×1 coûte aussi.",
        ),
        Mistake(
            "no-positions",
            lambda size, inputs, reduced, filters, kernel: (
                inputs * reduced + kernel**2 * reduced * filters
            ),
            "C'est le coût d'une seule position : le filtre passe sur toute la carte.",
        ),
        Mistake(
            "one-row",
            lambda size, inputs, reduced, filters, kernel: (
                size * (inputs * reduced + kernel**2 * reduced * filters)
            ),
            "C'est le coût d'une seule ligne de la carte.",
        ),
        Mistake(
            "not-squared",
            lambda size, inputs, reduced, filters, kernel: (
                size**2 * (inputs * reduced + kernel * reduced * filters)
            ),
            "Un filtre a deux côtés : sa surface compte, pas son côté.",
        ),
        Mistake(
            "product",
            lambda size, inputs, reduced, filters, kernel: (
                size**2 * inputs * reduced * kernel**2 * reduced * filters
            ),
            "Les deux convolutions se suivent : leurs coûts s'ajoutent.",
        ),
        Mistake(
            "reads-all",
            lambda size, inputs, reduced, filters, kernel: (
                size**2 * (inputs * reduced + kernel**2 * inputs * filters)
            ),
            "La grande convolution ne lit plus que ce que la 1×1 lui laisse.",
        ),
        Mistake(
            "biases",
            lambda size, inputs, reduced, filters, kernel: (
                size**2 * ((inputs + 1) * reduced + (kernel**2 * reduced + 1) * filters)
            ),
            "Un biais s'ajoute, sans multiplication : il ne compte pas ici.",
        ),
    ],
)


def _dense_maps(inputs: int, growth: int, layers: int) -> int:
    return sum(inputs + layer * growth for layer in range(layers))


dense_maps = FunctionCheck(
    "Nombre de cartes lues en tout par les couches d'un bloc de DenseNet.",
    answer=_dense_maps,
    formulas=[
        Formula(
            "layers * inputs + growth * (layers * (layers - 1) // 2)",
            {
                "layers": LAYERS,
                "inputs": "le nombre de cartes en entrée",
                "growth": "ce qu'ajoute une couche",
            },
        )
    ],
    tries=_draw((10, 70), (4, 40), (3, 25), small=[(5, 2, 3)]),
    mistakes=[
        Mistake(
            "last-only",
            lambda inputs, growth, layers: inputs + (layers - 1) * growth,
            "C'est ce que lit la dernière couche : additionnez sur toutes les couches.",
        ),
        Mistake(
            "outputs",
            lambda inputs, growth, layers: inputs + layers * growth,
            "C'est le nombre de cartes à la sortie du bloc.",
        ),
        Mistake(
            "one-late",
            lambda inputs, growth, layers: _dense_maps(inputs + growth, growth, layers),
            "Une couche ne lit pas ses propres cartes : elle lit celles d'avant elle.",
        ),
        Mistake(
            "no-inputs",
            lambda inputs, growth, layers: _dense_maps(0, growth, layers),
            "Chaque couche lit aussi les cartes de l'entrée.",
        ),
        Mistake(
            "no-growth",
            lambda inputs, growth, layers: inputs * layers,
            "Le nombre de cartes lues augmente d'une couche à la suivante.",
        ),
    ],
)
