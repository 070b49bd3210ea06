"""Signatures of models that label: what `classify` gives, and `step` with states in and states out."""

import numpy as np
import tensorflow as tf

from keras_seqcv.request_checks import checked, within


def answer(model, inputs, mask) -> dict:
    """What the signature `classify` of a SavedModel gives.

    Args:
        model: has `labels`, `per_step` and `read(inputs)` -> logits and the weights of attention or None.
        mask: (B, T) bool, steps that are there; not looked at where a whole has one label.
    """
    logits, weights = model.read(inputs)
    label = tf.gather(tf.constant(model.labels), tf.argmax(logits, axis=-1, output_type=tf.int32))
    label = tf.where(mask, label, "") if model.per_step else label
    found = {"label": label, "logits": logits, "probabilities": tf.nn.softmax(logits)}
    return found if weights is None else found | {"attention": weights}


def checked_lengths(rows, lengths, name: str):
    """Padded rows (B, T, ...) and their lengths (B,), which must be from 1 to T."""
    steps = tf.shape(rows)[1]
    return checked(
        (rows, lengths),
        (
            (lengths > 0) & (lengths <= steps),
            f"lengths: expected numbers from 1 to the steps that {name} has, received",
            lengths,
            "of",
            steps,
        ),
    )


def row_answer(model, inputs) -> dict:
    """What the signature `classify` of a LiteRT file gives, of one row without padding."""
    logits, weights = model.read(inputs)
    found = {"probabilities": tf.nn.softmax(logits)}
    return found if weights is None else found | {"attention": weights}


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
        if name == "tokens" and batch is None:
            x = within(x, len(model.vocabulary), name)
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
