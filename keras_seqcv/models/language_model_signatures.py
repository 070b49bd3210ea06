"""What a `LanguageModel` offers where this package is not installed: SavedModel and LiteRT signatures."""

import numpy as np
import tensorflow as tf

from keras_seqcv.decoding import write
from keras_seqcv.request_checks import checked, within

_EXAMPLE_LENGTH = 60
_SCALARS = [
    tf.TensorSpec((), tf.int32, name="length"),
    tf.TensorSpec((), tf.float32, name="temperature"),
    tf.TensorSpec((), tf.int32, name="seed"),
]


def signatures(model, format: str, max_length: int) -> dict:
    """Name -> tf.function.

    SavedModel, any number of rows:
        generate: prompt (B,) string, length () int32, temperature () float32 (0 is greedy), seed () int32
            -> text (B,) string, the prompt with what was written behind it.
        score: text (B,) string -> log_probabilities (B, T - 1) float32, lengths (B,) int32, the valid entries of a row.
        step: tokens (B,) int32, state_0, state_1, ... (B, U) -> logits (B, V), state_0, state_1, ...
    LiteRT, one row:
        generate: prompt (1, P) int32, length () int32 (cut to `max_length`), temperature () float32, seed () int32
            -> ids (1, max_length) int32, valid up to `length`.
        step: as above, with B = 1.
    """
    if max_length < 1:
        raise ValueError(f"max_length: expected an int >= 1, received {max_length!r}")
    if format == "litert":
        return {"generate": _generate_ids(model, max_length), "step": _step(model, batch=1)}
    return {"generate": _generate_text(model), "score": _score(model), "step": _step(model, batch=None)}


def examples(model, format: str) -> dict:
    """Name -> list of inputs by name."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, len(model.vocabulary), (4, 12)).astype(np.int32)
    options = [
        {"length": np.int32(_EXAMPLE_LENGTH), "temperature": np.float32(t), "seed": np.int32(7)} for t in (0.0, 1.0)
    ]
    if format == "litert":
        generate = [{"prompt": tokens[:1, :n], **o} for n, o in zip((12, 3), options, strict=True)]
        return {"generate": generate, "step": _step_examples(model, tokens[:1])}
    texts = np.array([model.vocabulary.decode(row).encode() for row in tokens])
    texts = texts[[len(model.vocabulary.encode(t.decode())) > 1 for t in texts]]
    generate = [{"prompt": texts, **o} for o in options]
    return {"generate": generate, "score": [{"text": texts}], "step": _step_examples(model, tokens)}


def _step_examples(model, tokens):
    """Steps that follow one another, so that states are such as occur."""
    states, result = model.initial_states(tf.constant(len(tokens))), []
    for t in range(tokens.shape[1]):
        flat = {f"state_{k}": s.numpy() for k, s in enumerate(tf.nest.flatten(states))}
        result.append({"tokens": tokens[:, t], **flat})
        _, states = model.step(tf.constant(tokens[:, t]), states)
    return result


def _step(model, batch):
    like = model.initial_states(tf.constant(1))
    specs = [
        tf.TensorSpec((batch, s.shape[-1]), s.dtype, name=f"state_{k}") for k, s in enumerate(tf.nest.flatten(like))
    ]

    @tf.function(input_signature=[tf.TensorSpec((batch,), tf.int32, name="tokens"), *specs], autograph=False)
    def step(tokens, *states):
        tokens = tokens if batch else within(tokens, len(model.vocabulary), "tokens")
        logits, states = model.step(tokens, tf.nest.pack_sequence_as(like, list(states)))
        flat = tf.nest.flatten(states)
        return {"logits": logits, **{f"state_{k}": s for k, s in enumerate(flat)}}

    return step


def _generate_ids(model, max_length):
    @tf.function(input_signature=[tf.TensorSpec((1, None), tf.int32, name="prompt"), *_SCALARS], autograph=False)
    def generate(prompt, length, temperature, seed):
        states = model.initial_states(1)
        length = tf.minimum(length, max_length)
        ids = write(
            model.step, states, prompt, tf.shape(prompt)[1:], length, seed, temperature=temperature, places=max_length
        )
        return {"ids": ids}

    return generate


def _generate_text(model):
    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="prompt"), *_SCALARS], autograph=False)
    def generate(prompt, length, temperature, seed):
        ids, lengths = model.vocabulary.encode_tensor(prompt)
        ids, lengths, length, temperature = checked(
            (ids, lengths, length, temperature),
            (lengths > 0, "every prompt needs at least one token"),
            (length >= 0, "length must not be negative, received", length),
            (temperature >= 0.0, "temperature must not be negative, received", temperature),
        )
        states = model.initial_states(tf.shape(ids)[0])
        written = write(model.step, states, ids, lengths, length, seed, temperature=temperature, places=length)
        last = tf.gather(ids, lengths - 1, batch_dims=1)
        return {"text": tf.strings.join([prompt, _continuation(model.vocabulary, prompt, last, written)])}

    return generate


def _continuation(vocabulary, prompt, last, written):
    """`continuation.continuation` in the graph: last ids (B,) of the prompts, ids behind them (B, T) -> text (B,)."""
    one = tf.ones_like(last)
    before = tf.strings.length(vocabulary.decode_tensor(last[:, None], one))
    text = vocabulary.decode_tensor(tf.concat([last[:, None], written], axis=1), one + tf.shape(written)[1])
    text = tf.strings.substr(text, before, tf.strings.length(text) - before)
    if vocabulary.unit != "word":
        return text
    spaced = tf.strings.regex_full_match(prompt, "(?s).* ")
    return tf.where(spaced, tf.strings.regex_replace(text, "^ ", ""), text)


def _score(model):
    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="text")], autograph=False)
    def score(text):
        ids, lengths = model.vocabulary.encode_tensor(text)
        ids, lengths = checked((ids, lengths), (lengths > 1, "scoring needs at least two tokens"))
        states = model.initial_states(tf.shape(ids)[0])
        scores, _ = model.log_probabilities(ids, states)
        valid = tf.sequence_mask(lengths - 1, tf.shape(scores)[1])
        return {"log_probabilities": tf.where(valid, scores, 0.0), "lengths": lengths - 1}

    return score
