"""What the benchmark of DRAW times is the same function three times: in Keras, in PyTorch, and in PyTorch tuned."""

import numpy as np
import pytest

import keras_seqcv as ks
from tests.benchmarks import draw_in_torch

torch = pytest.importorskip("torch")
SIDE, STEPS, UNITS, LATENT = 8, 3, 6, 4


@pytest.fixture
def without_noise(monkeypatch):
    monkeypatch.setattr(torch, "randn", torch.zeros)
    monkeypatch.setattr(torch, "randn_like", torch.zeros_like)


def tuned_as(usual, grid):
    """The tuned network with the weights of the usual one."""
    tuned = draw_in_torch.tuned_network()(SIDE, STEPS, UNITS, LATENT, *grid)
    encoder, decoder, seen = usual.encoder, usual.decoder, usual.encoder.weight_ih
    heads = [usual.patch, usual.writes, usual.reads] if grid[0] else [usual.patch]
    for linear, parts in ((tuned.latent, [usual.mean, usual.log_deviation]), (tuned.head, heads)):
        linear.weight.copy_(torch.cat([part.weight for part in parts]))
        linear.bias.copy_(torch.cat([part.bias for part in parts]))
    if not grid[0]:
        of_x, seen = seen[:, : SIDE**2], seen[:, SIDE**2 :]
        tuned.seen.weight.copy_(of_x + seen[:, : SIDE**2])
    tuned.encoder.weight.copy_(torch.cat([seen, encoder.weight_hh], 1))
    tuned.decoder.weight.copy_(torch.cat([decoder.weight_ih, decoder.weight_hh], 1))
    for linear, cell in ((tuned.encoder, encoder), (tuned.decoder, decoder)):
        linear.bias.copy_(cell.bias_ih + cell.bias_hh)
    return tuned


def in_keras(usual, tuned, grid):
    model = ks.models.DRAW((SIDE, SIDE, 1), STEPS, UNITS, LATENT, *grid)
    for mine, cell in ((model.encoder, usual.encoder), (model.decoder, usual.decoder)):
        mine.set_weights([cell.weight_ih.T.numpy(), cell.weight_hh.T.numpy(), (cell.bias_ih + cell.bias_hh).numpy()])
    for mine, linear in ((model.latent, tuned.latent), (model.head, tuned.head)):
        mine.set_weights([linear.weight.T.numpy(), linear.bias.numpy()])
    return model


@pytest.mark.parametrize("grid", [(2, 5), (None, None)])
def test_all_say_the_same(without_noise, grid):
    usual = draw_in_torch.usual_network()(SIDE, STEPS, UNITS, LATENT, *grid)
    with torch.no_grad():
        for parameter in usual.parameters():
            parameter.normal_(0, 0.3)
        tuned, x = tuned_as(usual, grid), torch.rand(5, SIDE, SIDE)
        wanted, nats = usual(x)
        found, other = tuned(x)
        np.testing.assert_allclose(found, wanted, atol=1e-5)
        np.testing.assert_allclose(other, nats, rtol=1e-5)
        model = in_keras(usual, tuned, grid)
        canvas, kl = model.copied(x.numpy()[..., None], None, np.zeros((5, STEPS, LATENT), "float32"))
        np.testing.assert_allclose(canvas[..., 0], wanted, atol=1e-5)
        np.testing.assert_allclose(np.sum(kl), nats, rtol=1e-5)
