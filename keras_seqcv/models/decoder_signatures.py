"""Exported signatures that models with a `SequenceDecoder` have in common: `encode`, `step`, a search's outputs."""

import tensorflow as tf

from keras_seqcv.models.word_search import searched_texts
from keras_seqcv.request_checks import within


def found_outputs(result, vocabulary, texts: bool) -> dict:
    """A `BeamResult` as named outputs: ids, scores, log_probabilities, and text (strings) or lengths."""
    outputs = {"ids": result.ids, "scores": result.scores, "log_probabilities": result.log_probabilities}
    if texts:
        return {**outputs, "text": searched_texts(vocabulary, result.ids)}
    return {**outputs, "lengths": result.lengths}


def encode_signature(model, specs: list, memory_of):
    """tf.function: inputs as `specs` have them -> state_0, ..., fixed_...; `memory_of` makes the memory of them."""

    @tf.function(input_signature=specs, autograph=False)
    def encode(*inputs):
        memory = memory_of(*inputs)
        return _states(model.initial_states(memory)) | _fixed(model.fixed(memory))

    return encode


def step_signature(model, like, batch: int | None, weights_of=tf.identity):
    """tf.function: tokens (B,), state_0, ..., fixed_... -> logits (B, V), state_0, ..., and with attention the weights.

    Args:
        like: a memory of one row. What of its states and fixed tensors has another size from input to input, the number
            of places, has none here: (1, 0, D).
        batch: B, or None.
        weights_of: what is put out of the weights (B, L).
    """
    states, fixed = model.initial_states(like), model.fixed(like)
    named = _states(states) | _fixed(fixed)
    shapes = {name: (batch, *(size or None for size in a.shape[1:])) for name, a in named.items()}
    specs = [tf.TensorSpec(shapes[name], a.dtype, name=name) for name, a in named.items()]
    names = sorted(fixed)

    @tf.function(input_signature=[tf.TensorSpec((batch,), tf.int32, name="tokens"), *specs], autograph=False)
    def step(tokens, *flat):
        tokens = tokens if batch else within(tokens, len(model.vocabulary), "tokens")
        given = dict(zip(names, flat[len(states) :], strict=True))
        logits, after, *weights = model.step(tokens, list(flat[: len(states)]), given)
        outputs = {"logits": logits, **_states(after)}
        return outputs | ({"attention": weights_of(weights[0])} if weights else {})

    return step


def step_examples(model, memory, rows: int, steps: int = 6) -> list[dict]:
    """Inputs of `step` that follow one another, so that states are such as occur."""
    fixed, states = model.fixed(memory), model.initial_states(memory)
    token, result = tf.fill((rows,), model.vocabulary.start_id), []
    for _ in range(steps):
        named = {"tokens": token, **_states(states), **_fixed(fixed)}
        result.append({name: a.numpy() for name, a in named.items()})
        logits, states, *_ = model.step(token, states, fixed)
        token = tf.argmax(logits, axis=1, output_type=tf.int32)
    return result


def _states(states) -> dict:
    return {f"state_{k}": s for k, s in enumerate(states)}


def _fixed(tensors: dict) -> dict:
    return {f"fixed_{name}": tensors[name] for name in sorted(tensors)}
