"""The data of a notebook: the set that it wants, or one that needs no file."""

from collections.abc import Iterable
from dataclasses import replace

from tp_cnn import runtime
from tp_cnn.data.files.layouts import JPEG_COPY, SAMPLE
from tp_cnn.data.sources import ImageSet, load
from tp_cnn.display import thousands
from tp_cnn.errors import CourseError

WARNINGS = {  # what a student must know
    SAMPLE: " ; c'est un échantillon : ses résultats ne valent pas ceux du jeu complet",
    JPEG_COPY: " (copie JPEG : mêmes images, pixels un peu abîmés)",
}

# The published names are those of folders too: a student reads these instead.
FRENCH = {
    "airplane": "avion",
    "automobile": "voiture",
    "bird": "oiseau",
    "cat": "chat",
    "deer": "cerf",
    "dog": "chien",
    "frog": "grenouille",
    "horse": "cheval",
    "ship": "bateau",
    "truck": "camion",
    "t-shirt/top": "tee-shirt",
    "trouser": "pantalon",
    "pullover": "pull",
    "dress": "robe",
    "coat": "manteau",
    "sandal": "sandale",
    "shirt": "chemise",
    "sneaker": "basket",
    "bag": "sac",
    "ankle boot": "bottine",
}


def in_french(classes: Iterable[str]) -> tuple[str, ...]:
    """The names of classes as students read them; a name that is not known stays."""
    return tuple(FRENCH.get(name, name) for name in classes)


def load_for_class(name: str, otherwise: str) -> tuple[ImageSet, ImageSet]:
    """The train and test sets called ``name``, or those called ``otherwise`` without them.

    Their classes have French names.

    Says in French which set is used, and why. ``TP_CNN_DOWNLOAD=0`` forbids to download.

    Args:
        otherwise: ``"digits"`` or ``"shapes"``, which are always there.
    """
    try:
        sets = _load_both(name, runtime.settings().download)
    except (CourseError, OSError) as error:  # OSError: a folder that one may not read
        print(f"{name} est introuvable ; ce notebook continue avec « {otherwise} ».")
        print(f"Pour l'obtenir : tp-cnn data fetch {name}. Détail : {str(error).splitlines()[0]}")
        sets = _load_both(otherwise, download=False)
    print(f"Données : {_described(*sets)}")
    train, test = (replace(one, classes=in_french(one.classes)) for one in sets)
    return train, test


def _described(train: ImageSet, test: ImageSet) -> str:
    """One sentence in French; ``origin`` says the same in English, with the folder."""
    counts = f"{thousands(len(train))} images d'apprentissage, {thousands(len(test))} de test"
    warnings = [WARNINGS[limit] for limit in train.limits]
    return f"{train.name}, {counts}{''.join(warnings)}."


def _load_both(name: str, download: bool) -> tuple[ImageSet, ImageSet]:
    train, test = (load(name, split, download=download) for split in ("train", "test"))
    return train, test
