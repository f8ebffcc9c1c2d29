"""One architecture a file, its paper named in its docstring."""

from tp_cnn.models.cifarnet import CifarNet
from tp_cnn.models.dense import Dense, hidden_for
from tp_cnn.models.lenet5 import LeNet5
from tp_cnn.models.summary import count_weights, summary

__all__ = ["CifarNet", "Dense", "LeNet5", "count_weights", "hidden_for", "summary"]
