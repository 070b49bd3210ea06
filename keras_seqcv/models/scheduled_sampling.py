"""Scheduled sampling: some of the words that are read in training are the model's own."""

import keras
import tensorflow as tf


def mixed_tokens(model, memory, tokens, rate):
    """Tokens (B, T) of which some, from the second on, are what the model would have written there.

    Step by step, with probability `rate`, the model reads a word drawn from its own distribution after all that it has
    read so far, in place of the given one. No gradient goes through a draw, so these steps need none: the training
    pass reads the result. Padding stays.

    Reference:
        Bengio et al.: Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks. arXiv 1506.03099.
    """
    memory = tf.nest.map_structure(tf.stop_gradient, memory)
    step, fixed = model.stepper(), model.fixed(memory)
    times, batch = tf.shape(tokens)[1], tf.shape(tokens)[0]
    own = keras.random.uniform(tf.shape(tokens), seed=model.decoder.seed_generator) < rate
    own = tf.transpose(own & (tokens != model.vocabulary.pad_id))  # (T, B)
    given = tf.transpose(tokens)
    # With a seed of the model's own, which a checkpoint holds; the state of TensorFlow's other draws nobody can save.
    seed = tf.cast(model.decoder.seed_generator.next(), tf.int32)

    def advance(t, last, states, read):
        word = given[t]
        if_own = own[t] & (t > 0)
        word = tf.where(if_own, last, word)
        logits, states, *_ = step(word, states, fixed)
        here = tf.random.experimental.stateless_fold_in(seed, t)
        drawn = tf.random.stateless_categorical(logits, 1, here, tf.int32)[:, 0]
        return t + 1, drawn, states, read.write(t, word)

    read = tf.TensorArray(tf.int32, size=times, element_shape=(tokens.shape[0],))
    start = (tf.constant(0), tf.zeros((batch,), tf.int32), model.initial_states(memory), read)
    _, _, _, read = tf.while_loop(lambda t, *_: t < times, advance, start)
    mixed = tf.transpose(read.stack())
    mixed.set_shape(tokens.shape)
    return tf.stop_gradient(mixed)
