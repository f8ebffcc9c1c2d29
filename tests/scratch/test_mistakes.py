import torch

from tp_cnn.scratch.mistakes import error_rate, most_confused


def test_the_share_and_the_pair_that_is_most_often_wrong():
    labels = torch.tensor([4, 4, 9, 9, 9, 1, 1, 1])
    predictions = torch.tensor([9, 9, 4, 9, 9, 1, 1, 1])
    assert error_rate(labels, predictions) == 3 / 8
    assert most_confused(labels, predictions) == (4, 9)
