"""The networks that are compared, each with as many units in every layer."""

import keras

import keras_seqcv as ks


def _plain(units, **options):
    return ks.layers.SimpleRNN(units, recurrent_initializer="glorot_uniform", **options)


def _orthogonal(units, **options):
    return ks.layers.SimpleRNN(units, recurrent_initializer="orthogonal", **options)


def _identity(units, **options):
    small = keras.initializers.RandomNormal(stddev=0.001)
    return ks.layers.SimpleRNN(
        units, activation="relu", recurrent_initializer="identity", kernel_initializer=small, **options
    )


CELLS = {
    "SimpleRNN": _plain,
    "SimpleRNN, orthogonal": _orthogonal,
    "SimpleRNN, identity, relu": _identity,
    "LSTM": ks.layers.LSTM,
    "GRU": ks.layers.GRU,
}


def network(cell: str, task: str, layers: int, units: int, seed: int):
    """A built model: for the adding problem a number at the end, for copying logits at each step."""
    keras.utils.set_random_seed(seed)
    adds = task == "adding"
    hidden = [
        CELLS[cell](units, return_sequences=not adds or k < layers - 1, name=f"layer_{k + 1}") for k in range(layers)
    ]
    depth, outputs = (2, 1) if adds else (10, 10)
    return keras.Sequential([keras.Input((None, depth)), *hidden, keras.layers.Dense(outputs)])


def compiled(model, task: str, optimizer):
    """With the loss of the problem."""
    loss = "mse" if task == "adding" else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss)
    return model
