"""DRAW as the paper's equations have it, in NumPy: one picture, float64, with the weights of a model."""

import dataclasses

import numpy as np

from tests.layers.draw_oracle import read, write


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@dataclasses.dataclass
class Oracle:
    """The weights of a `ks.models.DRAW`, in float64."""

    model: object

    def __post_init__(self):
        for name in ("encoder", "decoder", "latent", "head"):
            setattr(self, name, [w.numpy().astype("float64") for w in getattr(self.model, name).weights])
        self.firsts = [w.numpy().astype("float64") for w in self.model.firsts]
        self.options, self.shape = self.model.options, self.model.image_shape

    def lstm(self, weights, inputs, h, c):
        kernel, recurrent, bias = weights
        i, f, g, o = np.split(np.concatenate(inputs) @ kernel + h @ recurrent + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    def dense(self, weights, h):
        return h @ weights[0] + weights[1]

    def said(self, h):
        """What the decoder says: the patch, where it goes, and where to read."""
        head, size = self.dense(self.head, h), self.options["write"]
        shape = self.shape if size is None else (size, size, self.shape[2])
        count, writes = int(np.prod(shape)), 0 if size is None else 5
        return head[:count].reshape(shape), head[count : count + writes], head[count + writes :]

    def one_hot(self, label):
        return [] if label is None else [np.eye(len(self.model.labels))[label]]

    def read(self, image, canvas, h):
        error = image - sigmoid(canvas)
        if self.options["read"] is None:
            return np.concatenate([image.ravel(), error.ravel()])
        look = self.said(h)[2]
        return np.concatenate([read(a, look, self.options["read"]).ravel() for a in (image, error)])

    def paint(self, z, label, h, c, canvas):
        h, c = self.lstm(self.decoder, [z, *self.one_hot(label)], h, c)
        patch, where, _ = self.said(h)
        return h, c, canvas + (patch if self.options["write"] is None else write(patch, where, *self.shape[:2]))

    def draw(self, noise, label=None):
        """Noise (T, Z) -> canvases (T, H, W, C) in [0, 1], and windows (T, 4) or None."""
        _, h, canvas = self.firsts
        c, canvases, windows = np.zeros_like(h), [], []
        for z in noise:
            h, c, canvas = self.paint(z, label, h, c, canvas)
            canvases.append(sigmoid(canvas))
            windows.append(self.window(self.said(h)[1]))
        return np.array(canvases), None if self.options["write"] is None else np.array(windows)

    def window(self, where):
        """Row, column, stride, deviation: the middle is that of a grid of one filter."""
        if not len(where):
            return None
        height, width, _ = self.shape
        middle = [(n + 1) / 2 * (where[k] + 1) - 1 for k, n in ((1, height), (0, width))]
        stride = (max(height, width) - 1) / max(self.options["write"] - 1, 1) * np.exp(where[3])
        return [*middle, stride, np.exp(0.5 * where[2])]

    def copy(self, image, noise, label=None):
        """A picture in [0, 1] -> - log p(x | c), KL of each step, log q(z) - log p(z) of each step."""
        h_encoder, h, canvas = self.firsts
        c_encoder, c, kl, weighed = np.zeros_like(h), np.zeros_like(h), [], []
        for e in noise:
            seen = self.read(image, canvas, h)
            h_encoder, c_encoder = self.lstm(self.encoder, [seen, h, *self.one_hot(label)], h_encoder, c_encoder)
            mean, log_deviation = np.split(self.dense(self.latent, h_encoder), 2)
            deviation = np.exp(log_deviation)
            z = mean + deviation * e
            kl.append(0.5 * np.sum(mean**2 + deviation**2 - np.log(deviation**2)) - len(z) / 2)
            weighed.append(normal(z, mean, deviation) - normal(z, 0.0, 1.0))
            h, c, canvas = self.paint(z, label, h, c, canvas)
        light = sigmoid(canvas)
        nats = -np.sum(image * np.log(light) + (1 - image) * np.log(1 - light))
        return nats, np.array(kl), np.array(weighed)


def normal(z, mean, deviation):
    """log N(z | mean, deviation), of all numbers."""
    return np.sum(-0.5 * ((z - mean) / deviation) ** 2 - np.log(deviation) - 0.5 * np.log(2 * np.pi) * np.ones_like(z))
