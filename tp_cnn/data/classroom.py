"""The data of a notebook: the set that it wants, or one that needs no file."""

from tp_cnn import runtime
from tp_cnn.data.files.layouts import JPEG_COPY, SAMPLE
from tp_cnn.data.sources import ImageSet, load
from tp_cnn.display import thousands
from tp_cnn.errors import CourseError

WARNINGS = {  # what a student must know
    SAMPLE: " ; c'est un échantillon : ses résultats ne valent pas ceux du jeu complet",
    JPEG_COPY: " (copie JPEG : mêmes images, pixels un peu abîmés)",
}


def load_for_class(name: str, otherwise: str) -> tuple[ImageSet, ImageSet]:
    """The train and test sets called ``name``, or those called ``otherwise`` without them.

    Says in French which set is used, and why. ``TP_CNN_DOWNLOAD=0`` forbids to download.

    Args:
        otherwise: ``"digits"`` or ``"shapes"``, which are always there.
    """
    try:
        sets = _load_both(name, runtime.settings().download)
    except CourseError as error:
        print(f"{name} est introuvable ; ce notebook continue avec « {otherwise} ».")
        print(f"Pour l'obtenir : tp-cnn data fetch {name}. Détail : {str(error).splitlines()[0]}")
        sets = _load_both(otherwise, download=False)
    print(f"Données : {_described(*sets)}")
    return sets


def _described(train: ImageSet, test: ImageSet) -> str:
    """One sentence in French; ``origin`` says the same in English, with the folder."""
    counts = f"{thousands(len(train))} images d'apprentissage, {thousands(len(test))} de test"
    warnings = [WARNINGS[limit] for limit in train.limits]
    return f"{train.name}, {counts}{''.join(warnings)}."


def _load_both(name: str, download: bool) -> tuple[ImageSet, ImageSet]:
    train, test = (load(name, split, download=download) for split in ("train", "test"))
    return train, test
