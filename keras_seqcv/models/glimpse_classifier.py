"""`GlimpseClassifier`: reads a fixed picture by a sequence of glimpses, and learns where to look."""

import keras
import tensorflow as tf

from keras_seqcv.decoding.random_stream import normals
from keras_seqcv.distribution import rows_of_batch, share
from keras_seqcv.models import glimpse_classifier_signatures
from keras_seqcv.models.application_model import ApplicationModel
from keras_seqcv.models.glimpse_classifier_arguments import check_arguments, prepared_pictures
from keras_seqcv.models.glimpse_losses import location_losses, rewards_of, targets_of
from keras_seqcv.models.glimpse_reader import GlimpseReader
from keras_seqcv.models.image_inputs import unit_pictures
from keras_seqcv.models.label_head import compile_options, labels_json
from keras_seqcv.models.replica_step import measure_loss, rows_of
from keras_seqcv.reading import check_draws, reading_of
from keras_seqcv.scalars import scalar

_TOGETHER = 512  # pictures, times draws, that `classify` reads as one batch
_READER = (
    "glimpses",
    "patch",
    "scales",
    "factor",
    "cell",
    "units",
    "glimpse_units",
    "join",
    "context",
    "location",
    "location_gradient",
    "stddev",
)


@keras.saving.register_keras_serializable(package="keras_seqcv")
class GlimpseClassifier(ApplicationModel):
    """Looks at small parts of a picture one after the other, and says what is in it: one label, or several in order.

    p_t    = patches around l_t, sharp in the middle and coarse around            `layers.GlimpseSensor`
    g_t    = relu(W_g [relu(W_p p_t + b_p), relu(W_l l_t + b_l)] + b_g)           with `join="sum"`
    g_t    = relu(W_g relu(W_p p_t + b_p) + b_g) * (V_g relu(W_l l_t + b_l) + c_g)  with `join="product"`
    h_t    = RNN(g_t, h_{t-1})
    m_t    = tanh(W_m h_t + b_m),   l_{t+1} ~ N(m_t, stddev^2), moved into [-1, 1]
    logits = h_N W_o + b_o,   after N = `glimpses`

    With `context` a second layer, q_t = RNN(h_t, q_{t-1}), decides instead of h_t; q_0 comes from convolutions over the
    whole picture made small, so that it knows where to begin, and labels are read from h_t, which has not seen it.

    With `max_labels` = S a label is said after every N glimpses, up to S of them, and then an end mark.

    What h_t knows is learned from the labels. Where to look is learned from the reward, by REINFORCE: a label that is
    right gives 1, and a learned baseline says what was to be expected. With `location="transformer"` there is no
    reward: the gradient goes through the sampling of the picture.

    Args:
        image_shape: (H, W, C), C 1 or 3. What is black counts as nothing, as what lies outside does.
        labels: sequence of different str, at least two. They are saved with the model.
        glimpses: N, int >= 1, for each label.
        patch: side of a patch in pixels. scales: int >= 1. factor: int >= 2; see `GlimpseSensor`.
        cell: "simple_rnn" (with relu, as in the paper) | "lstm" | "gru". units: U. glimpse_units: of what and of where.
        join: "sum" | "product", of what and where.
        context: None, or the side of the small picture from which the layer that looks begins.
        max_labels: None, or S, the most labels of a picture.
        location: "reinforce" | "transformer".
        location_gradient: in (0, 1], what of a location's gradient goes back with "transformer". A picture's edges make
            it so large that with all of it the clipping of a whole step leaves little of the others.
        stddev: of the draw, in units of half the picture, > 0.
        start: "center" | "random": the first location, without `context`.
        samples: draws over which evaluation and `classify` average, int >= 0; 0: no draw, the means are followed.
        train_samples: draws of each picture in training.
        reinforce_weight: > 0, of the reward's part of the loss.
        label_smoothing: in [0, 1), of the default loss.

    Call arguments:
        inputs: pictures (B, H, W, C), integers or floats in [0, 255].
        training: bool. In training one draw is followed, else the mean of `samples` is taken.

    Returns:
        logits (B, C'), C' labels; or (B, S + 1, C' + 1), the end mark being the last. float32.

    Raises:
        TypeError, ValueError: for an argument that is not as above.

    Example:

    >>> digits = ks.data.drawn_digits(64)
    >>> model = ks.models.GlimpseClassifier((28, 28, 1), digits.names, glimpses=2, units=16, glimpse_units=8)
    >>> model.compile()
    >>> _ = model.fit(ks.data.labelled_images(digits, 16, model=model, validation=0), verbose=0)
    >>> found = model.classify(digits.images[3])
    >>> found.label in digits.names, found.path.shape
    (True, (2, 2))

    Reference:
        Mnih et al.: Recurrent Models of Visual Attention. arXiv 1406.6247, 2014. Ba et al.: Multiple Object Recognition
        with Visual Attention. arXiv 1412.7755, 2014 (`context`, `max_labels`, `join="product"`). Jaderberg et al.:
        Spatial Transformer Networks. arXiv 1506.02025, 2015 (`location="transformer"`).
    """

    def __init__(
        self,
        image_shape,
        labels,
        glimpses=6,
        patch=8,
        scales=1,
        factor=2,
        cell="simple_rnn",
        units=256,
        glimpse_units=128,
        join="sum",
        context=None,
        max_labels=None,
        location="reinforce",
        location_gradient=0.1,
        stddev=0.1,
        start="center",
        samples=1,
        train_samples=1,
        reinforce_weight=0.01,
        label_smoothing=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.options = {
            "glimpses": glimpses,
            "patch": patch,
            "scales": scales,
            "factor": factor,
            "cell": cell,
            "units": units,
            "glimpse_units": glimpse_units,
            "join": join,
            "context": context,
            "max_labels": max_labels,
            "location": location,
            "location_gradient": location_gradient,
            "stddev": stddev,
            "start": start,
            "samples": samples,
            "train_samples": train_samples,
            "reinforce_weight": reinforce_weight,
            "label_smoothing": label_smoothing,
        }
        self.image_shape, self.labels = check_arguments(image_shape, labels, self.options)
        self.slots = 1 if max_labels is None else max_labels + 1
        self.steps = glimpses * self.slots
        own = {name: self.options[name] for name in _READER}
        self.reader = GlimpseReader(self.image_shape, slots=self.slots, **own, dtype=self.dtype_policy, name="reader")
        classes = len(self.labels) + (max_labels is not None)
        self.logits = keras.layers.Dense(classes, dtype=self.dtype_policy, name="logits")
        self.seed_generator = keras.random.SeedGenerator()
        self.reward_tracker = keras.metrics.Mean(name="reward")
        self.exact_tracker = None if max_labels is None else keras.metrics.Mean(name="exact")
        self._look = None
        self.build()
        self.built = True

    def get_config(self):
        return {
            **super().get_config(),
            **self.options,
            "image_shape": list(self.image_shape),
            "labels": list(self.labels),
        }

    def build(self, input_shape=None):
        units = self.options["units"]
        for layer, shape in ((self.reader, None), (self.logits, (None, units))):
            layer.build(shape)
            layer.built = True

    def compute_output_shape(self, input_shape):
        several = (self.slots,) if self.options["max_labels"] else ()
        return (input_shape[0], *several, self.logits.units)

    def call(self, inputs, training=False):
        pictures = unit_pictures(inputs, self.image_shape, "inputs")
        if training:
            return self.read(pictures, self._noise(pictures), training=True)[0]
        probabilities, _ = self.look(pictures, 0, self.options["samples"])
        return tf.math.log(tf.maximum(probabilities, 1e-37))

    def read(self, pictures, noise, training=False):
        """Pictures (B, H, W, C) in [0, 1], noise (B, T, 2) -> logits as of a call, and what `GlimpseReader` gives."""
        if self.options["start"] == "random" and self.options["context"] is None:
            # Nearly the normal distribution's own function, which makes of a normal number an equally distributed one;
            # that itself, erf, has no built-in LiteRT operator.
            z = noise[:, 0]
            start = tf.tanh(0.7978845608 * (z + 0.044715 * z**3))
        else:
            start = tf.zeros_like(noise[:, 0])
        found = self.reader(pictures, noise, start, training=training)
        logits = tf.cast(self.logits(found["hidden"]), tf.float32)  # (B, K, C')
        return logits if self.options["max_labels"] else logits[:, 0], found

    def look(self, pictures, seed, samples):
        """The mean of several draws.

        Args:
            pictures: (B, H, W, C) in [0, 1]. seed: int32. samples: int, or int32 scalar, >= 0.

        Returns:
            probabilities (B, C'), or (B, S + 1, C' + 1); paths (B, samples, T, 2), one where `samples` is 0.
        """
        batch = tf.shape(pictures)[0]
        draws = tf.maximum(samples, 1)
        noise = normals(seed, draws * self.steps * 2)  # the same for all pictures, so that each is read for itself
        noise = tf.where(tf.equal(samples, 0), tf.zeros_like(noise), noise)
        noise = tf.tile(tf.reshape(noise, (draws, self.steps, 2)), (batch, 1, 1))
        logits, found = self.read(tf.repeat(pictures, draws, axis=0), noise)
        shares = tf.reshape(tf.nn.softmax(logits), tf.concat([[batch, draws], tf.shape(logits)[1:]], axis=0))
        probabilities = tf.reduce_mean(shares, axis=1)
        probabilities.set_shape((pictures.shape[0], *logits.shape[1:]))
        return probabilities, tf.reshape(found["location"], (batch, draws, self.steps, 2))

    def _noise(self, pictures):
        def draw(rows):
            return keras.random.normal((rows, self.steps, 2), dtype="float32", seed=self.seed_generator)

        return rows_of_batch(draw, tf.shape(pictures)[0])

    def compile(self, optimizer="adam", loss=None, metrics=None, weighted_metrics=None, **kwargs):
        """As `keras.Model.compile`; by default the loss is in nats per label, and the accuracy is measured.

        To the loss of `fit` come the reward's part and the error of the baseline. "reward" is measured as well: right
        labels per picture; with `max_labels` so is "exact", the share of pictures all of whose labels are right.
        """
        options = compile_options(self.options["label_smoothing"], loss, metrics, weighted_metrics)
        super().compile(optimizer, **options, **kwargs)

    @property
    def metrics(self):
        own = [self.reward_tracker, *([self.exact_tracker] if self.exact_tracker else [])]
        return [*super().metrics, *own]

    def _targets(self, y, sample_weight):
        """Targets and weights, (B,) or (B, K)."""
        if not self.options["max_labels"]:
            weights = tf.ones(tf.shape(y)[:1]) if sample_weight is None else tf.cast(sample_weight, tf.float32)
            return y, weights
        if y.shape.rank != 2 or y.shape[1] != self.options["max_labels"]:
            raise ValueError(f"y: expected labels (B, {self.options['max_labels']}), received {tuple(y.shape)}")
        targets, weights = targets_of(y, len(self.labels))
        return targets, weights if sample_weight is None else weights * tf.cast(sample_weight, tf.float32)[:, None]

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        targets, weights = self._targets(tf.convert_to_tensor(y), sample_weight)
        pictures = unit_pictures(x, self.image_shape, "inputs")
        draws = self.options["train_samples"]
        if draws > 1:
            pictures, targets, weights = (tf.repeat(a, draws, axis=0) for a in (pictures, targets, weights))
        with tf.GradientTape() as tape:
            logits, found = self.read(pictures, self._noise(pictures), training=True)
            loss = self.compute_loss(x, targets, logits, weights, training=True)
            rewards = self._rewards(targets, weights, logits)
            if self.options["location"] == "reinforce":
                loss = loss + self._location_loss(found, rewards)
            scaled = self.optimizer.scale_loss(loss)
        variables = self.trainable_variables
        pairs = zip(tape.gradient(scaled, variables), variables, strict=True)
        self.optimizer.apply_gradients([(g, v) for g, v in pairs if g is not None])
        return self._measured(loss, x, targets, logits, weights, rewards)

    def _location_loss(self, found, rewards):
        first = self.options["context"] is not None
        reinforce, error = location_losses(found, rewards, found["expected"], float(self.options["stddev"]), first)
        loss = self.options["reinforce_weight"] * reinforce + error
        return tf.math.multiply_no_nan(loss, share(tf.shape(rewards)[0]))

    def test_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        targets, weights = self._targets(tf.convert_to_tensor(y), sample_weight)
        logits = self(x, training=False)
        loss = self.compute_loss(x, targets, logits, weights, training=False)
        return self._measured(loss, x, targets, logits, weights, self._rewards(targets, weights, logits))

    def _rewards(self, targets, weights, logits):
        """(B, K)."""
        if self.options["max_labels"]:
            return rewards_of(targets, weights, logits)
        return rewards_of(targets, weights, logits)[:, None]

    def _measured(self, loss, x, targets, logits, weights, rewards):
        measure_loss(self, loss, rows_of(x))
        self.reward_tracker.update_state(tf.reduce_sum(rewards, axis=1))
        if self.exact_tracker:
            # Behind as many labels as there can be nothing but the end is said: the last place counts for nothing.
            self.exact_tracker.update_state(tf.reduce_all(((rewards > 0) | (weights == 0))[:, :-1], axis=1))
        return self.compute_metrics(x, targets, logits, weights)

    def classify(self, images, samples=None, seed=0):
        """Say what is in pictures, and where it was looked for.

        Args:
            images: a picture, as `ks.data.load_image` takes it, of the model's size: a file, a PIL image, an array
                (H, W, C) or (H, W) uint8; or a list of these, or an array (B, H, W, C).
            samples: how many draws are averaged, int >= 0; 0: none, the means are followed. None: the model's own.
            seed: int. The same draws come in an export.

        Returns:
            A `Reading`, or a list of them for several pictures.

        Raises:
            TypeError, ValueError: for what is no picture, or one of another size; a file is named.
        """
        samples = self.options["samples"] if samples is None else samples
        check_draws(samples, seed)
        pictures, single = prepared_pictures(images, self.image_shape)
        if self._look is None:
            function = lambda p, seed, samples: self.look(unit_pictures(p, self.image_shape, "images"), seed, samples)  # noqa: E731
            self._look = tf.function(function, autograph=False, reduce_retracing=True)
        found, together = [], max(1, _TOGETHER // max(samples, 1))
        for start in range(0, len(pictures), together):
            some = pictures[start : start + together]
            shares, paths = self._look(tf.constant(some), scalar(seed, "int32"), scalar(samples, "int32"))
            found += [reading_of(self.labels, *pair) for pair in zip(shares.numpy(), paths.numpy(), strict=True)]
        return found[0] if single else found

    def export_signatures(self, format):
        """Signatures for `ks.export`; see `models.glimpse_classifier_signatures`."""
        return glimpse_classifier_signatures.signatures(self, format)

    def export_examples(self, format, images=None):
        """Example inputs for the comparison of an export with this model, and for measuring the ranges of int8.

        Args:
            images: (N, H, W, C) uint8. None: noise.
        """
        return glimpse_classifier_signatures.examples(self, format, images)

    def export_metadata(self):
        """Files that travel with an export."""
        return labels_json(self.labels, False, samples=self.options["samples"])
