"""One step of `DRAW`: the mathematics, without weights; they come as arguments of a loop, see `layers.product_loop`.

Legend: B batch, H W picture, C channels, N grid, U units, Z latent numbers, L labels.
"""

import dataclasses

import tensorflow as tf

from keras_seqcv.layers.draw_attention import PARAMETERS, gaussian_filters, gaussian_window
from keras_seqcv.layers.grid_filters import read_grid, write_grid
from keras_seqcv.layers.lstm import LSTMMath

_LSTM = LSTMMath()


@dataclasses.dataclass(frozen=True)
class Painting:
    """From a latent vector z (B, Z) to the next canvas.

    h, c     = LSTM([z, label], h, c)
    patch, p, q = h W + b                  p: where the patch goes, q: where the encoder reads next
    canvas   = canvas + write(patch, p)

    Outputs: the "canvas", and with `write` the "window" (B, 4), see `written`.

    States: h, c (B, U), the canvas (B, H, W, C) float32, and with `read` q (B, 5). Without `write` the patch is as
    large as the canvas. `fixed` holds "label" (B, L) if there are labels.

    Biases are the last rows of the kernels, multiplied by a one: their gradients come with those of the kernels, and
    are not summed up in the loop.
    """

    image_shape: tuple[int, int, int]
    write: int | None
    read: int | None

    def __call__(self, product, z, states, fixed, weights):
        h, c, canvas, *_ = states
        h, c = lstm(product, [z, *_label(fixed)], h, c, weights["decoder"])
        patch, places, look = self.said(product(_joined(h), weights["head"]))
        canvas, window = self.written(canvas, patch, places)
        return {"canvas": canvas, **window}, [h, c, canvas, *look]

    def widths(self) -> list[int]:
        """Of the parts of the head: the patch, where it goes, where to read next."""
        places = [PARAMETERS * (size is not None) for size in (self.write, self.read)]
        return [self.area(self.write), *places]

    def area(self, size) -> int:
        """How many numbers a grid of this size has, all channels, or the picture where it is None."""
        height, width, channels = self.image_shape
        return channels * (height * width if size is None else size * size)

    def flat(self, patch, size, dtype):
        """(B, N, N, C) -> (B, N N C)."""
        return tf.cast(tf.reshape(patch, (-1, self.area(size))), dtype)

    def said(self, head):
        """The head (B, P) -> patch (B, N, N, C) float32, p (B, 5), and a list of q (B, 5)."""
        patch, places, look = tf.split(tf.cast(head, "float32"), self.widths(), axis=1)
        height, width, channels = self.image_shape
        size = (height, width) if self.write is None else (self.write, self.write)
        return tf.reshape(patch, (-1, *size, channels)), places, [] if self.read is None else [look]

    def written(self, canvas, patch, places):
        """The canvas with a patch on it, and where that is: row, column, stride and deviation (B, 4) in pixels."""
        if self.write is None:
            return canvas + patch, {}
        height, width, _ = self.image_shape
        window = gaussian_window(places, self.write, height, width)
        patch = write_grid(
            patch / window["gamma"][:, :, None, None], *gaussian_filters(window, self.write, height, width)
        )
        parts = [window["row"], window["column"], window["stride"], tf.sqrt(window["variance"])]
        return canvas + patch, {"window": tf.concat(parts, axis=1)}


@dataclasses.dataclass(frozen=True)
class Copying:
    """One step of learning to draw a picture x: look at it and at the canvas, draw z, and paint.

    r        = [read(x, q), read(x - sigma(canvas), q)]
    h', c'   = LSTM([r, h, label], h', c')             h of the decoder before the step
    m, log s = h' W + b
    z        = m + s e                                   e (B, Z) from `xs`
    and then as `Painting` has it.

    States: h', c' (B, U), and those of `painting`. `fixed` holds, beside the label, "image" x (B, H, W, C) float32;
    without `read`, where everything is seen at every step, x as the encoder's kernel sees it, "seen" (B, 4 U).

    Outputs: "nats" (B,) float32, KL(N(m, s) | N(0, 1)); with `weigh` log N(z | m, s) - log N(z | 0, 1) instead, of
    which that is the mean.
    """

    painting: Painting
    weigh: bool = False

    def __call__(self, product, noise, states, fixed, weights):
        h_encoder, c_encoder, *rest = states
        h, canvas = rest[0], rest[2]
        painted, label = tf.sigmoid(canvas), _label(fixed)
        if self.painting.read is None:
            # W_x x + W_e (x - sigma) = (W_x + W_e) x - W_e sigma: the first is the same at every step.
            read = [-self.painting.flat(painted, None, h.dtype)]
            x = fixed["seen"]
        else:
            read, x = self.looked(fixed["image"], painted, rest[3], h.dtype), 0.0
        h_encoder, c_encoder = lstm(product, [*read, h, *label], h_encoder, c_encoder, weights["encoder"], x)
        said = tf.cast(product(_joined(h_encoder), weights["latent"]), "float32")
        mean, log_deviation = tf.split(said, 2, axis=1)
        deviation = tf.exp(log_deviation)
        z = mean + deviation * noise
        if self.weigh:
            nats = 0.5 * (z * z - noise * noise) - log_deviation
        else:
            nats = 0.5 * (mean * mean + deviation * deviation - 1.0) - log_deviation
        _, after = self.painting(product, tf.cast(z, h.dtype), rest, fixed, weights)
        return {"nats": tf.reduce_sum(nats, axis=1)}, [h_encoder, c_encoder, *after]

    def looked(self, image, painted, look, dtype):
        """What a grid sees of the picture, and of what is wrong with the canvas: two of (B, N N C)."""
        size, (height, width, _) = self.painting.read, self.painting.image_shape
        window = gaussian_window(look, size, height, width)
        filters = gaussian_filters(window, size, height, width)
        seen = [
            self.painting.flat(read_grid(picture, *filters), size, dtype) * tf.cast(window["gamma"], dtype)
            for picture in (tf.stop_gradient(image), painted)
        ]
        return [seen[0], seen[0] - seen[1]]


def lstm(product, inputs, h, c, kernel, x=0.0):
    """A step of an LSTM whose kernel is for all of its inputs, the state and a one, on top of each other."""
    return _LSTM.step(x, [_joined(*inputs, h), c], [kernel], product)[0]


def _joined(*parts):
    """Parts (B, .) side by side, and a one."""
    return tf.concat([*parts, tf.ones_like(parts[0][:, :1])], axis=1)


def _label(fixed):
    return [tf.stop_gradient(fixed["label"])] if "label" in fixed else []
