"""`SequenceEncoder` and `TextEncoder` against Keras's own layers and NumPy, masked and not, whole and step by step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seqcv.layers.export_scope import export_scope
from keras_seqcv.models.sequence_encoder import POOLINGS, SequenceEncoder, TextEncoder

LENGTHS = [5, 2, 4]
KERAS = {"simple_rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def sequences(seed=0):
    x = np.random.default_rng(seed).standard_normal((3, 5, 4)).astype("float32")
    return x, np.arange(5) < np.array(LENGTHS)[:, None]


def by_keras(encoder, x, cell, units):
    """Outputs of one row without padding, by Keras's `Bidirectional` or plain layers with the same weights."""
    y = x[None]
    for k, rnn in enumerate(encoder.forward):
        theirs = KERAS[cell](units, return_sequences=True)
        if encoder.backward:
            theirs = keras.layers.Bidirectional(theirs)
        theirs.build((None, None, y.shape[-1]))
        theirs.set_weights(rnn.get_weights() + (encoder.backward[k].get_weights() if encoder.backward else []))
        y = theirs(y).numpy()
    return y[0]


def pooled(encoder, outputs, units):
    if encoder.pooling == "last":
        return np.concatenate([outputs[-1, :units], outputs[0, units:]])
    if encoder.pooling == "mean":
        return outputs.mean(0)
    hidden = np.tanh(outputs @ encoder.hidden.kernel.numpy() + encoder.hidden.bias.numpy())
    scores = np.exp(hidden @ encoder.score.kernel.numpy()[:, 0])
    return scores @ outputs / scores.sum()


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize(("cell", "bidirectional"), [("lstm", True), ("lstm", False), ("gru", True), ("simple_rnn", 0)])
def test_padded_rows_are_as_keras_has_them_alone(cell, bidirectional, pooling):
    keras.utils.set_random_seed(0)
    encoder = SequenceEncoder(cell, 3, 2, bool(bidirectional), pooling)
    x, mask = sequences()
    outputs, vector, weights = encoder(x, mask=mask)
    for b, length in enumerate(LENGTHS):
        wanted = by_keras(encoder, x[b, :length], cell, 3)
        np.testing.assert_allclose(outputs[b, :length], wanted, atol=1e-6)
        np.testing.assert_allclose(vector[b], pooled(encoder, wanted, 3), atol=1e-6)
        if pooling == "attention":
            assert float(tf.reduce_sum(weights[b, :length])) == pytest.approx(1.0, abs=1e-5)


def test_steps_are_the_sequence():
    encoder = SequenceEncoder("lstm", 3, 2, pooling=None)
    x, _ = sequences()
    outputs, vector, weights = encoder(x)
    assert vector is None and weights is None
    step, states = encoder.stepper(), encoder.initial_states(3)
    for t in range(5):
        y, states = step(tf.constant(x[:, t]), states)
        np.testing.assert_allclose(y, outputs[:, t], atol=1e-6)


def test_words_are_masked_behind_their_end():
    keras.utils.set_random_seed(0)
    encoder = TextEncoder(9, 4, units=3, bidirectional=True, pooling="attention")
    tokens = np.array([[4, 5, 0, 0], [6, 7, 8, 4]], "int32")
    _, vector, weights, mask = encoder(tokens)
    np.testing.assert_array_equal(mask, tokens != 0)
    np.testing.assert_allclose(vector[0], encoder(tokens[:1, :2])[1][0], atol=1e-6)
    assert not weights[0, 2:].numpy().any()
    with export_scope("litert"):
        assert encoder(tokens[1:])[3] is None


def test_word_dropout_hides_words_but_no_padding():
    encoder = TextEncoder(9, 4, unknown_id=3, word_dropout=0.999, units=3, pooling="mean")
    tokens = np.array([[4, 5, 0, 0]], "int32")
    hidden = encoder(np.array([[3, 3, 0, 0]], "int32"))[1]
    np.testing.assert_allclose(encoder(tokens, training=True)[1], hidden, atol=1e-6)
    assert not np.allclose(encoder(tokens)[1], hidden)
