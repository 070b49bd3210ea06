"""The signature `step` of models that label steps as they come: states in, states out."""

import numpy as np
import tensorflow as tf


def step_signature(model, name: str, shape: tuple, dtype, batch: int | None):
    """A function of one step.

    Args:
        model: has `initial_states(batch)` and `stepper()`.
        name, shape, dtype: of its input, without the batch axis.
        batch: B, or None for any.

    Returns:
        tf.function: the input and state_0, ... -> probabilities (B, C), state_0, ...
    """
    states = model.initial_states(1)
    specs = [tf.TensorSpec((batch, *s.shape[1:]), s.dtype, name=f"state_{k}") for k, s in enumerate(states)]

    @tf.function(input_signature=[tf.TensorSpec((batch, *shape), dtype, name=name), *specs], autograph=False)
    def step(x, *before):
        probabilities, after = model.stepper()(x, list(before))
        return {"probabilities": probabilities} | {f"state_{k}": s for k, s in enumerate(after)}

    return step


def step_examples(model, name: str, sequence, most: int = 50) -> list[dict]:
    """Steps that follow one another, so that states are such as occur: of a sequence (T, ...)."""
    states, step, found = model.initial_states(1), model.stepper(), []
    for x in sequence[:most]:
        named = {name: np.asarray(x)[None]} | {f"state_{k}": s.numpy() for k, s in enumerate(states)}
        found.append(named)
        states = step(tf.constant(named[name]), states)[1]
    return found
