"""DRAW in PyTorch, to be timed: as public implementations write it, and tuned."""

from collections.abc import Callable

import numpy as np

from tests.benchmarks import steps


def training_step(images: np.ndarray, count: int, units: int, latent: int, read, write, tuned) -> Callable[[], float]:
    """A step of training on pictures (B, H, H, 1) uint8; it returns the loss.

    Args:
        count: T. read, write: side of the grids, or None for all of the picture.
        tuned: whether what can be computed at once is.
    """
    import torch

    torch.manual_seed(0)
    network = (tuned_network() if tuned else usual_network())(
        images.shape[1], count, units, latent, read, write
    ).train()
    x = torch.as_tensor(images[..., 0].astype("float32") / 255)

    def loss():
        canvas, nats = network(x)
        likelihood = torch.nn.functional.binary_cross_entropy_with_logits(canvas, x, reduction="sum")
        return (likelihood + nats) / len(x)

    return steps.torch_network_step(network, loss)


def usual_network():
    """The class; PyTorch is optional, so it is made where it is used."""
    import torch
    from torch import nn

    class Usual(nn.Module):
        def __init__(self, side, count, units, latent, read, write):
            super().__init__()
            self.side, self.count, self.units, self.read, self.write = side, count, units, read, write
            self.encoder = nn.LSTMCell(2 * (read or side) ** 2 + units, units)
            self.decoder = nn.LSTMCell(latent, units)
            self.mean, self.log_deviation = nn.Linear(units, latent), nn.Linear(units, latent)
            self.patch = nn.Linear(units, (write or side) ** 2)
            self.reads, self.writes = nn.Linear(units, 5), nn.Linear(units, 5)

        def forward(self, x):
            h = other = (x.new_zeros(len(x), self.units), x.new_zeros(len(x), self.units))
            canvas, nats = torch.zeros_like(x), 0.0
            for _ in range(self.count):
                seen = self.looked(x, x - torch.sigmoid(canvas), h[0])
                other = self.encoder(torch.cat([seen, h[0]], 1), other)
                mean, log_deviation = self.mean(other[0]), self.log_deviation(other[0])
                deviation = log_deviation.exp()
                h = self.decoder(mean + deviation * torch.randn_like(mean), h)
                canvas = canvas + self.written(h[0])
                nats = nats + (0.5 * (mean**2 + deviation**2 - 1) - log_deviation).sum()
            return canvas, nats

        def looked(self, x, wrong, h):
            if self.read is None:
                return torch.cat([x.flatten(1), wrong.flatten(1)], 1)
            rows, columns, gamma = self.filters(self.reads(h), self.read)
            seen = [gamma * torch.bmm(torch.bmm(rows, a), columns.transpose(1, 2)).flatten(1) for a in (x, wrong)]
            return torch.cat(seen, 1)

        def written(self, h):
            patch = self.patch(h)
            if self.write is None:
                return patch.view(-1, self.side, self.side)
            rows, columns, gamma = self.filters(self.writes(h), self.write)
            patch = patch.view(-1, self.write, self.write)
            return torch.bmm(torch.bmm(rows.transpose(1, 2), patch), columns) / gamma[..., None]

        def filters(self, parameters, size):
            gx, gy, log_variance, log_stride, log_gamma = parameters.split(1, 1)
            stride = (self.side - 1) / (size - 1) * log_stride.exp()
            found = []
            for g in (gy, gx):
                means = (self.side + 1) / 2 * (g + 1) - 1 + (torch.arange(size) - 0.5 * (size - 1)) * stride
                beyond = (torch.arange(self.side) - means[..., None]) ** 2
                bells = torch.exp(-beyond / (2 * log_variance.exp()[..., None]))
                found.append(bells / (bells.sum(2, keepdim=True) + 1e-8))
            return *found, log_gamma.exp()

    return Usual


def tuned_network():
    """The class, likewise."""
    import torch
    from torch import nn

    class Tuned(nn.Module):
        def __init__(self, side, count, units, latent, read, write):
            super().__init__()
            self.side, self.count, self.units, self.read, self.write = side, count, units, read, write
            self.latent_dim, seen = latent, (2 * read**2 if read else side**2)
            self.seen = None if read else nn.Linear(side**2, 4 * units, bias=False)
            self.encoder = nn.Linear(seen + 2 * units, 4 * units)
            self.decoder = nn.Linear(latent + units, 4 * units)
            self.latent = nn.Linear(units, 2 * latent)
            self.parts = [(write or side) ** 2, 5 if write else 0, 5 if read else 0]
            self.head = nn.Linear(units, sum(self.parts))

        def forward(self, x):
            zero = x.new_zeros(len(x), self.units)
            h, c, other, cell, canvas = zero, zero, zero, zero, torch.zeros_like(x)
            noise = torch.randn(self.count, len(x), self.latent_dim)
            means, deviations, look = [], [], self.head(h).split(self.parts, 1)[2]
            of_x = None if self.read else self.seen(x.flatten(1))
            for e in noise.unbind(0):
                painted = torch.sigmoid(canvas)
                seen = self.looked(x, painted, look) if self.read else -painted.flatten(1)
                other, cell = _lstm(self.encoder(torch.cat([seen, h, other], 1)), cell, of_x)
                mean, log_deviation = self.latent(other).chunk(2, 1)
                z = torch.addcmul(mean, log_deviation.exp(), e)
                h, c = _lstm(self.decoder(torch.cat([z, h], 1)), c)
                patch, where, look = self.head(h).split(self.parts, 1)
                canvas = self.written(canvas, patch, where)
                means.append(mean)
                deviations.append(log_deviation)
            mean, log_deviation = torch.stack(means), torch.stack(deviations)
            return canvas, (0.5 * (mean**2 + (2 * log_deviation).exp() - 1) - log_deviation).sum()

        def looked(self, x, painted, look):
            rows, columns, gamma = self.filters(look, self.read)
            both = torch.bmm(rows, torch.cat([x, painted], 2)).view(-1, self.read, 2, self.side)
            seen = torch.bmm(both.view(len(x), -1, self.side), columns.transpose(1, 2)).view(len(x), self.read, 2, -1)
            first, second = seen.unbind(2)
            return torch.cat([first, first - second], 1).flatten(1) * gamma

        def written(self, canvas, patch, where):
            if self.write is None:
                return canvas + patch.view(-1, self.side, self.side)
            rows, columns, gamma = self.filters(where, self.write)
            patch = (patch / gamma).view(-1, self.write, self.write)
            return torch.baddbmm(canvas, torch.bmm(rows.transpose(1, 2), patch), columns)

        def filters(self, parameters, size):
            centres = (self.side + 1) / 2 * (parameters[:, :2] + 1) - 1
            stride = (self.side - 1) / (size - 1) * parameters[:, 3:4].exp()
            means = centres[..., None] + ((torch.arange(size) - 0.5 * (size - 1)) * stride)[:, None]  # (B, 2, N)
            precision = (-0.5 * (-parameters[:, 2]).exp())[:, None, None, None]
            bells = torch.softmax((torch.arange(self.side) - means[..., None]).square() * precision, 3)
            return bells[:, 1], bells[:, 0], parameters[:, 4:5].exp()

    return Tuned


def _lstm(gates, c, more=None):
    import torch

    i, f, g, o = (gates if more is None else gates + more).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c
