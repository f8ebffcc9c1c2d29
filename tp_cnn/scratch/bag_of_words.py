"""The bag of visual words: how images were classified before convolutional networks (question 12).

G. Csurka, C. Dance, L. Fan, J. Willamowski and C. Bray, "Visual categorization with bags of
keypoints", 2004. Their local descriptors (SIFT) are here plain patches of pixels, as in A. Coates,
A. Ng and H. Lee, "An analysis of single-layer networks in unsupervised feature learning", 2011.

Four steps: cut patches, learn a vocabulary of patches without labels (k-means), describe an image
by the histogram of its words, separate the classes with a linear SVM.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

from tp_cnn.errors import CourseError

SIDE, STRIDE = 6, 2  # pixels
CHUNK = 200  # images described together, to spare memory
FLAT = 10.0  # grey levels added to a patch's deviation, so that a flat patch stays flat


def cut_patches(images: Tensor, side: int = SIDE, stride: int = STRIDE) -> Tensor:
    """Every patch of ``side × side`` pixels, one each ``stride`` pixels, without its brightness.

    Args:
        images: uint8 (N, C, H, W).

    Returns:
        float32 (N, positions, C·side·side): each patch minus its mean, divided by its deviation.

    Raises:
        CourseError: the images are smaller than a patch.
    """
    windows = _windows(images, side, stride).permute(0, 2, 3, 1, 4, 5)  # (N, rows, cols, C, s, s)
    return _even_light(windows.flatten(3).flatten(1, 2))


def draw_patches(images: Tensor, count: int, side: int = SIDE, seed: int = 0) -> Tensor:
    """About ``count`` patches, as many from each image, float32 (patches, C·side·side)."""
    generator = torch.Generator().manual_seed(seed)
    windows = _windows(images, side, stride=1)  # (N, C, rows, columns, side, side)
    each = max(1, count // len(images))
    image = torch.arange(len(images)).repeat_interleave(each)
    row = torch.randint(windows.shape[2], image.shape, generator=generator)
    column = torch.randint(windows.shape[3], image.shape, generator=generator)
    return _even_light(windows[image, :, row, column].flatten(1))


def learn_vocabulary(patches: Tensor, words: int, seed: int = 0) -> Tensor:
    """The ``words`` centres that k-means finds among the patches, float32 (words, values)."""
    from sklearn.cluster import MiniBatchKMeans  # slow to import

    kmeans = MiniBatchKMeans(words, batch_size=2048, n_init=1, random_state=seed)
    kmeans.fit(patches.numpy())
    return torch.from_numpy(kmeans.cluster_centers_).float()


def nearest_word(patches: Tensor, vocabulary: Tensor) -> Tensor:
    """The index of the centre closest to each patch: (..., values) -> int64 (...)."""
    # |p - v|² = |p|² - 2 (p·v - |v|²/2), and |p|² is the same for every word.
    return (patches @ vocabulary.T - vocabulary.square().sum(1) / 2).argmax(-1)


def histogram(patches: Tensor, vocabulary: Tensor) -> Tensor:
    """The share of the patches (n, values) whose closest word is each one: float32 (words,)."""
    words = nearest_word(patches, vocabulary)
    return torch.bincount(words, minlength=len(vocabulary)) / len(patches)


def describe(images: Tensor, vocabulary: Tensor, side: int = SIDE) -> Tensor:
    """The histogram of words of each image, in shares: float32 (N, words), each row adds up to 1.

    Args:
        images: uint8 (N, C, H, W).
        vocabulary: float32 (words, C·side·side).
    """
    histograms = []
    for chunk in images.split(CHUNK):
        words = nearest_word(cut_patches(chunk, side), vocabulary)  # (chunk, positions)
        counts = torch.zeros(len(chunk), len(vocabulary))
        counts.scatter_add_(1, words, torch.ones_like(words, dtype=torch.float32))
        histograms.append(counts / words.shape[1])
    return torch.cat(histograms)


def train_svm(histograms: Tensor, labels: Tensor, seed: int = 0) -> "Pipeline":
    """A linear SVM on histograms, one weight a word and a bias for each class."""
    from sklearn.pipeline import make_pipeline  # slow to import
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    svm = LinearSVC(C=0.001, dual=False, random_state=seed)
    return make_pipeline(StandardScaler(), svm).fit(histograms.sqrt().numpy(), labels.numpy())


def accuracy(svm: "Pipeline", histograms: Tensor, labels: Tensor) -> float:
    """Share of the images that the SVM classifies well, between 0 and 1."""
    return float(svm.score(histograms.sqrt().numpy(), labels.numpy()))


def _windows(images: Tensor, side: int, stride: int) -> Tensor:
    height, width = images.shape[2:]
    if side > min(height, width):
        raise CourseError(f"patches of {side}×{side}: the images have only {height}×{width} pixels")
    return images.unfold(2, side, stride).unfold(3, side, stride)  # a view


def _even_light(patches: Tensor) -> Tensor:
    patches = patches.float()
    centred = patches - patches.mean(dim=-1, keepdim=True)
    return centred / (centred.std(dim=-1, keepdim=True) + FLAT)
