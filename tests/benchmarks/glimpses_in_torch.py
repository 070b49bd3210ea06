"""A reader by glimpses in PyTorch, to be timed: as public implementations write it, and tuned."""

from collections.abc import Callable

import numpy as np

from tests.benchmarks import steps

CLASSES, STDDEV, REWARD = 10, 0.1, 0.01


def training_step(images: np.ndarray, labels: np.ndarray, count, patch, scales, units, tuned) -> Callable[[], float]:
    """A step of training on pictures (B, H, H, 1) uint8 and labels (B,); it returns the loss.

    Args:
        count: T, how many glimpses. patch: side of a patch. scales: each sees twice as far as the one before it.
        tuned: whether patches are sampled all at once, and what can be computed behind the loop is.
    """
    import torch

    torch.manual_seed(0)
    network = (tuned_network() if tuned else usual_network())(count, patch, scales, units).train()
    x = torch.as_tensor(images[:, None, ..., 0].astype("float32") / 255)
    y = torch.as_tensor(labels.astype("int64"))
    return steps.torch_network_step(network, lambda: network(x, y))


def usual_network():
    """The class; PyTorch is optional, so it is made where it is used."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Usual(nn.Module):
        def __init__(self, count, patch, scales, units):
            super().__init__()
            self.count, self.patch, self.scales, self.units = count, patch, scales, units
            width = units // 2
            self.what, self.where = nn.Linear(scales * patch**2, width), nn.Linear(2, width)
            self.join = nn.Linear(2 * width, units)
            self.cell = nn.RNNCell(units, units, nonlinearity="relu")
            self.location, self.output, self.baseline = (nn.Linear(units, n) for n in (2, CLASSES, 1))

        def forward(self, x, y):
            location, h = x.new_zeros(len(x), 2), x.new_zeros(len(x), self.units)
            densities, expected = [], []
            for t in range(self.count):
                what = torch.relu(self.what(self.seen(x, location)))
                glimpse = self.join(torch.cat([what, torch.relu(self.where(location))], 1))
                h = self.cell(torch.relu(glimpse), h)
                if t < self.count - 1:
                    normal = torch.distributions.Normal(torch.tanh(self.location(h.detach())), STDDEV)
                    drawn = normal.sample()
                    densities.append(normal.log_prob(drawn).sum(1))
                    expected.append(self.baseline(h.detach())[:, 0])
                    location = drawn.clamp(-1, 1)
            return loss_of(self.output(h), y, torch.stack(densities, 1), torch.stack(expected, 1))

        def seen(self, x, location):
            """Patches cut out picture by picture, at whole pixels."""
            found, count = [], x.shape[-1]
            for s in range(self.scales):
                size = self.patch * 2**s
                padded = functional.pad(x, (size, size, size, size))
                first = (location + 1) * (count - 1) / 2 - (size - 1) / 2
                first = first.round().long().clamp(-size, count) + size
                rows = [padded[k, :, r : r + size, c : c + size] for k, (r, c) in enumerate(first.tolist())]
                found.append(functional.avg_pool2d(torch.stack(rows), 2**s))
            return torch.cat(found, 1).flatten(1)

    return Usual


def tuned_network():
    """The class, likewise."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Tuned(nn.Module):
        def __init__(self, count, patch, scales, units):
            super().__init__()
            self.count, self.patch, self.scales, self.units = count, patch, scales, units
            width = units // 2
            self.what, self.where = nn.Linear(scales * patch**2, width), nn.Linear(2, width)
            self.join, self.cell = nn.Linear(2 * width, units), nn.Linear(2 * units, units)
            self.location, self.output, self.baseline = (nn.Linear(units, n) for n in (2, CLASSES, 1))

        def forward(self, x, y):
            location, h = x.new_zeros(len(x), 2), x.new_zeros(len(x), self.units)
            grids = self.grids(x.shape[-1])
            noise = STDDEV * torch.randn(self.count - 1, len(x), 2)
            hidden, means, all_drawn = [], [], []
            for t in range(self.count):
                what = torch.relu(self.what(self.seen(x, location, grids)))
                glimpse = torch.relu(self.join(torch.cat([what, torch.relu(self.where(location))], 1)))
                h = torch.relu(self.cell(torch.cat([glimpse, h], 1)))
                if t < self.count - 1:
                    hidden.append(h.detach())
                    means.append(torch.tanh(self.location(hidden[-1])))
                    all_drawn.append(means[-1].detach() + noise[t])
                    location = all_drawn[-1].clamp(-1, 1)
            normal = torch.distributions.Normal(torch.stack(means, 1), STDDEV, validate_args=False)
            densities = normal.log_prob(torch.stack(all_drawn, 1)).sum(2)
            return loss_of(self.output(h), y, densities, self.baseline(torch.stack(hidden, 1))[..., 0])

        def grids(self, count):
            """Of each scale the places (K, K, 2) around the middle of a glimpse, across and down."""
            found = []
            for s in range(self.scales):
                size = self.patch * 2**s
                places = (torch.arange(size) - (size - 1) / 2) * 2 / (count - 1)
                found.append(torch.stack(torch.meshgrid(places, places, indexing="xy"), 2))
            return found

        def seen(self, x, location, grids):
            """Patches sampled of all pictures at once, anywhere."""
            middle, found = location.flip(1)[:, None, None], []
            for s, grid in enumerate(grids):
                patches = functional.grid_sample(x, middle + grid, align_corners=True)
                found.append(functional.avg_pool2d(patches, 2**s) if s else patches)
            return torch.cat(found, 1).flatten(1)

    return Tuned


def loss_of(logits, y, densities, expected):
    """Of the label, of the baseline, and of where it was looked: REINFORCE, the label's being right as reward."""
    from torch.nn import functional

    advantage = (logits.argmax(1) == y).float()[:, None] - expected  # (B, T - 1)
    reinforce = -(densities * advantage.detach()).sum(1).mean()
    return functional.cross_entropy(logits, y) + REWARD * reinforce + advantage.square().mean()
