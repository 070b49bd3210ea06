"""A training step of a caption decoder that looks at a picture: ours, Keras's `RNN(cell)`, PyTorch's usual loops."""

import keras
import numpy as np

import keras_seqcv as ks
from tests.benchmarks import steps, timing

COLUMNS = {
    "units": "{}",
    "places": "{}",
    "words": "{:,}",
    "ours, tokens/s": "{:,.0f}",
    "RNN(cell) / ours": "{:.2f}",
    "RNN(cell), keys once / ours": "{:.2f}",
    "PyTorch loop / ours": "{:.2f}",
    "PyTorch, tuned / ours": "{:.2f}",
}
NAMES = {
    "RNN(cell)": "keras",
    "RNN(cell), keys once": "keras once",
    "PyTorch loop": "torch",
    "PyTorch, tuned": "torch tuned",
}


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=7)
    batch, length = (2, 3) if args.quick else (32, 20)
    sizes = [(8, 4, 11)] if args.quick else [(512, 49, 4000), (256, 49, 4000), (512, 49, 10_000), (512, 196, 4000)]
    rows = []
    for units, places, words in sizes:
        timing.progress("attention", units, places, words)
        result = timing.compare(candidates(units, places, words, batch, length), args.rounds)
        row = {"units": units, "places": places, "words": words}
        row["ours, tokens/s"] = batch * length / result.median("ours")
        rows.append(row | {f"{title} / ours": result.ratio(name) for title, name in NAMES.items()})
    note = (
        f"Batch {batch}, {length} words, memory, embedding, LSTM and additive attention as wide as the units, words "
        "from the state, Adam, clipping by the global norm. A ratio is their time / our time. RNN(cell): the keys are "
        "projected at every step, as a cell of one's own does it. PyTorch loop: so are they, and the vocabulary is in "
        "the loop; tuned: neither."
    )
    timing.show(__file__, COLUMNS, rows, args, note)


def candidates(units, places, words, batch, length):
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, words, (batch, length + 1))
    x = [tokens[:, :-1], rng.standard_normal((batch, places, units)).astype("float32")]
    y = tokens[:, 1:]
    functions = {
        "ours": steps.keras_step(model(ours, units, places, words), tuple(x), y),
        "keras": steps.keras_step(model(of_cell(False), units, places, words), tuple(x), y),
        "keras once": steps.keras_step(model(of_cell(True), units, places, words), tuple(x), y),
    }
    if timing.has_torch():
        functions["torch"] = torch_step(units, words, *x, y, tuned=False)
        functions["torch tuned"] = torch_step(units, words, *x, y, tuned=True)
    return functions


def model(decoder, units, places, words):
    tokens, memory = keras.Input((None,), dtype="int32"), keras.Input((places, units))
    h = decoder(units)(keras.layers.Embedding(words, units)(tokens), memory)  # (B, T, U)
    result = keras.Model([tokens, memory], keras.layers.Dense(words)(h))
    optimizer = keras.optimizers.Adam(steps.LEARNING_RATE, global_clipnorm=steps.CLIP)
    result.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    optimizer.build(result.trainable_variables)
    return result


def ours(units):
    cell = ks.layers.AttentionRNNCell(keras.layers.LSTMCell(units), ks.layers.AdditiveAttention(units))
    layer = ks.layers.AttentionRNN(cell)
    return lambda words, memory: layer(words, memory)[0][..., :units]


def of_cell(keys_once):
    """As one writes it with Keras alone."""
    return lambda units: KerasDecoder(units, keys_once)


class KerasCell(keras.layers.Layer):
    """An LSTM cell with Bahdanau's attention; the memory is put into it before the loop."""

    def __init__(self, units, keys_once):
        super().__init__()
        self.cell = keras.layers.LSTMCell(units)
        self.of_memory, self.of_query = keras.layers.Dense(units, use_bias=False), keras.layers.Dense(units)
        self.score = keras.layers.Dense(1, use_bias=False)
        self.state_size, self.output_size, self.keys_once = [units, units], units, keys_once
        self.memory = self.keys = None

    def build(self, shape):
        units = self.output_size
        self.cell.build((None, 2 * units))
        for dense in (self.of_memory, self.of_query, self.score):
            dense.build((None, units))

    def look_at(self, memory):
        self.memory, self.keys = memory, self.of_memory(memory) if self.keys_once else None

    def call(self, inputs, states):
        keys = self.keys if self.keys_once else self.of_memory(self.memory)
        scores = self.score(keras.ops.tanh(keys + self.of_query(states[0])[:, None]))  # (B, L, 1)
        context = keras.ops.sum(keras.ops.softmax(scores, axis=1) * self.memory, axis=1)
        return self.cell(keras.ops.concatenate([inputs, context], axis=1), states)


class KerasDecoder(keras.layers.Layer):
    def __init__(self, units, keys_once):
        super().__init__()
        self.cell = KerasCell(units, keys_once)
        self.rnn = keras.layers.RNN(self.cell, return_sequences=True)

    def build(self, words_shape, memory_shape):
        self.cell.build((None, words_shape[-1]))
        self.rnn.build(words_shape)

    def call(self, words, memory):
        self.cell.look_at(memory)
        return self.rnn(words)


def torch_step(units, words, tokens, memory, targets, tuned):
    import torch

    class Decoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.cell = torch.nn.Embedding(words, units), torch.nn.LSTMCell(2 * units, units)
            self.of_memory = torch.nn.Linear(units, units, bias=False)
            self.of_query, self.score = torch.nn.Linear(units, units), torch.nn.Linear(units, 1, bias=False)
            self.output = torch.nn.Linear(units, words)

        def forward(self, tokens, memory):
            h = c = torch.zeros(len(tokens), units)
            embedded, result = self.embedding(tokens), []
            keys = self.of_memory(memory) if tuned else None
            for t in range(tokens.shape[1]):
                now = keys if tuned else self.of_memory(memory)
                weights = torch.softmax(self.score(torch.tanh(now + self.of_query(h)[:, None])), dim=1)  # (B, L, 1)
                context = torch.bmm(weights.transpose(1, 2), memory)[:, 0] if tuned else (weights * memory).sum(1)
                h, c = self.cell(torch.cat([embedded[:, t], context], 1), (h, c))
                result.append(h if tuned else self.output(h))
            result = torch.stack(result, 1)
            return self.output(result) if tuned else result

    network = Decoder()
    parameters = list(network.parameters())
    optimizer = torch.optim.Adam(parameters, steps.LEARNING_RATE)
    tokens, memory, targets = torch.tensor(tokens), torch.tensor(memory), torch.tensor(targets)

    def step():
        logits = network(tokens, memory)
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, words), targets.reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, steps.CLIP)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return step


if __name__ == "__main__":
    main()
