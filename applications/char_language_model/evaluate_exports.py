"""Export a trained model in every LiteRT form, and measure size, quality and speed of each beside the Keras model.

The table is printed in Markdown. Nats are measured on the part of the text that training held back, through the
signature `step`: one character at a time, states carried from call to call.
"""

import argparse
import json
import os
import time
from pathlib import Path

import keras
import numpy as np

import keras_seqcv as ks

FORMS = {"float32": None, "float16": "float16", "dynamic": "dynamic", "int8": "int8"}
REPEATS = 10
CALIBRATION = 500


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, help="a model.keras that train.py wrote")
    parser.add_argument("--text", default="shakespeare", help="the text that it was trained on: a name or a file")
    parser.add_argument("--validation", type=float, default=0.1, help="the part that training held back")
    parser.add_argument("--characters", type=int, help="score only so many of them, the last ones")
    parser.add_argument("--prompt", default="ROMEO:")
    parser.add_argument("--length", type=int, default=500, help="characters of greedy text to compare, at most 1024")
    parser.add_argument("--out", type=Path, default=Path("runs/exports"), help="folder for the .tflite files")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    return parser.parse_args(argv)


def main(argv=None) -> list[dict]:
    args = arguments(argv)
    model = keras.saving.load_model(args.model)
    whole = ks.data.load_text(args.text)
    text = held_back(whole, args.validation, args.characters)
    examples = seen(model, whole[:CALIBRATION])
    expected = model.generate(args.prompt, length=args.length, greedy=True)
    size = args.model.stat().st_size
    rows = [row("Keras", size, -model.score(text).mean(), speed(model, args), expected, expected)]
    for name, quantize in FORMS.items():
        path = args.out / f"{name}.tflite"
        ks.export.tflite(model, path, quantize, examples=examples if quantize == "int8" else None, verbose=False)
        lite = ks.export.load_tflite(path, num_threads=1)
        written = lite.generate(args.prompt, length=args.length, greedy=True)
        rows.append(row(name, path.stat().st_size, nats(lite, text), speed(lite, args), written, expected))
    print(table(rows, args.length))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        beside = args.json.with_name(args.json.name + ".tmp")
        beside.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        os.replace(beside, args.json)
    return rows


def held_back(text: str, validation: float, characters: int | None = None) -> str:
    """The last characters (None: all that training held back), the first of which is only read."""
    most = round(len(text) * validation) - 1
    characters = most if characters is None else characters
    if not 1 <= characters <= most:
        raise ValueError(f"--characters: expected 1 to {most}, the validation part of the text, received {characters}")
    return text[-(characters + 1) :]


def seen(model, text: str) -> dict[str, list[dict]]:
    """A piece of the training text as examples, on which the ranges of int8 are measured."""
    ids = np.asarray(model.vocabulary.encode(text), "int32")
    examples = model.export_examples("litert")
    for example in examples["generate"]:
        example["prompt"] = ids[None]  # (1, P)
    names = [name for name in examples["step"][0] if name != "tokens"]
    states, examples["step"] = model.initial_states(1), []
    for k in range(len(ids)):
        flat = {name: np.asarray(state) for name, state in zip(names, keras.tree.flatten(states))}
        examples["step"].append({"tokens": ids[k : k + 1], **flat})
        _, states = model.step(ids[k : k + 1], states)
    return examples


def nats(lite, text: str) -> float:
    """Mean of -log p(character) of all characters but the first."""
    ids = lite.vocabulary.encode(text)
    inputs = lite.signatures["step"]["inputs"]
    states = {name: np.zeros(shape, dtype) for name, (shape, dtype) in inputs.items() if name != "tokens"}
    total, count = 0.0, len(ids) - 1
    for k in range(count):
        states = lite.run("step", tokens=ids[k : k + 1].astype("int32"), **states)
        logits = states.pop("logits")[0].astype("float64")
        highest = logits.max()
        total += highest + np.log(np.exp(logits - highest).sum()) - logits[ids[k + 1]]
        if (k + 1) % 20_000 == 0:
            print(f"{k + 1:,} of {count:,} characters: {total / (k + 1):.4f} nats", flush=True)
    return total / count


def speed(writer, args) -> float:
    """Milliseconds for a character of `generate`, the fastest of some texts: whatever else runs only adds to it."""
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        writer.generate(args.prompt, length=args.length, greedy=True)
        times.append((time.perf_counter() - start) * 1000 / args.length)
    return min(times[1:])  # the first one prepares


def row(name: str, size: int, nats: float, milliseconds: float, written: str, expected: str) -> dict:
    return {
        "form": name,
        "bytes": size,
        "nats": float(nats),
        "milliseconds": milliseconds,
        "same_characters": len(os.path.commonprefix([written, expected])),
        "same": written == expected,
    }


def table(rows: list[dict], length: int) -> str:
    lines = [
        f"| form | MB | nats per character | change | ms per character | greedy text of {length} as Keras |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for r in rows:
        same = "yes" if r["same"] else f"the first {r['same_characters']} with the prompt"
        change = f"{round(r['nats'] - rows[0]['nats'], 4) + 0.0:+.4f}" if r is not rows[0] else ""
        cells = [r["form"], f"{r['bytes'] / 1e6:.2f}", f"{r['nats']:.4f}", change, f"{r['milliseconds']:.3f}"]
        lines.append("| " + " | ".join([*cells, same if r is not rows[0] else "-"]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
