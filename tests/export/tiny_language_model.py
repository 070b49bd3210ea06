"""A small character model with the export protocol of an application model, written without the package's own."""

import json

import keras
import numpy as np
import tensorflow as tf

from keras_seqcv.decoding import random_stream

CHARACTERS = "abcdefgh \n"
LONGEST = 40


@keras.saving.register_keras_serializable(package="keras_seqcv_tests")
class TinyLanguageModel(keras.Model):
    """An LSTM step by hand. `capture=True` passes the temperature through the loop unchanged, as a closure would."""

    def __init__(self, units=24, capture=True, **kwargs):
        super().__init__(**kwargs)
        self.units, self.capture = units, capture
        size = len(CHARACTERS)
        shapes = {"kernel": (size, 4 * units), "recurrent": (units, 4 * units), "head": (units, size)}
        for seed, (name, shape) in enumerate(shapes.items()):
            spread = keras.initializers.RandomNormal(stddev=1.0 if name != "recurrent" else 0.3, seed=seed)
            setattr(self, name, self.add_weight(shape=shape, initializer=spread, name=name))
        self.ids = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(list(CHARACTERS), list(range(size)), value_dtype=tf.int32), 0
        )
        self.built = True

    def call(self, tokens):
        raise NotImplementedError

    def step(self, token, h, c):
        z = tf.gather(self.kernel.value, token) + tf.matmul(h, self.recurrent.value)
        i, f, g, o = tf.split(z, 4, axis=-1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        return tf.matmul(h, self.head.value), h, c

    def write(self, prompt, length, temperature, seed):
        """ids (1, LONGEST): the first `length` are the text; temperature 0 takes the likeliest."""
        size, given = len(CHARACTERS), tf.shape(prompt)[1]
        zero = tf.zeros([1, self.units])

        def body(t, token, h, c, buffer, state, carried):
            heat = temperature if self.capture else tf.maximum(carried, 0.0)
            logits, h, c = self.step(token, h, c)
            uniform, after = random_stream.next_uniform(state)
            probabilities = tf.nn.softmax(logits / tf.maximum(heat, 1e-6))
            drawn = tf.reduce_sum(tf.cast(tf.cumsum(probabilities, axis=-1) < uniform[:, None], tf.int32), axis=-1)
            chosen = tf.where(heat > 0, tf.minimum(drawn, size - 1), tf.argmax(logits, -1, output_type=tf.int32))
            reading = t + 1 < given
            token = tf.where(reading, tf.gather(prompt, tf.minimum(t + 1, given - 1), axis=1), chosen)
            here = tf.cast(tf.equal(tf.range(LONGEST), t + 1 - given), tf.int32)
            return t + 1, token, h, c, buffer + here[None] * token[:, None], tf.where(reading, state, after), heat

        loop = [
            tf.constant(0),
            prompt[:, 0],
            zero,
            zero,
            tf.zeros([1, LONGEST], tf.int32),
            random_stream.initial(seed, 1),
            temperature,
        ]
        return tf.while_loop(lambda t, *_: t < given + length - 1, body, loop)[4]

    def export_signatures(self, format):
        spec = tf.TensorSpec
        scalars = [spec([], tf.int32, "length"), spec([], tf.float32, "temperature"), spec([], tf.int32, "seed")]
        if format == "litert":
            state = [spec([1, self.units], tf.float32, "h"), spec([1, self.units], tf.float32, "c")]

            def step(token, h, c):
                return dict(zip(("logits", "next_h", "next_c"), self.step(token, h, c)))

            def generate(prompt, length, temperature, seed):
                return {"ids": self.write(prompt, length, temperature, seed)}

            return {
                "step": tf.function(step, input_signature=[spec([1], tf.int32, "token"), *state], autograph=False),
                "generate": tf.function(
                    generate, input_signature=[spec([1, None], tf.int32, "prompt"), *scalars], autograph=False
                ),
            }

        def generate_text(prompt, length, temperature, seed):
            ids = self.ids.lookup(tf.strings.unicode_split(prompt, "UTF-8"))[None]
            written = self.write(ids, length, temperature, seed)[0, :length]
            return {"text": tf.strings.reduce_join(tf.gather(tf.constant(list(CHARACTERS)), written))}

        return {"generate": tf.function(generate_text, input_signature=[spec([], tf.string, "prompt"), *scalars])}

    def export_examples(self, format):
        calls = [{"length": np.int32(20), "temperature": np.float32(heat), "seed": np.int32(1)} for heat in (0.0, 1.0)]
        if format == "saved_model":
            return {"generate": [{"prompt": "abc", **call} for call in calls]}
        random = np.random.default_rng(0)
        states = [{k: random.uniform(-1, 1, (1, self.units)).astype("float32") for k in "hc"} for _ in CHARACTERS]
        return {
            "step": [{"token": np.array([i], np.int32), **state} for i, state in enumerate(states)],
            "generate": [{"prompt": np.array([[1, 2, 3][: i + 1]], np.int32), **call} for i, call in enumerate(calls)],
        }

    def export_metadata(self):
        tokens = {"class_name": "Characters", "config": {"tokens": list(CHARACTERS), "unknown": None}}
        return {"vocabulary.json": json.dumps(tokens)}


def numpy_greedy(model, prompt: str, length: int) -> str:
    """The greedy text by a NumPy loop."""

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    kernel, recurrent, head = (
        weight.numpy().astype("float64") for weight in (model.kernel, model.recurrent, model.head)
    )
    h, c, text = np.zeros(model.units), np.zeros(model.units), ""
    for position in range(len(prompt) + length - 1):
        token = CHARACTERS.index((prompt + text)[position])
        i, f, g, o = np.split(kernel[token] + h @ recurrent, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        if position >= len(prompt) - 1:
            text += CHARACTERS[int(np.argmax(h @ head))]
    return text
