"""Beam search in a LiteRT file: built-in operators only, and the same result as TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf

from keras_seqcv.decoding import beam_search
from keras_seqcv.export.to_tflite import operators_of
from tests.decoding.beam_oracle import searched

# So many words that the likeliest ones are looked for in pieces, which do not divide their number.
WORDS, UNITS, PLACES, DEPTH, LENGTH = 2003, 8, 5, 4, 8
OPTIONS = {
    "plain": {"beams": 3},
    "penalties": {"beams": 3, "returned": 3, "length_penalty": 0.8, "coverage_penalty": 0.3, "min_length": 4},
    "excluded": {"beams": 2, "returned": 2, "no_repeat_ngram": 2, "forbidden": (3, 4, 5)},
    "groups": {"beams": 4, "returned": 4, "groups": 2, "diversity": 0.7, "no_repeat_ngram": 1},
}


class Captioner(tf.Module):
    """Looks at a memory (B, L, D) with its state (B, U): h <- tanh([x, c] W), c the memory it looks at."""

    def __init__(self):
        rng = np.random.default_rng(0)

        def variable(*shape, scale=1.0):
            return tf.Variable(rng.normal(0, scale, shape).astype("float32"))

        self.embedding = variable(WORDS, UNITS)
        self.query = variable(UNITS, DEPTH)
        self.kernel = variable(2 * UNITS + DEPTH, UNITS, scale=0.6)
        self.output = variable(UNITS, WORDS, scale=1.5)
        self.end = tf.Variable(np.eye(1, WORDS, dtype="float32")[0] * 3)

    def step(self, tokens, states, memory):
        (h,) = states
        scores = tf.linalg.matvec(memory, h @ self.query)
        weights = tf.nn.softmax(scores)  # (N, L)
        context = tf.linalg.matvec(memory, weights, transpose_a=True)
        h = tf.tanh(tf.concat([tf.gather(self.embedding, tokens), h, context], axis=1) @ self.kernel)
        return h @ self.output + self.end, [h], weights

    def search(self, h, memory, options):
        """The best hypotheses, by name; the first state (B, U) is given."""
        start = tf.ones(tf.shape(h)[:1], tf.int32)
        start.set_shape(h.shape[:1])
        result = beam_search(self.step, [h], start, 0, max_length=LENGTH, fixed=memory, pad=0, **options)
        return result._asdict()


class Oracle:
    """The captioner in NumPy, float64."""

    words = WORDS

    def __init__(self, model, h, memory):
        self.parts = [v.numpy().astype("float64") for v in (model.embedding, model.query, model.kernel, model.output)]
        self.end, self.h, self.memory = model.end.numpy(), h, memory.astype("float64")

    def start(self, row):
        return self.h[row].astype("float64")

    def step(self, row, token, h):
        embedding, query, kernel, output = self.parts
        weights = np.exp(self.memory[row] @ (h @ query))
        weights /= weights.sum()
        h = np.tanh(np.concatenate([embedding[token], h, weights @ self.memory[row]]) @ kernel)
        logits = h @ output + self.end
        return logits - np.log(np.exp(logits).sum()), weights, h


@pytest.fixture(scope="module")
def inputs():
    rng = np.random.default_rng(1)
    return rng.normal(0, 1, (2, UNITS)).astype("float32"), rng.normal(0, 1, (2, PLACES, DEPTH)).astype("float32")


@pytest.fixture(scope="module")
def model():
    return Captioner()


@pytest.fixture(scope="module")
def content(model, tmp_path_factory):
    """One file, a signature for each set of options and a batch of two."""
    folder = str(tmp_path_factory.mktemp("beam"))

    def function(options):
        def run(h, memory):
            return {name.replace("ids", "tokens"): a for name, a in model.search(h, memory, options).items()}

        specs = tf.TensorSpec((2, UNITS), name="h"), tf.TensorSpec((2, PLACES, DEPTH), name="memory")
        return tf.function(run, autograph=False).get_concrete_function(*specs)

    signatures = {name: function(options) for name, options in OPTIONS.items()}
    tf.saved_model.save(model, folder, signatures)
    converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(signatures))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return converter.convert()


def test_built_in_operators_only(content):
    operators = operators_of(content)
    assert operators["WHILE"] == 2 * len(OPTIONS)  # the search, and reading it back
    assert operators["TOPK_V2"] >= 2 * len(OPTIONS)
    assert not [name for name in operators if "Flex" in name or "Custom" in name]


@pytest.mark.parametrize("name", OPTIONS)
def test_same_as_tensorflow(content, model, inputs, name):
    from ai_edge_litert.interpreter import Interpreter

    h, memory = inputs
    result = Interpreter(model_content=content).get_signature_runner(name)(h=h, memory=memory)
    expected = model.search(tf.constant(h), tf.constant(memory), OPTIONS[name])
    np.testing.assert_array_equal(result["tokens"], expected["ids"])
    np.testing.assert_array_equal(result["lengths"], expected["lengths"])
    for part in ("scores", "log_probabilities", "weights"):
        np.testing.assert_allclose(result[part], expected[part], rtol=1e-5, atol=1e-5)


def test_same_as_a_search_with_lists(content, model, inputs):
    from ai_edge_litert.interpreter import Interpreter

    h, memory = inputs
    result = Interpreter(model_content=content).get_signature_runner("plain")(h=h, memory=memory)
    oracle = Oracle(model, h, memory)
    for row in range(2):
        ((ids, score, _, weights),) = searched(oracle, row, 1, 0, LENGTH, beams=3, returned=1)
        assert result["tokens"][row, 0].tolist() == ids + [0] * (LENGTH - len(ids))
        assert result["scores"][row, 0] == pytest.approx(score, rel=1e-5)
        np.testing.assert_allclose(result["weights"][row, 0, : len(ids)], weights, atol=1e-5)
