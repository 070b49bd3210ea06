"""A training step of a translator with attention: ours beside PyTorch's usual loop and a tuned one."""

import keras
import numpy as np

import keras_seqcv as ks
from tests.benchmarks import steps, timing

COLUMNS = {
    "units": "{}",
    "batch": "{}",
    "words": "{:,}",
    "ours, target words/s": "{:,.0f}",
    "PyTorch loop / ours": "{:.2f}",
    "PyTorch, tuned / ours": "{:.2f}",
}
DROPOUT = 0.3


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=7)
    sizes = [(512, 64, 8000), (320, 64, 8000), (512, 128, 8000), (512, 64, 4000)]
    rows = []
    for units, batch, words in [(8, 3, 11)] if args.quick else sizes:
        timing.progress("translation", units, batch, words)
        data = pairs(batch, words)
        functions = {"ours": ours(units, words, *data)}
        if timing.has_torch():
            functions["torch"] = torch_step(units, words, *data, tuned=False)
            functions["torch tuned"] = torch_step(units, words, *data, tuned=True)
        result = timing.compare(functions, args.rounds)
        row = {"units": units, "batch": batch, "words": words}
        row["ours, target words/s"] = float(data[3].sum()) / result.median("ours")
        row["PyTorch loop / ours"] = result.ratio("torch")
        row["PyTorch, tuned / ours"] = result.ratio("torch tuned")
        rows.append(row)
    note = (
        "Encoder: a GRU in both directions (packed in PyTorch), additive attention over its outputs before a GRU cell, "
        f"deep output, half as wide embeddings, dropout {DROPOUT}, Adam, clipping by the global norm; sources and "
        "targets of 9 to 17 words, padded. PyTorch loop: the keys are projected, and the words told, at every step, as "
        "tutorials have it; tuned: once, before and after the loop. A ratio is their time / our time."
    )
    timing.show(__file__, COLUMNS, rows, args, note)


def pairs(batch, words):
    """source (B, S), tokens, targets (B, T), weights (B, T): lengths from 9 to 17, some of which are the longest."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(9, 18, (2, batch))
    lengths[:, 0] = 17
    source, target = (np.where(np.arange(17) < n[:, None], rng.integers(4, words, (batch, 17)), 0) for n in lengths)
    tokens = np.concatenate([np.ones((batch, 1), int), target], axis=1)
    targets = np.concatenate([target, np.zeros((batch, 1), int)], axis=1)
    targets[np.arange(batch), lengths[1]] = 2
    return (*(a.astype("int32") for a in (source, tokens, targets)), (targets != 0).astype("float32"))


def ours(units, words, source, tokens, targets, weights):
    keras.utils.set_random_seed(0)
    names = [f"w{chr(97 + i // 676)}{chr(97 + i // 26 % 26)}{chr(97 + i % 26)}" for i in range(words - 4)]
    vocabulary = ks.data.Words(tokens=names)
    model = ks.models.Translator(vocabulary, vocabulary, units=units, embedding_dim=units // 2, dropout=DROPOUT)
    model.compile(keras.optimizers.Adam(steps.LEARNING_RATE, global_clipnorm=steps.CLIP))
    model.optimizer.build(model.trainable_variables)
    return steps.keras_step(model, {"source": source, "tokens": tokens}, targets, weights)


def torch_step(units, words, source, tokens, targets, weights, tuned):
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    class Translator(nn.Module):
        def __init__(self):
            super().__init__()
            width = units // 2
            self.source, self.target = nn.Embedding(words, width), nn.Embedding(words, width)
            self.encoder = nn.GRU(width, units, batch_first=True, bidirectional=True)
            self.cell = nn.GRUCell(width + 2 * units, units)
            self.start = nn.Linear(2 * units, units)
            self.of_memory, self.of_query = nn.Linear(2 * units, units, bias=False), nn.Linear(units, units)
            self.score = nn.Linear(units, 1, bias=False)
            self.deep, self.output = nn.Linear(3 * units, width), nn.Linear(width, words)
            self.drop = nn.Dropout(DROPOUT)

        def forward(self, source, tokens):
            there = source != 0
            lengths = there.sum(1)
            packed = pack_padded_sequence(self.drop(self.source(source)), lengths, True, enforce_sorted=False)
            memory = self.drop(pad_packed_sequence(self.encoder(packed)[0], batch_first=True)[0])
            keys = self.of_memory(memory) if tuned else None
            h = torch.tanh(self.start(memory.sum(1) / lengths[:, None]))
            embedded, features = self.drop(self.target(tokens)), []
            for x in embedded.unbind(1):
                compared = torch.tanh((keys if tuned else self.of_memory(memory)) + self.of_query(h)[:, None])
                scores = self.score(compared)[..., 0].masked_fill(~there, -1e9)
                context = torch.bmm(torch.softmax(scores, 1)[:, None], memory)[:, 0]
                h = self.cell(torch.cat([x, context], 1), h)
                y = torch.cat([h, context], 1)
                features.append(y if tuned else self.told(y, x))
            features = torch.stack(features, 1)
            return self.told(features, embedded) if tuned else features

        def told(self, features, x):
            return self.output(self.drop(torch.tanh(self.deep(self.drop(features)) + x)))

    torch.manual_seed(0)
    model = Translator().train()
    optimizer = torch.optim.Adam(model.parameters(), steps.LEARNING_RATE)
    source, tokens, targets = (torch.as_tensor(a.astype("int64")) for a in (source, tokens, targets))

    def step():
        optimizer.zero_grad(set_to_none=True)
        logits = model(source, tokens)
        loss = nn.functional.cross_entropy(logits.reshape(-1, words), targets.reshape(-1), ignore_index=0)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), steps.CLIP)
        optimizer.step()
        return float(loss)

    return step


if __name__ == "__main__":
    main()
