"""What the benchmark of glimpses times is the same function three times: in Keras, in PyTorch, and in PyTorch tuned."""

import numpy as np
import pytest

import keras_seqcv as ks
from tests.benchmarks import bench_glimpses, glimpses_in_torch

torch = pytest.importorskip("torch")
SIDE, COUNT, PATCH, SCALES, UNITS = 12, 3, 4, 2, 6


def networks():
    """The usual network and the tuned one with the same weights, large enough to look elsewhere."""
    sizes = (COUNT, PATCH, SCALES, UNITS)
    usual, tuned = glimpses_in_torch.usual_network()(*sizes), glimpses_in_torch.tuned_network()(*sizes)
    with torch.no_grad():
        for parameter in usual.parameters():
            parameter.normal_(0, 0.3)
        for name in ("what", "where", "join", "location", "output", "baseline"):
            getattr(tuned, name).load_state_dict(getattr(usual, name).state_dict())
        tuned.cell.weight.copy_(torch.cat([usual.cell.weight_ih, usual.cell.weight_hh], 1))
        tuned.cell.bias.copy_(usual.cell.bias_ih + usual.cell.bias_hh)
    return usual, tuned


def in_keras(usual):
    model = bench_glimpses.model(SIDE, COUNT, PATCH, SCALES, UNITS)
    cell, dense = usual.cell, model.reader.dense
    model.reader.reading.set_weights(
        [cell.weight_ih.detach().T, cell.weight_hh.detach().T, (cell.bias_ih + cell.bias_hh).detach()]
    )
    layers = {"location": dense["location"], "output": model.logits, "baseline": dense["baseline"]}
    for name, layer in {**layers, **{name: dense[name] for name in ("what", "where", "join")}}.items():
        linear = getattr(usual, name)
        layer.set_weights([linear.weight.detach().T, linear.bias.detach()])
    return model


def pictures(count=5):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, SIDE, SIDE, 1)).astype("uint8"), rng.integers(0, 10, count).astype("int32")


def test_patches_at_whole_pixels_are_the_same():
    usual, tuned = networks()
    x = torch.rand(8, 1, SIDE, SIDE)
    corners = np.random.default_rng(1).integers(-2, SIDE - 1, (8, 2))  # of the middle four pixels
    location = torch.as_tensor((corners + 0.5) / (SIDE - 1) * 2 - 1, dtype=torch.float32).clamp(-1, 1)
    location = location[(location.abs() < 1).all(1)]
    x = x[: len(location)]
    assert len(location) > 2
    found = tuned.seen(x, location, tuned.grids(SIDE))
    np.testing.assert_allclose(usual.seen(x, location), found, atol=1e-5)
    sensor = ks.layers.GlimpseSensor(PATCH, SCALES)
    patches = sensor(x.numpy().transpose(0, 2, 3, 1), location.numpy())
    np.testing.assert_allclose(np.reshape(patches, (len(x), -1)), found, atol=1e-5)


def test_all_have_the_same_loss(monkeypatch):
    usual, tuned = networks()
    model, (images, labels) = in_keras(usual), pictures()
    noise = np.random.default_rng(2).standard_normal((5, COUNT, 2)).astype("float32")
    drawn = torch.as_tensor(noise[:, 1:].transpose(1, 0, 2))
    x, y = torch.as_tensor(images[:, None, ..., 0] / 255, dtype=torch.float32), torch.as_tensor(labels).long()

    monkeypatch.setattr(torch, "randn", lambda *shape: drawn)
    wanted = tuned(x, y)
    steps = iter(drawn)
    monkeypatch.setattr(torch.distributions.Normal, "sample", lambda normal: normal.loc + normal.scale * next(steps))
    monkeypatch.setattr(usual, "seen", lambda x, location: tuned.seen(x, location, tuned.grids(SIDE)))
    np.testing.assert_allclose(usual(x, y).item(), wanted.item(), rtol=1e-5)

    monkeypatch.setattr(model, "_noise", lambda pictures: noise)
    found = model.train_on_batch(images, labels, return_dict=True)
    np.testing.assert_allclose(found["loss"], wanted.item(), rtol=1e-5)


def test_a_step_moves_the_same_way(monkeypatch):
    """The gradients of a step, by what one step of plain descent changes."""
    import keras

    usual, tuned = networks()
    model, (images, labels) = in_keras(usual), pictures()
    model.compile(keras.optimizers.SGD(1.0))
    noise = np.random.default_rng(2).standard_normal((5, COUNT, 2)).astype("float32")
    monkeypatch.setattr(torch, "randn", lambda *shape: torch.as_tensor(noise[:, 1:].transpose(1, 0, 2)))
    monkeypatch.setattr(model, "_noise", lambda pictures: noise)
    x, y = torch.as_tensor(images[:, None, ..., 0] / 255, dtype=torch.float32), torch.as_tensor(labels).long()
    tuned(x, y).backward()
    dense = model.reader.dense
    pairs = [(dense[name], getattr(tuned, name)) for name in ("what", "where", "join", "location")]
    pairs += [(model.logits, tuned.output), (dense["baseline"], tuned.baseline)]
    before = [layer.get_weights() for layer, _ in pairs]
    model.train_on_batch(images, labels)
    for (layer, linear), old in zip(pairs, before, strict=True):
        for grad, a, b in zip((linear.weight.grad.T, linear.bias.grad), old, layer.get_weights(), strict=True):
            np.testing.assert_allclose(a - b, grad, atol=1e-5)
