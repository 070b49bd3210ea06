"""`LanguageModel`: a recurrent network that predicts the next token, and writes."""

import keras
import tensorflow as tf

from keras_seqcv import metrics
from keras_seqcv.callbacks import ResetStates
from keras_seqcv.models import language_model_signatures, text_writer
from keras_seqcv.models.application_model import ApplicationModel
from keras_seqcv.models.language_model_arguments import check_arguments
from keras_seqcv.models.recurrent_stack import LAYERS


@keras.saving.register_keras_serializable(package="keras_seqcv")
class LanguageModel(ApplicationModel):
    """Reads a text token by token and gives the distribution of the next one.

    x_t = one-hot of token t, or its embedding
    h_t^1 = cell(x_t, h_{t-1}^1),  h_t^k = cell(h_t^{k-1}, h_{t-1}^k)
    logits_t = h_t^N W + b,  p(token_{t+1} = v | tokens up to t) = softmax(logits_t)_v

    It is trained by truncated back-propagation through time: states go on from batch to batch, gradients stop at the
    border. `data.text_streams` makes such batches. `fit` and `evaluate` begin each pass with zero states.

    Args:
        vocabulary: `data.Characters`, `data.Bytes` or `data.Words`. It is saved with the model.
        cell: "simple_rnn" | "lstm" | "gru".
        layers: int >= 1, N.
        units: int >= 1, U.
        embedding_dim: None for one-hot input, or the width of an embedding, >= 1.
        dropout: rate in [0, 1) between layers and before the output.
        residual: whether a layer's input is added to its output, from the second layer on.
        stateful: whether states go on from batch to batch.

    Call arguments:
        inputs: (B, T) int tokens, or a dict {"tokens": (B, T) int, "reset": (B,) or (B, T) bool}; where reset is True a
            row forgets what came before.
        training: bool, for dropout and for the stream that is used.

    Returns:
        (B, T, V) float32 logits.

    Raises:
        TypeError, ValueError: for an argument that is not as above.

    Example:

    >>> text = "to be or not to be\\n" * 40
    >>> model = ks.models.LanguageModel(ks.data.Characters(text), cell="gru", layers=1, units=8)
    >>> model.compile(keras.optimizers.Adam(1e-2))
    >>> history = model.fit(ks.data.text_streams(text, batch_size=2, steps=8), epochs=1, verbose=0)
    >>> len(model.generate("to ", length=5, seed=1))
    8

    Reference:
        Karpathy, Johnson, Fei-Fei: Visualizing and Understanding Recurrent Networks. arXiv 1506.02078, 2015.
    """

    nested = ("vocabulary",)

    def __init__(
        self,
        vocabulary,
        cell="lstm",
        layers=2,
        units=256,
        embedding_dim=None,
        dropout=0.0,
        residual=False,
        stateful=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        options = {"cell": cell, "layers": layers, "units": units, "embedding_dim": embedding_dim}
        options |= {"dropout": dropout, "residual": residual, "stateful": stateful}
        check_arguments(vocabulary, sorted(LAYERS), options)
        self.vocabulary = vocabulary
        self.cell = cell
        self.num_layers = layers
        self.units = units
        self.embedding_dim = embedding_dim
        self.dropout = dropout
        self.residual = residual
        self.stateful = stateful
        dtype = self.dtype_policy  # of the layers as well, whatever the global one is when a file is loaded
        self.embedding = embedding_dim and keras.layers.Embedding(
            len(vocabulary), embedding_dim, dtype=dtype, name="embedding"
        )
        options = {"return_sequences": True, "return_state": True, "stateful": stateful, "dtype": dtype}
        self.recurrent_layers = [LAYERS[cell](units, **options, name=f"{cell}_{k}") for k in range(layers)]
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=dtype)
        self.output_layer = keras.layers.Dense(len(vocabulary), dtype="float32", name="logits")
        self._writer = None

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary": keras.saving.serialize_keras_object(self.vocabulary),
            "cell": self.cell,
            "layers": self.num_layers,
            "units": self.units,
            "embedding_dim": self.embedding_dim,
            "dropout": self.dropout,
            "residual": self.residual,
            "stateful": self.stateful,
        }

    def build(self, input_shape=None):
        width = self.embedding_dim or len(self.vocabulary)
        if self.embedding:
            self.embedding.build((None, None))
        for layer in self.recurrent_layers:
            layer.build((None, None, width))
            width = self.units
        self.output_layer.build((None, None, width))

    def compute_output_shape(self, input_shape):
        tokens = input_shape["tokens"] if isinstance(input_shape, dict) else input_shape
        return (*tokens, len(self.vocabulary))

    def call(self, inputs, training=False):
        tokens, reset = (inputs["tokens"], inputs.get("reset")) if isinstance(inputs, dict) else (inputs, None)
        return self.read(tokens, None, reset, training)[0]

    def read(self, tokens, states=None, reset=None, training=False):
        """Tokens (B, T), and the states before them (None: the layers' own) -> logits (B, T, V), the states after."""
        x = self._embed(tokens)  # (B, T, D)
        after = []
        for k, layer in enumerate(self.recurrent_layers):
            y, *state = layer(x, initial_state=states and states[k], training=training, reset=reset)
            after.append(state)
            x = self._between(k, x, y, training)
        return self.output_layer(x), after

    def _embed(self, tokens):
        if self.embedding:
            return self.embedding(tokens)
        return tf.one_hot(tf.cast(tokens, tf.int32), len(self.vocabulary), dtype=self.compute_dtype)

    def _between(self, k, x, y, training=False):
        """What goes from layer k, with input x and output y, to the next."""
        y = self.dropout_layer(y, training=training)
        return x + y if self.residual and k > 0 else y

    def initial_states(self, batch):
        """Zero states for `batch` rows: a list, for every layer, of lists of (B, U)."""
        return [[tf.convert_to_tensor(s) for s in r.get_initial_state(batch_size=batch)] for r in self.recurrent_layers]

    def step(self, tokens, states):
        """One step of the decoding protocol: tokens (B,) int, states -> logits (B, V) float32, states."""
        return self.stepper()(tokens, states)

    def stepper(self, parts=1):
        """The function `step`, for a loop: what does not depend on tokens and states is computed before the loop.

        Args:
            parts: into how many parts the units are cut, for as many cores, where XLA compiles the loop.
        """
        one_hot = not self.embedding
        steppers = [layer.stepper(one_hot and k == 0, parts) for k, layer in enumerate(self.recurrent_layers)]

        def step(tokens, states):
            x = tokens if one_hot else self._embed(tokens)  # (B, D)
            after = []
            for k, (advance, state) in enumerate(zip(steppers, states, strict=True)):
                y, state = advance(x, state)
                after.append(state)
                x = self._between(k, x, y)
            return self.output_layer(x), after

        return step

    def compile(self, optimizer="adam", loss=None, metrics=None, weighted_metrics=None, **kwargs):
        """As `keras.Model.compile`; by default the loss is in nats per token, with bits and perplexity as metrics.

        Raises:
            ValueError: for `jit_compile=True` with `stateful=True`.
        """
        if self.stateful and kwargs.get("jit_compile") is True:
            reason = "states get their rows with the first batch, and XLA's variables cannot change their shape"
            raise ValueError(f"jit_compile=True needs a model with stateful=False: {reason}")
        if loss is None:
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            if metrics is None and weighted_metrics is None:
                weighted_metrics = _default_metrics()
        super().compile(optimizer, loss=loss, metrics=metrics, weighted_metrics=weighted_metrics, **kwargs)

    def fit(self, x=None, y=None, *args, callbacks=None, shuffle=False, **kwargs):
        """As `keras.Model.fit`; each epoch begins with zero states, and batches keep their order."""
        return super().fit(x, y, *args, callbacks=_with_reset(callbacks), shuffle=shuffle, **kwargs)

    def evaluate(self, x=None, y=None, *args, callbacks=None, **kwargs):
        """As `keras.Model.evaluate`; it begins with zero states."""
        if kwargs.get("_use_cached_eval_dataset"):  # inside `fit`, whose callbacks have it already
            return super().evaluate(x, y, *args, callbacks=callbacks, **kwargs)
        return super().evaluate(x, y, *args, callbacks=_with_reset(callbacks), **kwargs)

    def generate(self, prompt, length=200, temperature=1.0, top_k=None, top_p=None, greedy=False, seed=None, stop=None):
        """Write on, in one graph.

        Args:
            prompt: str, or a list of them of any lengths.
            length: int >= 0, tokens to write.
            temperature: float > 0; below 1 the text is more usual, above 1 more surprising.
            top_k: None, or int in [1, V]: choose among the k likeliest tokens.
            top_p: None, or float in (0, 1]: choose among the likeliest tokens that together have this probability.
            greedy: take the likeliest token always.
            seed: an int in [-2**31, 2**31): the same seed writes the same text. None: one that NumPy draws, which
                `keras.utils.set_random_seed` decides.
            stop: None, a str or a list of str: the text ends before the first of them that is written.

        Returns:
            The prompt with what was written behind it: str, or a list of str for a list.

        Raises:
            TypeError, ValueError: for an argument that is not as above; an unknown character in a prompt is named.
        """
        choice = text_writer.Choice(temperature, top_k, top_p, greedy, seed)
        return self._text_writer().generate(prompt, length, choice, stop)

    def stream(self, prompt, length=200, temperature=1.0, top_k=None, top_p=None, greedy=False, seed=None, stop=None):
        """Write on piece by piece; the pieces together are what `generate` adds to the prompt, for the same arguments.

        Args:
            prompt: str; the others are those of `generate`.

        Returns:
            Iterator of str, each one token or a little more.

        Raises:
            TypeError, ValueError: as `generate`.

        Example:

        >>> model = ks.models.LanguageModel(ks.data.Characters("abc"), layers=1, units=4)
        >>> "a" + "".join(model.stream("a", length=5, seed=3)) == model.generate("a", length=5, seed=3)
        True
        """
        choice = text_writer.Choice(temperature, top_k, top_p, greedy, seed)
        return self._text_writer().stream(prompt, length, choice, stop)

    def score(self, text):
        """Log-probability of every token of a text after the first, in nats.

        Args:
            text: str (or UTF-8 bytes) with at least two tokens, or a list of them.

        Returns:
            float32 array (n - 1,), log p(token_{t+1} | tokens up to t); a list of arrays for a list.

        Raises:
            TypeError, ValueError: for something else, and for an unknown character.

        Example:

        >>> model = ks.models.LanguageModel(ks.data.Characters("abc"), layers=1, units=4)
        >>> model.score("abcab").shape
        (4,)
        """
        if isinstance(text, (list, tuple)):
            return [self.score(t) for t in text]
        return self._text_writer().score(text)

    def _text_writer(self):
        self._build_once()
        if self._writer is None:
            self._writer = text_writer.TextWriter(self)
        return self._writer

    def log_probabilities(self, tokens, states):
        """Tokens (B, T + 1), states -> log-probabilities of all tokens but the first (B, T), states."""
        logits, states = self.read(tokens[:, :-1], states)
        return -tf.nn.sparse_softmax_cross_entropy_with_logits(tokens[:, 1:], logits), states

    def _build_once(self):
        if not self.built:
            self.build((None, None))
            self.built = True

    def export_signatures(self, format, max_length=1024):
        """Signatures for `ks.export`: "generate", "score" and "step" (SavedModel), "generate" and "step" (LiteRT)."""
        self._build_once()
        return language_model_signatures.signatures(self, format, max_length)

    def export_examples(self, format):
        """Example inputs for the comparison of an export with this model."""
        return language_model_signatures.examples(self, format)

    def export_metadata(self):
        """Files that travel with an export."""
        return {"vocabulary.json": self.vocabulary.to_json()}


def _default_metrics():
    return [metrics.BitsPerCharacter(), metrics.Perplexity()]


def _with_reset(callbacks):
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    given = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks] if callbacks else []
    return given if any(isinstance(c, ResetStates) for c in given) else [ResetStates(), *given]
