"""The training loop of the course, its history, and a whole run from a recipe."""

from tp_cnn.training.loop import Measure, epoch, evaluate, fit, predict, step

__all__ = ["Measure", "epoch", "evaluate", "fit", "predict", "step"]
