"""Train a model anew from other first weights, without tracing its step once more."""

import keras
import numpy as np

import keras_seqcv as ks


def first_state(model, batch) -> list:
    """Weights and seeds of a new model, which is built by a batch if it is not yet."""
    if not model.built:
        model(keras.utils.unpack_x_y_sample_weight(batch)[0])
    return [np.asarray(variable) for variable in model.variables]


def begin_again(model, state) -> None:
    """Give a compiled model the first state of another of its kind; streams and optimizer begin anew."""
    ks.reset_states(model)
    for variable, value in zip(model.variables[: len(state)], state, strict=True):
        variable.assign(value)
    for variable in model.optimizer.variables:
        if variable.path.endswith("dynamic_scale"):
            variable.assign(model.optimizer.initial_scale)
        elif not variable.path.endswith("learning_rate"):
            variable.assign(np.zeros(variable.shape))
