"""Writing text with a language model of two LSTM layers: ours, loops of `predict`, a PyTorch loop, LiteRT."""

import string
import tempfile
from pathlib import Path

import keras
import numpy as np

import keras_seqcv as ks
from tests.benchmarks import steps, timing

ALPHABET = string.ascii_letters + string.digits + " \n."
TEMPERATURE = 0.8
COLUMNS = {
    "batch": "{}",
    "generate, tokens/s": "{:,.0f}",
    "predict loop, tokens/s": "{:,.1f}",
    "predict of windows, tokens/s": "{:,.1f}",
    "PyTorch loop, tokens/s": "{:,.0f}",
    "LiteRT, tokens/s": "{:,.0f}",
    "predict loop / generate": "{:.0f}",
    "predict of windows / generate": "{:.0f}",
    "PyTorch / generate": "{:.2f}",
    "LiteRT / generate": "{:.2f}",
}
TITLES = {"predict": "predict loop", "window": "predict of windows", "torch": "PyTorch loop", "litert": "LiteRT"}


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=5)
    units, length, few, window = (8, 6, 2, 4) if args.quick else (256, 400, 16, 64)
    with_torch = timing.has_torch()
    model = ks.models.LanguageModel(ks.data.Characters(tokens=list(ALPHABET)), cell="lstm", layers=2, units=units)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        timing.progress("generation: exporting to LiteRT")
        path = Path(folder) / "model.tflite"
        ks.export.tflite(model, path, max_length=length, verbose=False)
        lite = ks.export.load_tflite(path, num_threads=1)
        for batch in [1, 2] if args.quick else [1, 32]:
            timing.progress("generation: batch", batch)
            functions = {
                "ours": lambda b=batch: model.generate(["R"] * b, length=length, temperature=TEMPERATURE, seed=1),
                "predict": predict_loop(units, batch, few),
                "window": window_loop(units, batch, few, window),
                "litert": lambda b=batch: lite.generate(["R"] * b, length=length, temperature=TEMPERATURE, seed=1),
            }
            if with_torch:
                functions["torch"] = torch_loop(units, batch, length)
            work = {name: batch * (few if name in ("predict", "window") else length) for name in functions}
            rows.append(row_of(batch, timing.compare(functions, args.rounds, work=work)))
    note = (
        f"2 x {units} LSTM, {len(ALPHABET)} characters, {length} tokens a row ({few} in the slow loops, whose time per "
        "token is the same). Predict loop: one token a call, stateful layers. Of windows: the last "
        f"{window} tokens a call. LiteRT: one thread, rows one after another. A ratio is their time per token / ours."
    )
    timing.show(__file__, COLUMNS, rows, args, note)


def row_of(batch, result):
    row = {"batch": batch, "generate, tokens/s": 1 / result.median("ours")}
    for name, title in TITLES.items():
        if name in result.seconds:
            row[f"{title}, tokens/s"] = 1 / result.median(name)
            row[f"{title.removesuffix(' loop') if name == 'torch' else title} / generate"] = result.ratio(name)
    return row


def predict_loop(units, batch, length):
    """As Keras users write it: stateful layers, `predict` for each token, the choice in NumPy."""
    model = keras_model(units, keras.Input(batch_shape=(batch, 1, steps.WORDS)), stateful=True)
    eye, rng = np.eye(steps.WORDS, dtype="float32"), np.random.default_rng(1)

    def loop():
        for layer in model.layers[:2]:
            layer.reset_states()
        tokens, written = np.zeros(batch, int), []
        for _ in range(length):
            tokens = sample(model.predict(eye[tokens][:, None], batch_size=batch, verbose=0)[:, -1], rng)
            written.append(tokens)
        return np.stack(written, axis=1)  # (B, T)

    return loop


def window_loop(units, batch, length, window):
    """As Keras's own tutorials write it: a stateless model reads the last tokens again for each new one."""
    model = keras_model(units, keras.Input((window, steps.WORDS)))
    eye, rng = np.eye(steps.WORDS, dtype="float32"), np.random.default_rng(1)

    def loop():
        written = np.zeros((batch, window), int)
        for _ in range(length):
            logits = model.predict(eye[written[:, -window:]], batch_size=batch, verbose=0)[:, -1]
            written = np.concatenate([written, sample(logits, rng)[:, None]], axis=1)
        return written[:, window:]  # (B, T)

    return loop


def keras_model(units, inputs, **options):
    layers = [keras.layers.LSTM(units, return_sequences=True, **options) for _ in range(2)]
    return keras.Sequential([inputs, *layers, keras.layers.Dense(steps.WORDS)])


def sample(logits, rng):
    """Logits (B, V) -> tokens (B,)."""
    scaled = (logits - logits.max(axis=-1, keepdims=True)) / TEMPERATURE
    cumulative = np.cumsum(np.exp(scaled), axis=-1)
    return (cumulative < rng.random((len(logits), 1)) * cumulative[:, -1:]).sum(axis=-1)


def torch_loop(units, batch, length):
    """The usual loop: the state is carried, one token a step."""
    import torch

    network, output = torch.nn.LSTM(steps.WORDS, units, 2), torch.nn.Linear(units, steps.WORDS)
    eye = torch.eye(steps.WORDS)

    def loop():
        with torch.inference_mode():
            tokens, states, written = torch.zeros(batch, dtype=torch.long), None, []
            for _ in range(length):
                h, states = network(eye[tokens][None], states)  # (1, B, U)
                probabilities = torch.softmax(output(h[0]) / TEMPERATURE, dim=-1)
                tokens = torch.multinomial(probabilities, 1)[:, 0]
                written.append(tokens)
            texts = torch.stack(written, dim=1).tolist()  # (B, T)
        return ["".join(ALPHABET[token] for token in text) for text in texts]

    return loop


if __name__ == "__main__":
    main()
