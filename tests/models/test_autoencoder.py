"""Auto-encoders: shapes, and the linear one against PCA."""

import numpy as np
import pytest
import torch
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

from tp_cnn.models.autoencoder import ConvAutoEncoder, LinearAutoEncoder


@pytest.mark.parametrize("latent", [1, 2, 16])
def test_an_image_goes_through_its_code_and_back(latent):
    model, images = ConvAutoEncoder(latent), torch.rand(3, 1, 28, 28)
    assert model.encoder(images).shape == (3, latent)
    assert model(images).shape == images.shape
    model(images).square().sum().backward()
    assert all(weights.grad.abs().sum() > 0 for weights in model.parameters())


@pytest.mark.parametrize("seed", range(3))
def test_a_linear_auto_encoder_spans_the_subspace_of_pca(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(300, 8)) * [5, 4, 3, 1, 0.5, 0.5, 0.2, 0.1]
    points -= points.mean(0)
    torch.manual_seed(seed)
    model, data = LinearAutoEncoder(8, 3), torch.tensor(points, dtype=torch.float32)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(800):
        loss = (model(data) - data).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    spanned = model.decoder.weight.detach().numpy()
    components = PCA(3).fit(points).components_.T
    assert np.degrees(subspace_angles(spanned, components).max()) < 3
