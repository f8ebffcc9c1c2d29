"""What a classifier gets wrong, from its labels and predictions (notebook 03)."""

from collections import Counter

from torch import Tensor


def error_rate(labels: Tensor, predictions: Tensor) -> float:
    """The share of the images that are misclassified, between 0 and 1."""
    return (labels != predictions).double().mean().item()


def most_confused(labels: Tensor, predictions: Tensor) -> tuple[int, int]:
    """The pair (true class, predicted class) of the most frequent mistake.

    Raises:
        IndexError: there is no mistake.
    """
    wrong = labels != predictions
    pairs = zip(labels[wrong].tolist(), predictions[wrong].tolist(), strict=True)
    return Counter(pairs).most_common(1)[0][0]
