"""`DRAW`: learns to draw pictures step by step on a canvas, and looks where it draws."""

import keras
import tensorflow as tf

from keras_seqcv.decoding.random_stream import normals
from keras_seqcv.distribution import rows_of_batch, share
from keras_seqcv.drawing import Drawing, checked_order
from keras_seqcv.models import draw_estimates as estimates
from keras_seqcv.models import draw_loops, draw_signatures
from keras_seqcv.models.application_model import ApplicationModel
from keras_seqcv.models.draw_arguments import check_arguments, checked_inputs
from keras_seqcv.models.draw_estimates import reconstruction
from keras_seqcv.models.draw_first_weights import set_first_weights
from keras_seqcv.models.draw_step import Painting
from keras_seqcv.scalars import scalar


@keras.saving.register_keras_serializable(package="keras_seqcv")
class DRAW(ApplicationModel):
    """Deep Recurrent Attentive Writer: a variational auto-encoder that draws over a number of steps.

    e_t          = x - sigma(c_{t-1})                                what is wrong with the canvas
    r_t          = [read(x), read(e_t)]                              through a Gaussian grid that h_{t-1} places
    h'_t         = LSTM([r_t, h_{t-1}, y], h'_{t-1})                 encoder
    m_t, log s_t = h'_t W_z + b_z
    z_t          ~ N(m_t, s_t)                                       in drawing N(0, 1)
    h_t          = LSTM([z_t, y], h_{t-1})                           decoder
    c_t          = c_{t-1} + write(h_t)                              canvas, through a grid of its own
    loss         = - log p(x | c_T) + sum_t KL(N(m_t, s_t) | N(0, 1))

    x (H, W, C) is the picture in [0, 1], p(x | c) has each pixel light with probability sigma(c), y (L,) the label as
    one-hot if there are labels. The loss is in nats, and on average above - log p(x): a bound. h_0, h'_0 and c_0 are
    learned. See `layers.GaussianRead` and `layers.GaussianWrite`.

    `fit` takes pictures alone: (B, H, W, C), integers or floats in [0, 255]; with labels a dict of "image", those, and
    "label" (B,) int: `ks.data.labelled_images(..., labels=None | "input")`. It reports `loss` and its two parts,
    `reconstruction` and `kl`.

    Args:
        image_shape: (H, W, C).
        steps: T, int >= 1. units: U, of both LSTMs, int >= 1. latent_dim: Z, int >= 1.
        read: N, the encoder sees N x N numbers of picture and error; None: all of both.
        write: N, a step writes a patch of N x N; None: to all of the canvas.
        labels: None, or a sequence of L different str, at least two: what there is to draw, saved with the model.
        seed: of the noise in training, int >= 0 or None.

    Call arguments:
        inputs: as of `fit`. training: changes nothing.

    Returns:
        dict of "canvas" (B, H, W, C), the last one, before the sigmoid, and "kl" (B, T), float32.

    Raises:
        TypeError, ValueError: for an argument that is not as above.

    Example:

    >>> digits = ks.data.drawn_digits(64, image_size=12)
    >>> model = ks.models.DRAW((12, 12, 1), steps=4, units=16, latent_dim=4, labels=digits.names)
    >>> model.compile()
    >>> data = ks.data.labelled_images(digits, model=model, batch_size=32, labels="input", validation=0)
    >>> sorted(model.fit(data, verbose=0).history)
    ['kl', 'loss', 'reconstruction']
    >>> drawing = model.draw(3, seed=1, label="7")
    >>> drawing, drawing.images.shape
    (<3 drawings 12 x 12 x 1 in 4 steps>, (3, 12, 12, 1))
    >>> model.likelihood(digits.images[:5], digits.labels[:5], samples=2).shape
    (5,)

    Reference:
        Gregor et al.: DRAW: A Recurrent Neural Network For Image Generation. arXiv 1502.04623, 2015.
    """

    def __init__(
        self, image_shape, steps=64, units=256, latent_dim=100, read=2, write=5, labels=None, seed=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.options = {
            "steps": steps,
            "units": units,
            "latent_dim": latent_dim,
            "read": read,
            "write": write,
            "labels": labels,
            "seed": seed,
        }
        self.image_shape, self.labels = check_arguments(image_shape, self.options)
        self.painting = Painting(self.image_shape, write, read)
        dtype = self.dtype_policy
        self.encoder = keras.layers.LSTMCell(units, dtype=dtype, name="encoder")
        self.latent = keras.layers.Dense(2 * latent_dim, dtype=dtype, name="latent")
        self.decoder = keras.layers.LSTMCell(units, dtype=dtype, name="decoder")
        self.head = keras.layers.Dense(sum(self.painting.widths()), dtype=dtype, name="head")
        self.noise_generator = keras.random.SeedGenerator(seed)
        self.parts = [keras.metrics.Mean(name) for name in ("reconstruction", "kl")]
        self._drawing, self.estimators = None, {}
        self.build()
        self.built = True

    def build(self, input_shape=None):
        units, label = self.options["units"], len(self.labels or ())
        for part, width in (
            (self.encoder, self.read_width + units + label),
            (self.latent, units),
            (self.decoder, self.options["latent_dim"] + label),
            (self.head, units),
        ):
            part.build((None, width))
            part.built = True
        self.firsts = [
            self.add_weight(name=name, shape=shape, initializer="zeros")
            for name, shape in (("encoder_start", (units,)), ("start", (units,)), ("canvas", self.image_shape))
        ]
        set_first_weights(self)

    @property
    def read_width(self) -> int:
        """How many numbers the encoder reads at each step."""
        return 2 * self.painting.area(self.options["read"])

    def get_config(self):
        labels = None if self.labels is None else list(self.labels)
        return {**super().get_config(), **self.options, "image_shape": list(self.image_shape), "labels": labels}

    def compute_output_shape(self, input_shape):
        shape = input_shape["image"] if isinstance(input_shape, dict) else input_shape
        return {"canvas": tuple(shape), "kl": (shape[0], self.options["steps"])}

    def compile(self, optimizer="adam", loss=None, **kwargs):
        """As `keras.Model.compile`; the loss is the model's own."""
        if loss is not None:
            raise ValueError(f"loss: DRAW has a loss of its own, expected None, received {loss!r}")
        super().compile(optimizer, **kwargs)

    def call(self, inputs, training=False):
        images, label = checked_inputs(inputs, self.image_shape, self.labels)
        canvas, nats = self.copied(images, label, rows_of_batch(self._noise, tf.shape(images)[0]))
        return {"canvas": canvas, "kl": nats}

    def _noise(self, rows):
        shape = (rows, self.options["steps"], self.options["latent_dim"])
        return keras.random.normal(shape, seed=self.noise_generator)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if y is not None or sample_weight is not None:
            raise ValueError("y: DRAW learns from x alone, expected None; labels go beside the pictures into x")
        images, _ = checked_inputs(x, self.image_shape, self.labels)
        nats = [reconstruction(images, y_pred["canvas"]), tf.reduce_sum(y_pred["kl"], axis=1)]
        for metric, part in zip(self.parts, nats, strict=True):
            metric.update_state(part)
        loss = tf.add_n([*(tf.reduce_mean(part) for part in nats), *self.losses])
        return tf.math.multiply_no_nan(loss, share(tf.shape(images)[0]))

    def bound(self, images, label=None, samples=1, seed=0):
        """The loss of pictures one by one: above - log p(x) on average.

        Args:
            images: (N, H, W, C), integers or floats in [0, 255].
            label: (N,) int of a model with labels, else None.
            samples: int >= 1, how many draws of the noise it is the mean of. seed: int >= 0, of the noise.

        Returns:
            (N,) float32, nats.

        Raises:
            TypeError, ValueError: for an argument that is not as above.
        """
        return estimates.bound(self, images, label, samples, seed)

    def likelihood(self, images, label=None, samples=100, seed=0):
        """An estimate of log p(x), by importance sampling: from below, and the closer the more samples.

        log p(x) ~ log 1/K sum_k p(x | c_k) p(z_k) / q(z_k | x),  z_k ~ q

        Args:
            images, label, seed: as of `bound`.
            samples: K, int >= 1.

        Returns:
            (N,) float32, nats; below zero.

        Raises:
            TypeError, ValueError: for an argument that is not as above.
        """
        return estimates.likelihood(self, images, label, samples, seed)

    def draw(self, n=None, seed=0, label=None, noise=None):
        """Draw pictures.

        Args:
            n: int >= 1, how many; None: one, or as many as there is noise for.
            seed: int in [-2**31, 2**31): picture i depends on it and on i alone, here and in every export.
            label: of a model with labels what to draw: one of them, or its number, or a sequence of N.
            noise: (N, T, Z), instead of a seed: each picture from its own.

        Returns:
            A `Drawing`.

        Raises:
            TypeError, ValueError: for an argument that is not as above.
        """
        shape = (self.options["steps"], self.options["latent_dim"])
        n, seed, label, noise = checked_order(n, seed, label, noise, self.labels, shape)
        if self._drawing is None:
            self._drawing = tf.function(self.painted, autograph=False, reduce_retracing=True)
        numbers = None if label is None else tf.constant(label)
        noise = self.noise(n, scalar(seed, "int32")) if noise is None else tf.constant(noise)
        found = {name: a.numpy() for name, a in self._drawing(numbers, noise).items()}
        names = None if label is None else [self.labels[k] for k in label]
        return Drawing(found["canvas"], found.get("window"), self.options["write"], names)

    def noise(self, n, seed, first=0):
        """The noise (N, T, Z) of pictures `first`, `first` + 1, ... of a seed; tensors or ints."""
        shape = (self.options["steps"], self.options["latent_dim"])
        return tf.reshape(normals(seed, n * shape[0] * shape[1], first * shape[0] * shape[1]), (-1, *shape))

    def export_signatures(self, format):
        """Signatures for `ks.export`; see `models.draw_signatures`."""
        return draw_signatures.signatures(self, format)

    def export_examples(self, format):
        """Example inputs for the comparison of an export with this model."""
        return draw_signatures.examples(self, format)

    def export_metadata(self):
        """Files that travel with an export."""
        return draw_signatures.metadata(self)

    def copied(self, images, label, noise, weigh=False):
        """See `draw_loops.copied`."""
        return draw_loops.copied(self, images, label, noise, weigh)

    def painted(self, label, noise):
        """See `draw_loops.painted`."""
        return draw_loops.painted(self, label, noise)
