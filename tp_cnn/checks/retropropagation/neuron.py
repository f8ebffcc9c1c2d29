"""One neuron: the sign, then the logistic regression and its cost (003, part 1)."""

import numpy as np

from tp_cnn.checks.engine.framework import FunctionCheck, Mistake


def _side(scores) -> np.ndarray:
    return np.where(scores >= 0, 1, -1)


neuron = FunctionCheck(
    "Réponse, +1 ou -1, d'un neurone à chaque ligne de X : le signe de w·x + b, +1 pour 0.",
    answer=lambda X, w, b: _side(X @ w + b),
    tries=lambda rng: [
        (np.array([[1.0, 2], [3, -1], [0, 0], [2, 1]]), np.array([1.0, -1]), -1.0),
        (rng.normal(size=(8, 3)), rng.normal(size=3), float(rng.uniform(0.3, 0.6))),
        (rng.integers(-2, 3, (12, 2)).astype(float), np.array([1.0, 1]), 1.0),
        (rng.integers(-2, 3, (12, 2)).astype(float), np.array([1.0, -2]), -1.0),
    ],
    mistakes=[
        Mistake("no-bias", lambda X, w, b: _side(X @ w), "Le biais b manque."),
        Mistake("bias-sign", lambda X, w, b: _side(X @ w - b), "Le biais s'ajoute."),
        Mistake("raw", lambda X, w, b: X @ w + b, "C'est la somme pondérée : il en faut le signe."),
        Mistake(
            "zero-one",
            lambda X, w, b: (X @ w + b >= 0).astype(int),
            "Les réponses sont 0 et 1 : on attend -1 et +1.",
        ),
        Mistake(
            "zero",
            lambda X, w, b: np.sign(X @ w + b),
            "np.sign(0) vaut 0 : un point de la frontière doit recevoir +1.",
        ),
        Mistake(
            "strict",
            lambda X, w, b: np.where(X @ w + b > 0, 1, -1),
            "Un point de la frontière, où la somme est nulle, doit recevoir +1.",
        ),
        Mistake("reversed", lambda X, w, b: -_side(X @ w + b), "Les deux classes sont échangées."),
        Mistake(
            "scalar",
            lambda X, w, b: _side((X @ w + b).sum()),
            "Toutes les lignes sont mélangées : il faut une réponse par ligne de X.",
        ),
    ],
)


def _log_loss(logits, labels, mean=np.mean) -> float:
    return mean(np.logaddexp(0, (1 - 2 * labels) * logits))


def sigmoid_of(logits) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(0.5 * logits)


def _clipped(logits, labels) -> float:
    probabilities = np.clip(sigmoid_of(logits), 1e-15, 1 - 1e-15)
    return -np.mean(np.log(np.where(labels == 1, probabilities, 1 - probabilities)))


def _nan_erased(logits, labels) -> float:
    with np.errstate(all="ignore"):
        p = 1 / (1 + np.exp(-logits))
        return np.nan_to_num(-np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p)))


log_loss = FunctionCheck(
    "Coût moyen d'une régression logistique, d'après ses logits et des étiquettes 0 ou 1.",
    answer=lambda logits, labels: _log_loss(logits, labels),
    tries=lambda rng: [
        (np.array([0.0]), np.array([1])),
        (np.array([2.0]), np.array([0])),
        (2 * rng.normal(size=7), np.array([0, 1, 1, 0, 1, 1, 1])),
        (np.array([1000.0, -1000.0, 1000.0]), np.array([1, 0, 0])),
        (np.array([-800.0, 30.0, 710.0]) - rng.uniform(0, 5), np.array([1, 1, 0])),
    ],
    mistakes=[
        Mistake(
            "sum",
            lambda logits, labels: _log_loss(logits, labels, np.sum),
            "C'est la somme des coûts : on en veut la moyenne.",
        ),
        Mistake(
            "reversed",
            lambda logits, labels: _log_loss(logits, 1 - labels),
            "Les étiquettes sont échangées : avec l'étiquette 1, un grand logit coûte peu.",
        ),
        Mistake(
            "negative",
            lambda logits, labels: -_log_loss(logits, labels),
            "Le signe est faux : un coût est positif, il grandit avec l'erreur.",
        ),
        Mistake(
            "ones-only",
            lambda logits, labels: np.mean(labels * np.logaddexp(0, -logits)),
            "Seuls les exemples d'étiquette 1 comptent : les autres coûtent -log(1 - p).",
        ),
        Mistake(
            "labels-ignored",
            lambda logits, labels: np.mean(np.logaddexp(0, logits)),
            "L'étiquette ne change rien au coût : elle doit en retirer une part.",
        ),
        Mistake(
            "base-2",
            lambda logits, labels: _log_loss(logits, labels) / np.log(2),
            "C'est le logarithme en base 2 : on prend le logarithme naturel.",
        ),
        Mistake(
            "nan-erased",
            _nan_erased,
            "Remplacer un NaN par un nombre cache l'erreur : le coût est un autre nombre, qui se "
            "calcule en partant du logit.",
        ),
        Mistake(
            "clipped",
            _clipped,
            "Borner la probabilité évite l'infini mais fausse le coût : partez du logit.",
        ),
    ],
)
