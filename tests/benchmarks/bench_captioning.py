"""Captions by beam search from features that are there: ours beside PyTorch's loops."""

import keras
import numpy as np

import keras_seqcv as ks
from tests.benchmarks import timing

COLUMNS = {
    "beams": "{}",
    "pictures at a time": "{}",
    "places": "{}",
    "words": "{:,}",
    "ours, pictures/s": "{:,.0f}",
    "PyTorch loop / ours": "{:.2f}",
    "PyTorch, tuned / ours": "{:.2f}",
}
LENGTH = 20


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=5)
    units = 8 if args.quick else 512
    sizes = [(5, 32, 49, 4000), (5, 1, 49, 4000), (1, 32, 49, 4000), (3, 32, 49, 4000), (5, 32, 196, 4000)]
    sizes += [(5, 32, 49, 10_000)]
    sizes = [(2, 2, 4, 30)] if args.quick else sizes
    rows = []
    for beams, batch, places, words in sizes:
        timing.progress("captioning", beams, batch, places, words)
        result = timing.compare(candidates(units, beams, batch, places, words), args.rounds)
        row = {"beams": beams, "pictures at a time": batch, "places": places, "words": words}
        row["ours, pictures/s"] = batch / result.median("ours")
        row["PyTorch loop / ours"] = result.ratio("torch")
        row["PyTorch, tuned / ours"] = result.ratio("torch tuned")
        rows.append(row)
    note = (
        f"A decoder of {units} units with additive attention, gate and deep output, {LENGTH} words a caption (the end "
        "is never likely), features of depth 1,280 as the encoder gives them. PyTorch loop: one picture after the "
        "other, the places projected at every step, as tutorials have it; tuned: all pictures at once, projected once. "
        "A ratio is their time / our time."
    )
    timing.show(__file__, COLUMNS, rows, args, note)


def candidates(units, beams, batch, places, words):
    keras.utils.set_random_seed(0)
    features = np.random.default_rng(0).random((batch, places, 1280), "float32")
    model = captioner(units, places, words)
    functions = {"ours": lambda: model.caption(features=features, beam=beams, max_length=LENGTH)}
    if timing.has_torch():
        network = torch_captioner(units, words)
        functions["torch"] = lambda: [network.one_by_one(f, beams) for f in features]
        functions["torch tuned"] = lambda: network.together(features, beams)
    return functions


def captioner(units, places, words):
    """A model that needs no network: its encoder only says how many places there are."""
    inputs = keras.Input((16, 16 * places, 3))
    encoder = ks.models.ImageEncoder(keras.Model(inputs, keras.layers.Conv2D(1280, 16, strides=16)(inputs)))
    names = (f"w{chr(97 + i // 676)}{chr(97 + i // 26 % 26)}{chr(97 + i % 26)}" for i in range(words - 4))
    model = ks.models.ImageCaptioner(encoder, ks.data.Words(tokens=names), units=units)
    bias = np.zeros(words, "float32")
    bias[model.vocabulary.end_id] = -1e4  # all captions are as long as they may be
    model.decoder.vocabulary_layer.bias.assign(bias)
    return model


def torch_captioner(units, words):
    import torch
    from torch import nn

    class Captioner(nn.Module):
        def __init__(self):
            super().__init__()
            self.projection = nn.Linear(1280, units)
            self.embedding, self.cell = nn.Embedding(words, units), nn.LSTMCell(2 * units, units)
            self.of_memory, self.of_query = nn.Linear(units, units, bias=False), nn.Linear(units, units)
            self.score, self.gate = nn.Linear(units, 1, bias=False), nn.Linear(units, 1)
            self.start_h, self.start_c = nn.Linear(units, units), nn.Linear(units, units)
            self.deep, self.output = nn.Linear(2 * units, units), nn.Linear(units, words)

        def start(self, features):
            memory = torch.relu(self.projection(features))
            mean = memory.mean(1)
            return memory, torch.tanh(self.start_h(mean)), torch.tanh(self.start_c(mean))

        def step(self, tokens, h, c, memory, keys=None):
            keys = self.of_memory(memory) if keys is None else keys
            weights = torch.softmax(self.score(torch.tanh(keys + self.of_query(h)[:, None])), dim=1)
            context = torch.bmm(weights.transpose(1, 2), memory)[:, 0] * torch.sigmoid(self.gate(h))
            x = self.embedding(tokens)
            h, c = self.cell(torch.cat([x, context], 1), (h, c))
            logits = self.output(torch.tanh(self.deep(torch.cat([h, context], 1)) + x))
            logits[:, 2] = -1e4
            return torch.log_softmax(logits, 1), h, c, weights[..., 0]

        @torch.no_grad()
        def one_by_one(self, features, beams):
            memory, h, c = self.start(torch.as_tensor(features)[None])
            memory, h, c = (a.expand(beams, *a.shape[1:]) for a in (memory, h, c))
            tokens, scores = torch.full((beams,), 1), torch.zeros(beams, 1)
            written, maps = tokens[:, None], torch.zeros(beams, 0, memory.shape[1])
            for t in range(LENGTH):
                log_p, h, c, weights = self.step(tokens, h, c, memory)
                total = scores + log_p
                scores, best = (total[:1] if t == 0 else total.reshape(1, -1)).reshape(-1).topk(beams)
                parents, tokens = best // words, best % words
                written = torch.cat([written[parents], tokens[:, None]], 1)
                maps = torch.cat([maps[parents], weights[parents, None]], 1)
                h, c, scores = h[parents], c[parents], scores[:, None]
            return written, scores, maps

        @torch.no_grad()
        def together(self, features, beams):
            memory, h, c = self.start(torch.as_tensor(features))
            batch = len(memory)
            keys = self.of_memory(memory).repeat_interleave(beams, 0)
            memory, h, c = (a.repeat_interleave(beams, 0) for a in (memory, h, c))
            first = torch.arange(batch)[:, None] * beams
            tokens = torch.full((batch * beams,), 1)
            scores = torch.where(torch.arange(beams) == 0, 0.0, -1e9).repeat(batch, 1)
            written, maps = tokens[:, None], torch.zeros(batch * beams, 0, memory.shape[1])
            for _ in range(LENGTH):
                log_p, h, c, weights = self.step(tokens, h, c, memory, keys)
                total = (scores.reshape(-1, 1) + log_p).reshape(batch, -1)
                scores, best = total.topk(beams)
                parents, tokens = (best // words + first).reshape(-1), (best % words).reshape(-1)
                written = torch.cat([written[parents], tokens[:, None]], 1)
                maps = torch.cat([maps[parents], weights[parents, None]], 1)
                h, c = h[parents], c[parents]
            return written, scores, maps

    return Captioner().eval()


if __name__ == "__main__":
    main()
