"""The model that is trained in several benchmarks, in Keras and in PyTorch: two recurrent layers over characters."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

WORDS = 65
LEARNING_RATE = 2e-3
CLIP = 5.0


def batch_of_characters(batch: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """One-hot inputs (B, T, V) float32, and targets (B, T) int."""
    ids = np.random.default_rng(0).integers(0, WORDS, (batch, steps + 1))
    return np.eye(WORDS, dtype="float32")[ids[:, :-1]], ids[:, 1:]


def keras_model(layers, kind: str, units: int, **compile_options) -> keras.Model:
    """One-hot characters -> logits, compiled with Adam and clipping by the global norm.

    Args:
        layers: the module that the recurrent layer comes from, `keras.layers` or `keras_seqcv.layers`.
        kind: "LSTM", "GRU" or "SimpleRNN".
        units: of both layers.
        **compile_options: for `compile`, such as `jit_compile`. Without, Keras decides: it compiles a model of
            SimpleRNN by XLA and one of LSTM or GRU not.
    """
    layer = getattr(layers, kind)
    model = keras.Sequential(
        [
            keras.Input((None, WORDS)),
            layer(units, return_sequences=True),
            layer(units, return_sequences=True),
            keras.layers.Dense(WORDS),
        ]
    )
    optimizer = keras.optimizers.Adam(LEARNING_RATE, global_clipnorm=CLIP)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, **compile_options)
    optimizer.build(model.trainable_variables)
    return model


def keras_step(model: keras.Model, *batch: np.ndarray) -> Callable[[], list[float]]:
    """A step of `model.fit` with x, y[, weights], by the function that `fit` itself calls; it returns the loss."""
    model.make_train_function()
    batches = iter(tf.data.Dataset.from_tensors(batch).repeat())

    def step():
        return [float(value) for value in tf.nest.flatten(model.train_function(batches))]

    return step


def torch_step(kind: str, units: int, x: np.ndarray, y: np.ndarray) -> Callable[[], float]:
    """The same step in PyTorch; the function takes another batch, as tensors, if it is to."""
    import torch

    network = torch_layers(kind, WORDS, units, 2)
    output = torch.nn.Linear(units, WORDS)
    parameters = [*network.parameters(), *output.parameters()]
    optimizer = torch.optim.Adam(parameters, LEARNING_RATE)
    x, y = torch.tensor(x), torch.tensor(y)

    def step(x=x, y=y):
        logits = output(network(x)[0])
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, WORDS), y.reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return step


def torch_network_step(network, loss: Callable[[], object]) -> Callable[[], float]:
    """A step of training of a PyTorch network as `keras_model` is trained, of what `loss()` gives; it returns that."""
    import torch

    parameters = [*network.parameters()]
    optimizer = torch.optim.Adam(parameters, LEARNING_RATE)

    def step():
        optimizer.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()
        return value.item()

    return step


def torch_layers(kind: str, features: int, units: int, layers: int):
    """`torch.nn.LSTM`, `GRU` or `RNN` over (B, T, D)."""
    import torch

    kinds = {"LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU, "SimpleRNN": torch.nn.RNN}
    return kinds[kind](features, units, layers, batch_first=True)
