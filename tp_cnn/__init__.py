"""A lab course on convolutional networks: data, models, training, checks for students."""

__version__ = "0.1.0"
