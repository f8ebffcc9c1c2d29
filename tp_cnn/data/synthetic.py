"""Two sets that need no network: scikit-learn's real digits, and generated coloured shapes."""

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

DIGITS_TEST = 360
SHAPES = (
    "disque",
    "anneau",
    "demi-disque",
    "croissant",
    "triangle",
    "carré",
    "rectangle",
    "croix",
    "étoile",
    "cœur",
)
CHUNK = 500  # images drawn together; the first n images of a seed do not depend on n
SIDE = 32
TILT = math.pi / 6


def digits(split: str) -> tuple[Tensor, Tensor]:
    """Real handwritten digits: 1,437 for training, 360 for test, the same share of each class.

    They are the 1,797 8×8 images that come with scikit-learn (E. Alpaydin and C. Kaynak, "Optical
    recognition of handwritten digits", UCI, 1998), enlarged to 28×28.

    Returns:
        images: uint8 (N, 1, 28, 28).
        labels: int64 (N).
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    images = torch.tensor(bunch.images, dtype=torch.float32).unsqueeze(1)  # (1797, 1, 8, 8), 0..16
    images = F.interpolate(images, size=(28, 28), mode="bilinear", align_corners=False)
    images = (images * (255 / 16)).round().to(torch.uint8)
    labels = torch.tensor(bunch.target, dtype=torch.int64)
    train, test = train_test_split(
        range(len(labels)), test_size=DIGITS_TEST, stratify=bunch.target, random_state=0
    )
    chosen = train if split == "train" else test
    return images[chosen], labels[chosen]


def shapes(n: int, split: str = "train", seed: int = 0) -> tuple[Tensor, Tensor]:
    """``n`` images of one shape each, on a cluttered background; the classes are `SHAPES`.

    Place, size, angle, colours, background and clutter are drawn at random, so that no pixel tells
    the class by itself. The images are a function of ``split``, ``seed`` and their rank alone.

    Returns:
        images: uint8 (n, 3, 32, 32).
        labels: int64 (n), in equal shares.
    """
    chunks = [_draw_chunk(split, seed, start // CHUNK) for start in range(0, n, CHUNK)]
    if not chunks:
        return torch.empty(0, 3, SIDE, SIDE, dtype=torch.uint8), torch.empty(0, dtype=torch.int64)
    return (
        torch.cat([images for images, _ in chunks])[:n],
        torch.cat([labels for _, labels in chunks])[:n],
    )


@lru_cache(maxsize=32)  # all those of the set called "shapes", which notebooks ask for many times
def _draw_chunk(split: str, seed: int, rank: int) -> tuple[Tensor, Tensor]:
    stream = (seed * 2 + (split == "test")) * 1_000_000 + rank
    generator = torch.Generator().manual_seed(stream)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(CHUNK, *shape, generator=generator)

    labels = torch.randperm(CHUNK, generator=generator) % len(SHAPES)
    axis = torch.arange(SIDE) + 0.5
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    grid = torch.stack([x, y], dim=-1)  # (32, 32, 2), centres of the pixels

    images = _gradient(grid, uniform(0, 1, 2, 3), uniform(0, 2 * math.pi))
    background = images.mean(dim=(1, 2))  # (chunk, 3)
    for _ in range(2):  # strokes behind the shape, in colours close to the background's
        ends, width = uniform(0, SIDE, 2, 2), uniform(0.3, 1.2)
        colour = torch.lerp(background, uniform(0, 1, 3), 0.5)
        images = _paint(images, _segment(grid, ends) - width[:, None, None], colour)

    radius = uniform(8, 14)
    centre = uniform(0, 1, 2) * (SIDE - 2 * radius[:, None]) + radius[:, None]
    local = _to_shape(grid, centre, uniform(-TILT, TILT), radius)
    distance = torch.empty(CHUNK, SIDE, SIDE)
    for label, shape in enumerate(DISTANCES):
        chosen = labels == label
        distance[chosen] = shape(local[chosen])
    colour = uniform(0, 1, 3)
    near = (colour - background).norm(dim=1, keepdim=True) < 0.5
    colour = torch.where(near, (colour + 0.5) % 1, colour)  # far enough from the background
    images = _paint(images, distance * radius[:, None, None], colour)

    for _ in range(2):  # spots in front of it
        spot = (grid - uniform(0, SIDE, 1, 1, 2)).norm(dim=-1) - uniform(0.5, 1.8)[:, None, None]
        images = _paint(images, spot, uniform(0, 1, 3))
    noise = 0.04 * torch.randn(images.shape, generator=generator)
    images = ((images + noise).clamp(0, 1) * 255).round().to(torch.uint8)
    return images.permute(0, 3, 1, 2).contiguous(), labels


def _gradient(grid: Tensor, colours: Tensor, angle: Tensor) -> Tensor:
    """A background that goes from one colour to another: (chunk, 32, 32, 3)."""
    direction = torch.stack([angle.cos(), angle.sin()], dim=-1)  # (chunk, 2)
    along = torch.einsum("hwd,nd->nhw", grid - SIDE / 2, direction) / (SIDE * math.sqrt(2)) + 0.5
    first, last = colours[:, 0, None, None], colours[:, 1, None, None]
    return torch.lerp(first, 0.5 * first + 0.5 * last, along[..., None])


def _paint(images: Tensor, distance: Tensor, colour: Tensor) -> Tensor:
    """Fill where ``distance`` (to the outline, in pixels) is negative; the edge is smooth."""
    cover = (0.5 - distance).clamp(0, 1)[..., None]
    return torch.lerp(images, colour[:, None, None], cover)


def _to_shape(grid: Tensor, centre: Tensor, angle: Tensor, radius: Tensor) -> Tensor:
    """Coordinates in the frame of a shape of radius 1: (chunk, 32, 32, 2)."""
    offset = (grid - centre[:, None, None]) / radius[:, None, None, None]
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    x, y = offset.unbind(-1)
    return torch.stack([cos * x + sin * y, cos * y - sin * x], dim=-1)


def _segment(grid: Tensor, ends: Tensor) -> Tensor:
    """Distance of each pixel to a segment: (chunk, 32, 32)."""
    start, direction = ends[:, 0, None, None], (ends[:, 1] - ends[:, 0])[:, None, None]
    offset = grid - start
    along = (offset * direction).sum(-1) / (direction**2).sum(-1).clamp(min=1e-6)
    return (offset - along.clamp(0, 1)[..., None] * direction).norm(dim=-1)


# Distances to the outline of each shape, negative inside, of points (N, 32, 32, 2) in its frame.


def _disc(p: Tensor, x: float = 0.0, y: float = 0.0, radius: float = 0.9) -> Tensor:
    return (p - torch.tensor([x, y])).norm(dim=-1) - radius


def _box(p: Tensor, width: float, height: float) -> Tensor:
    return torch.maximum(p[..., 0].abs() - width, p[..., 1].abs() - height)


def _polygon(p: Tensor, sides: int, apothem: float) -> Tensor:
    angles = torch.arange(sides) * (2 * math.pi / sides) + math.pi / 2  # a side lies at the bottom
    return (p @ torch.stack([angles.cos(), angles.sin()])).amax(dim=-1) - apothem


def _star(p: Tensor, outer: float = 1.0, inner: float = 0.42) -> Tensor:
    """A star of five branches: folded onto half a branch, its outline is one straight line."""
    half = math.pi / 5
    angle = torch.remainder(torch.atan2(p[..., 0], -p[..., 1]) + half, 2 * half) - half
    radius = p.norm(dim=-1)
    x, y = radius * angle.cos(), radius * angle.sin().abs()
    along_x, along_y = inner * math.cos(half) - outer, inner * math.sin(half)
    return (y * -along_x + (x - outer) * along_y) / math.hypot(along_x, along_y)


def _heart(p: Tensor) -> Tensor:
    """A square on its corner, with a disc on each of its two upper sides."""
    turned = p @ torch.tensor([[1.0, 1.0], [1.0, -1.0]]) / math.sqrt(2)
    discs = torch.minimum(_disc(p, -0.35, -0.35, 0.5), _disc(p, 0.35, -0.35, 0.5))
    return torch.minimum(_box(turned, 0.5, 0.5), discs)


DISTANCES = (
    _disc,
    lambda p: (p.norm(dim=-1) - 0.7).abs() - 0.2,
    lambda p: torch.maximum(_disc(p, 0, -0.4, 0.95), -p[..., 1] - 0.4),
    lambda p: torch.maximum(_disc(p), -_disc(p, 0.5, 0, 0.75)),
    lambda p: _polygon(p, 3, 0.5),
    lambda p: _box(p, 0.7, 0.7),
    lambda p: _box(p, 0.95, 0.4),
    lambda p: torch.minimum(_box(p, 0.95, 0.28), _box(p, 0.28, 0.95)),
    _star,
    _heart,
)
