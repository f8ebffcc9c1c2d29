"""What students could answer in notebook 01, written as they would: loops, NumPy, PyTorch."""

import math

import numpy as np
import torch
from torch import nn

from tests.checks.wrong_answers import Answers


def correlate2d(image, kernel):
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.tensordot(windows, kernel, axes=2)


def convolve2d(image, kernel):
    return correlate2d(image, np.rot90(kernel, 2))


def slide(signal, kernel, positions_forgotten=0):
    positions = range(len(signal) - len(kernel) + 1 - positions_forgotten)
    return [sum(signal[t + a] * kernel[a] for a in range(len(kernel))) for t in positions]


def loops(image, kernel, stride=1, padding=0, forgotten=0, square=False):
    image = np.pad(image, padding)
    height, width = image.shape
    width = height if square else width
    size = len(kernel)
    return [
        [
            (image[i : i + size, j : j + size] * kernel).sum()
            for j in range(0, width - size + 1 - forgotten, stride)
        ]
        for i in range(0, height - size + 1 - forgotten, stride)
    ]


def swapped_loops(image, kernel):
    size = len(kernel)
    height, width = image.shape
    output = np.zeros((height - size + 1, width - size + 1))
    for i in range(height - size + 1):
        for j in range(width - size + 1):
            output[i, j] = (image[j : j + size, i : i + size] * kernel).sum()
    return output


def strided(image, kernel, stride, padding, **bad):
    return correlate2d(np.pad(image, padding, **bad), kernel)[::stride, ::stride]


def channels(image, kernels, bias, repeated=1):
    rows = []
    for kernel, offset in zip(kernels, bias, strict=True):
        rows.append(
            sum(correlate2d(image[c], kernel[c]) for c in range(len(image))) + repeated * offset
        )
    return np.stack(rows)


def layer(images, kernels, bias, stride, padding):
    filters, depth, size, _ = kernels.shape
    conv = nn.Conv2d(depth, filters, size, stride, padding, dtype=torch.float64)
    conv.weight.data, conv.bias.data = torch.tensor(kernels), torch.tensor(bias)
    return conv(torch.tensor(images))


def batch_loops(images, kernels, bias, stride, padding):
    padded = np.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    outputs = [channels(image, kernels, bias)[:, ::stride, ::stride] for image in padded]
    return np.array(outputs)


def pooled(operation, image, size, stride):
    height, width = image.shape
    return [
        [operation(image[i : i + size, j : j + size]) for j in range(0, width - size + 1, stride)]
        for i in range(0, height - size + 1, stride)
    ]


def pooled_by(operation):
    return lambda image, size, stride: pooled(operation, image, size, stride)


def torch_pool(layer):
    return lambda image, size, stride: layer(size, stride)(torch.tensor(image)[None])[0]


def leaking_maximum(window):
    best = 0
    for value in window.flatten():
        best = max(best, value)
    return best


def relu_loop(values):
    result = values.copy()
    result[result < 0] = 0
    return result


def field_backward(layers):
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field


def field_forward(layers, early=False):
    field, jump = 1, 1
    for kernel, stride in layers:
        jump = jump * stride if early else jump
        field += (kernel - 1) * jump
        jump = jump if early else jump * stride
    return field


def vgg_by_layers(size):
    for _ in range(5):
        size = size // 2
    return size - 6


IMAGE = [[2, -1, -1, 3], [-2, 1, 2, -1], [0, 0, 2, 3], [2, -1, -3, 2]]
BINARY = [[1, 0, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 1], [1, 0, 0, 1, 1], [1, 1, 1, 0, 0]]
EDGES = [[-1, -1, 1], [-2, 0, 2], [-1, 0, 1]]


def norm(values):
    return math.sqrt((values**2).sum())


def filled(window):
    """The notebook's template of the second version, its window as a student wrote it."""

    def student(image, kernel, stride, padding):
        k, s, p = len(kernel), stride, padding
        rows, columns = ((side + 2 * p - k) // s + 1 for side in image.shape)
        names = {"image": image, "padded": np.pad(image, p), "twice": np.pad(image, 2 * p)}
        out = np.zeros((rows, columns))
        for i in range(rows):
            for j in range(columns):
                found = eval(window, {**names, "i": i, "j": j, "k": k, "s": s, "p": p})
                out[i, j] = np.sum(found * kernel)
        return out

    return student


def pool_filled(summary, window):
    """The same for the template of pooling."""

    def student(image, size, stride):
        rows, columns = ((side - size) // stride + 1 for side in image.shape)
        out = np.zeros((rows, columns))
        for i in range(rows):
            for j in range(columns):
                names = {"image": image, "i": i, "j": j, "k": size, "s": stride}
                out[i, j] = summary(eval(window, names))
        return out

    return student


ANSWERS = {
    "correlation_by_hand": Answers(
        right=[[3, 4, 14, 18], torch.tensor([3.0, 4, 14, 18], requires_grad=True)],
        wrong={"mirror": [2, 6, 16, 17], "jumps": (3, 14), "overrun": [3, 4, 14, 18, 9]},
    ),
    "max_pooling_by_hand": Answers(
        right=[[4, 14, 18], np.array([4.0, 14, 18])],
        wrong={"jumps": [4, 18], "signal": [1, 2, 4, 4], "average": [3.5, 9, 16]},
    ),
    "correlation_1d": Answers(
        right=[slide, lambda signal, kernel: np.correlate(signal, kernel)],
        wrong={
            "mirror": lambda signal, kernel: np.convolve(signal, kernel, "valid"),
            "plus-one": lambda signal, kernel: slide(signal, kernel, 1),
            "overrun": lambda signal, kernel: [
                (signal[t : t + len(kernel)] * kernel[: len(signal) - t]).sum()
                for t in range(len(signal))
            ],
            "mean": lambda signal, kernel: [s / len(kernel) for s in slide(signal, kernel)],
        },
    ),
    "convolution_1d": Answers(
        right=[
            np.convolve,
            lambda signal, kernel: slide(np.pad(signal, len(kernel) - 1), kernel[::-1]),
        ],
        wrong={
            "no-mirror": lambda signal, kernel: np.correlate(signal, kernel, "full"),
            "valid": lambda signal, kernel: slide(signal, kernel[::-1]),
            "correlation": slide,
            "same": lambda signal, kernel: np.convolve(signal, kernel, mode="same"),
        },
    ),
    "worked_example": Answers(
        right=[[[-3, 1, 6], [4, 5, -1], [-1, 1, 6]], loops(IMAGE, [[-1, 2], [0, 1]])],
        wrong={
            "mirror": [[-3, -1, 4], [-2, -1, 3], [5, 1, -6]],
            "transposed": [[-5, 5, 4], [2, 1, 5], [3, -5, -6]],
            "jumps": [[-3, 6], [-1, 6]],
            "overrun": loops(np.pad(IMAGE, (0, 1)), [[-1, 2], [0, 1]]),
        },
    ),
    "worked_example_relu": Answers(
        right=[
            [[0, 1, 6], [4, 5, 0], [0, 1, 6]],
            torch.relu(torch.tensor([[-3, 1, 6], [4, 5, -1], [-1, 1, 6]])),
        ],
        wrong={
            "absolute": [[3, 1, 6], [4, 5, 1], [1, 1, 6]],
            "clipped": [[0, 1, 1], [1, 1, 0], [0, 1, 1]],
            "unchanged": [[-3, 1, 6], [4, 5, -1], [-1, 1, 6]],
        },
    ),
    "vertical_edges": Answers(
        right=[EDGES, torch.tensor(EDGES)],
        wrong={
            "mirror": [[1, 1, -1], [2, 0, -2], [1, 0, -1]],
            "horizontal": [[-2, -1, -1], [-1, 0, 2], [3, 2, 0]],
            "padded": loops(BINARY, [[-1, 0, 1]] * 3, padding=1),
        },
    ),
    "relu": Answers(
        right=[relu_loop, lambda values: torch.relu(torch.tensor(values))],
        wrong={
            "absolute": abs,
            "clipped": lambda values: torch.tensor(values).clamp(0, 1),
            "negative-part": lambda values: values * (values < 0),
            "step": lambda values: np.heaviside(values, 0),
            "leaky": lambda values: nn.functional.leaky_relu(torch.tensor(values)),
        },
    ),
    "correlation_2d": Answers(
        right=[loops, correlate2d],
        wrong={
            "mirror": convolve2d,
            "transposed": lambda image, kernel: loops(image, np.transpose(kernel)),
            "swapped": swapped_loops,
            "plus-one": lambda image, kernel: loops(image, kernel, forgotten=1),
            "square": lambda image, kernel: loops(image, kernel, square=True),
        },
    ),
    "correlation_2d_strided": Answers(
        right=[loops, strided],
        wrong={
            "padding-ignored": lambda image, kernel, stride, padding: loops(image, kernel, stride),
            "stride-ignored": lambda image, kernel, stride, padding: loops(
                image, kernel, 1, padding
            ),
            "one-sided": lambda image, kernel, stride, padding: loops(
                np.pad(image, ((padding, 0), (padding, 0))), kernel, stride
            ),
            "replicated": lambda *arguments: strided(*arguments, mode="edge"),
            "mirror": lambda image, kernel, *others: loops(image, np.flip(kernel), *others),
            "unframed-window": filled("image[i * s : i * s + k, j * s : j * s + k]"),
            "framed-twice": filled("twice[i * s : i * s + k, j * s : j * s + k]"),
            "corner-without-stride": filled("padded[i : i + k, j : j + k]"),
            "one-axis": filled("padded[i * s : i * s + k, j : j + k]"),
            "corner-by-kernel": filled("padded[i * k : i * k + k, j * k : j * k + k]"),
            "padding-subtracted": filled(
                "padded[i * s - p : i * s - p + k, j * s - p : j * s - p + k]"
            ),
            "stride-in-window": filled("padded[i * s : i * s + k : s, j * s : j * s + k : s]"),
        },
    ),
    "convolution_channels": Answers(
        right=[
            channels,
            lambda image, kernels, bias: (
                np.einsum(
                    "chwij,fcij->fhw",
                    np.lib.stride_tricks.sliding_window_view(image, kernels.shape[2:], (1, 2)),
                    kernels,
                )
                + bias[:, None, None]
            ),
        ],
        wrong={
            "no-bias": lambda image, kernels, bias: channels(image, kernels, bias, repeated=0),
            "repeated-bias": lambda image, kernels, bias: channels(
                image, kernels, bias, repeated=len(image)
            ),
            "first-channel": lambda image, kernels, bias: [
                correlate2d(image[0], kernel[0]) + b
                for kernel, b in zip(kernels, bias, strict=True)
            ],
            "mean": lambda image, kernels, bias: (
                channels(image, kernels, 0 * bias) / len(image) + bias[:, None, None]
            ),
            "mirror": lambda image, kernels, bias: channels(image, np.flip(kernels, (2, 3)), bias),
            "channels-first": lambda image, kernels, bias: [
                correlate2d(sum(image), sum(kernel)) + b
                for kernel, b in zip(kernels, bias, strict=True)
            ],
        },
    ),
    "convolution_batch": Answers(
        right=[layer, batch_loops],
        wrong={
            "no-bias": lambda images, kernels, bias, stride, padding: layer(
                images, kernels, 0 * bias, stride, padding
            ),
            "same-image": lambda images, *others: [batch_loops(images, *others)[0]] * len(images),
            "axes": lambda *arguments: batch_loops(*arguments).transpose(1, 0, 2, 3),
            "padding-ignored": lambda images, kernels, bias, stride, padding: batch_loops(
                images, kernels, bias, stride, 0
            ),
            "stride-ignored": lambda images, kernels, bias, stride, padding: layer(
                images, kernels, bias, 1, padding
            ),
            "mirror": lambda images, kernels, *others: batch_loops(
                images, np.flip(kernels, (2, 3)), *others
            ),
        },
    ),
    "output_size": Answers(
        right=[
            lambda size, kernel, stride, padding: math.floor(
                (size - kernel + 2 * padding) / stride + 1
            ),
            lambda size, kernel, stride, padding: len(
                range(0, size + 2 * padding - kernel + 1, stride)
            ),
        ],
        wrong={
            "plus-one": lambda size, kernel, stride, padding: int(
                (size + 2 * padding - kernel) / stride
            ),
            "early-one": lambda size, kernel, stride, padding: (
                (size - kernel + 1 + 2 * padding) // stride
            ),
            "padding-once": lambda size, kernel, stride, padding: (
                1 + (size + padding - kernel) // stride
            ),
            "ceil": lambda size, kernel, stride, padding: (
                math.ceil((size + 2 * padding - kernel) / stride) + 1
            ),
            "no-floor": lambda size, kernel, stride, padding: (
                (size + 2 * padding - kernel) / stride + 1
            ),
            "padding-ignored": lambda size, kernel, stride, padding: (
                math.floor((size - kernel) / stride) + 1
            ),
            "stride-ignored": lambda size, kernel, stride, padding: (
                size - (kernel - 1) + padding * 2
            ),
            "nearest": lambda size, kernel, stride, padding: (
                round((size - kernel + 2 * padding) / stride) + 1
            ),
        },
    ),
    "output_shape": Answers(
        right=[
            lambda x, y, filters, kernel, stride, padding: [
                *((n + 2 * padding - kernel + stride) // stride for n in (x, y)),
                filters,
            ],
            lambda x, y, filters, kernel, stride, padding: (
                len(range(0, x + 2 * padding - kernel + 1, stride)),
                len(range(0, y + 2 * padding - kernel + 1, stride)),
                filters,
            ),
        ],
        wrong={
            "one-filter": lambda x, y, filters, kernel, stride, padding: (
                *((n + 2 * padding - kernel) // stride + 1 for n in (x, y)),
                1,
            ),
            "depth-slid": lambda x, y, filters, kernel, stride, padding: [
                (n + 2 * padding - kernel) // stride + 1 for n in (x, y, filters)
            ],
            "swapped": lambda x, y, filters, kernel, stride, padding: (
                *((n + 2 * padding - kernel) // stride + 1 for n in (y, x)),
                filters,
            ),
            "filters-first": lambda x, y, filters, kernel, stride, padding: (
                filters,
                *((n + 2 * padding - kernel) // stride + 1 for n in (x, y)),
            ),
            "square": lambda x, y, filters, kernel, stride, padding: (
                *[(x + 2 * padding - kernel) // stride + 1] * 2,
                filters,
            ),
            "two-numbers": lambda x, y, filters, kernel, stride, padding: [
                (n + 2 * padding - kernel) // stride + 1 for n in (x, y)
            ],
        },
    ),
    "filter_weights": Answers(
        right=[76, sum(p.numel() for p in nn.Conv2d(3, 1, 5).parameters())],
        wrong={"depth": 26, "no-bias": 75.0, "repeated-bias": torch.tensor(78)},
    ),
    "neuron_weights": Answers(
        right=[1876, sum(p.numel() for p in nn.Linear(25 * 25 * 3, 1).parameters())],
        wrong={"depth": 626, "no-bias": 1875, "repeated-bias": 3 * 626},
    ),
    "conv_weights": Answers(
        right=[
            lambda kernel, channels, filters: sum(
                weights.numel() for weights in nn.Conv2d(channels, filters, kernel).parameters()
            ),
            lambda kernel, channels, filters: filters + filters * channels * kernel * kernel,
        ],
        wrong={
            "depth": lambda kernel, channels, filters: (kernel * kernel + 1) * filters,
            "no-bias": lambda kernel, channels, filters: nn.Conv2d(
                channels, filters, kernel
            ).weight.numel(),
            "one-bias": lambda kernel, channels, filters: 1 + filters * channels * kernel * kernel,
            "side": lambda kernel, channels, filters: filters + filters * channels * kernel,
            "one-filter": lambda kernel, channels, filters: sum([kernel * kernel * channels, 1]),
        },
    ),
    "dense_weights": Answers(
        right=[
            lambda height, width, channels, out_height, out_width: sum(
                weights.numel()
                for weights in nn.Linear(
                    height * width * channels, out_height * out_width
                ).parameters()
            ),
            lambda height, width, channels, out_height, out_width: (
                out_height * out_width + out_height * out_width * height * width * channels
            ),
        ],
        wrong={
            "depth": lambda height, width, channels, out_height, out_width: (
                out_height * out_width * (1 + width * height)
            ),
            "no-bias": lambda *sizes: math.prod(sizes),
            "one-neuron": lambda height, width, channels, *output: 1 + height * width * channels,
            "one-bias": lambda *sizes: math.prod(sizes) + 1,
        },
    ),
    "same_padding": Answers(
        right=[lambda kernel: kernel // 2, lambda kernel: (kernel - 1) / 2],
        wrong={
            "total": lambda kernel: 2 * (kernel // 2),
            "too-large": lambda kernel: kernel // 2 + 1,
            "half": lambda kernel: 0.5 * kernel,
        },
    ),
    "max_pool_table": Answers(
        right=[[[6, 8], [14, 16]], nn.MaxPool2d(2)(torch.arange(1.0, 17).reshape(1, 4, 4))[0]],
        wrong={
            "average": [[3.5, 5.5], [11.5, 13.5]],
            "minimum": [[1, 3], [9, 11]],
            "stride-ignored": [[6, 7, 8], [10, 11, 12], [14, 15, 16]],
        },
    ),
    "max_pool": Answers(
        right=[pooled_by(np.max), torch_pool(nn.MaxPool2d)],
        wrong={
            "average": pooled_by(np.mean),
            "minimum": pooled_by(np.min),
            "zero-start": pooled_by(leaking_maximum),
            "stride-ignored": lambda image, size, stride: pooled(np.max, image, size, 1),
            "stride-is-size": lambda image, size, stride: nn.MaxPool2d(size)(
                torch.tensor(image)[None]
            )[0],
            "corner-without-stride": pool_filled(np.max, "image[i : i + k, j : j + k]"),
            "window-of-stride": pool_filled(np.max, "image[i * s : i * s + s, j * s : j * s + s]"),
            "one-axis": pool_filled(np.max, "image[i * s : i * s + k, j : j + k]"),
            "corner-by-size": pool_filled(np.max, "image[i * k : i * k + k, j * k : j * k + k]"),
        },
    ),
    "average_pool": Answers(
        right=[pooled_by(np.mean), torch_pool(nn.AvgPool2d)],
        wrong={
            "maximum": pooled_by(np.max),
            "sum": pooled_by(np.sum),
            "side": pooled_by(lambda window: window.sum() / len(window)),
            "stride-is-size": lambda image, size, stride: pooled(np.mean, image, size, size),
            "corner-without-stride": pool_filled(np.mean, "image[i : i + k, j : j + k]"),
            "window-of-stride": pool_filled(np.mean, "image[i * s : i * s + s, j * s : j * s + s]"),
            "one-axis": pool_filled(np.mean, "image[i * s : i * s + k, j : j + k]"),
        },
    ),
    "fragment_value": Answers(
        right=[0.77, 7 / 9, 0.78],
        wrong={"sum": 7, "agreement": 0.89, "lit": 0.67},
    ),
    "feature_map": Answers(
        right=[
            lambda image, fragment: correlate2d(image, fragment) / fragment.size,
            lambda image, fragment: loops(image, fragment / fragment.shape[0] ** 2),
        ],
        wrong={
            "sum": loops,
            "agreement": lambda image, fragment: pooled(
                lambda window: (window == fragment).mean(), image, len(fragment), 1
            ),
            "side": lambda image, fragment: loops(image, fragment / fragment.shape[0]),
            "mirror": lambda image, fragment: convolve2d(image, fragment) / fragment.size,
        },
    ),
    "box_blur": Answers(
        right=[[[1 / 9] * 3] * 3, torch.ones(3, 3) / 9],
        wrong={
            "sum": [[1] * 3] * 3,
            "side": torch.ones(3, 3) / 3,
            "gaussian": np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16,
        },
    ),
    "edge_kernel": Answers(
        right=[[[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], 9 * np.diag([0, 1, 0]) - np.ones((3, 3))],
        wrong={
            "sharpen": [[-1, -1, -1], [-1, 9, -1], [-1, -1, -1]],
            "four-neighbours": [[-1, -1, -1], [-1, 4, -1], [-1, -1, -1]],
            "sign": [[-1, -1, -1], [-1, -8, -1], [-1, -1, -1]],
        },
    ),
    "shift_change": Answers(
        right=[
            lambda before, after: norm(before - after) / norm(before),
            lambda before, after: (
                torch.dist(torch.tensor(before), torch.tensor(after)) / torch.tensor(before).norm()
            ),
        ],
        wrong={
            "absolute": lambda before, after: norm(after - before),
            "reference": lambda before, after: norm(after - before) / norm(after),
            "squared": lambda before, after: ((after - before) ** 2).sum() / (before**2).sum(),
            "norms": lambda before, after: abs(norm(after) - norm(before)) / norm(before),
        },
    ),
    "dense_kernel_shape": Answers(
        right=[
            lambda channels, height, width, outputs: [outputs, channels, height, width],
            lambda channels, height, width, outputs: (
                nn.Conv2d(channels, outputs, (height, width)).weight.shape
            ),
        ],
        wrong={
            "pointwise": lambda channels, height, width, outputs: (
                nn.Conv2d(channels, outputs, 1).weight.shape
            ),
            "flattened": lambda channels, height, width, outputs: (
                nn.Conv2d(channels * height * width, outputs, 1).weight.shape
            ),
            "swapped": lambda channels, height, width, outputs: (
                nn.ConvTranspose2d(channels, outputs, (height, width)).weight.shape
            ),
            "channels-last": lambda channels, height, width, outputs: np.array(
                [outputs, height, width, channels]
            ),
        },
    ),
    "dense_to_kernel": Answers(
        right=[
            lambda weights, channels, height, width: torch.tensor(weights).unflatten(
                1, (channels, height, width)
            ),
            lambda weights, *shape: [row.reshape(shape) for row in weights],
        ],
        wrong={
            "channels-last": lambda weights, channels, height, width: (
                torch.tensor(weights).reshape(-1, height, width, channels).permute(0, 3, 1, 2)
            ),
            "columns-first": lambda weights, *shape: [
                row.reshape(shape, order="C").reshape(shape[0], shape[2], shape[1]).swapaxes(1, 2)
                for row in weights
            ],
            "mirror": lambda weights, *shape: torch.tensor(weights).reshape(-1, *shape).flip(2, 3),
            "flattened": lambda weights, channels, height, width: weights.reshape(
                *weights.shape, 1, 1
            ),
        },
    ),
    "vgg_map_size": Answers(
        right=[vgg_by_layers, lambda size: 1 + (size - 224) // 32],
        wrong={
            "no-kernel": lambda size: math.floor(size / 32),
            "plus-one": lambda size: (size - 224) // 32,
            "no-stride": lambda size: size - 223,
            "no-floor": lambda size: (size - 224) / 32 + 1,
            "nominal": lambda size: 1,
        },
    ),
    "first_fields": Answers(
        right=[(3, 5), [field_backward([(3, 1)] * depth) for depth in (1, 2)]],
        wrong={"sum": [3, 6], "own-kernel": [3, 3], "product": [3, 9], "area": [9, 25]},
    ),
    "receptive_field": Answers(
        right=[field_backward, field_forward],
        wrong={
            "sum": lambda layers: sum(layer[0] for layer in layers),
            "stride-ignored": lambda layers: field_backward([(kernel, 1) for kernel, _ in layers]),
            "product": lambda layers: math.prod(kernel for kernel, _ in layers),
            "first-pixel": lambda layers: field_forward([(k + 1, stride) for k, stride in layers]),
            "early-jump": lambda layers: field_forward(layers, early=True),
            "from-zero": lambda layers: field_backward(layers) - 1,
        },
    ),
}
