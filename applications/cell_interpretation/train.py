"""Train a language model and see what its units do. `python train.py --help` shows the options."""

import argparse
import dataclasses
import json
import time
from pathlib import Path

import keras

import keras_seqcv as ks

NAMES = {"prose": "prose", "c": "C source", "latex": "LaTeX"}
PROBES = {"prose": ks.inspection.probes.PROSE, "c": ks.inspection.probes.C, "latex": ks.inspection.probes.LATEX}


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", default="shakespeare", help="a shipped text or the path of a file (UTF-8)")
    parser.add_argument("--kind", default="prose", choices=list(PROBES), help="which probes suit the text")
    parser.add_argument("--characters", type=int, help="how much of the text is used; default: all of it")
    parser.add_argument("--out", type=Path, default=Path("runs/cell_interpretation"), help="folder for all results")
    parser.add_argument("--model", type=Path, help="a model.keras of an earlier run on this text, instead of training")
    parser.add_argument("--cell", default="lstm", choices=["simple_rnn", "lstm", "gru"])
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=100, help="length of a chunk: how far gradients reach back")
    parser.add_argument("--validation", type=float, default=0.1, help="the last part of the text, which is looked at")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--learning-rate", type=float, default=3e-3, help="falls along a cosine to a hundredth of it")
    parser.add_argument("--record", type=int, default=50_000, help="characters of the last part that are recorded")
    parser.add_argument("--show", type=int, default=10_000, help="of these, characters on the page")
    parser.add_argument("--seed", type=int, default=1)
    ks.distribution.add_arguments(parser)
    return parser.parse_args(argv)


def main(argv=None):
    args = arguments(argv)
    with ks.distribution.scope_of(args):
        run(args)


def run(args):
    keras.utils.set_random_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    text = ks.data.load_text(args.text)[: args.characters]
    border = len(text) - round(len(text) * args.validation)
    result = {} if args.model else train(args, text)
    model = keras.saving.load_model(args.model or args.out / "model.keras")

    start = time.time()
    part = text[max(border, text.find("\n\n", border) + 2) :][: args.record]  # no probe begins in the middle
    recording = ks.inspection.record(model, part, args.out / "recording.h5", dtype="float16")
    print(f"{len(part):,} characters recorded in {time.time() - start:.0f} seconds", flush=True)
    probes = PROBES[args.kind]
    cells = ks.inspection.find_cells(recording, probes, seed=args.seed)
    layers = ks.inspection.find_cells(recording, probes, "linear", top=1, seed=args.seed)
    errors = ks.inspection.error_types(recording, text[:border])
    tell(cells, layers, errors)

    shown = {name: probes[name] for name in dict.fromkeys(cell.probe for cell in cells)}
    last = min(args.show, len(part))
    title = f"Inside a network that reads {NAMES[args.kind]}"
    ks.inspection.cell_page(recording, args.out / "cells.html", shown, cells, last=last, title=title)
    if args.cell != "simple_rnn":  # which has no gates
        ks.inspection.plot_saturation(ks.inspection.saturation(recording), args.out / "saturation.png")
    ks.inspection.plot_error_types(errors, args.out / "error_types.png")
    found = {"cells": cells, "linear": layers, "errors": [errors]}
    result |= {name: [dataclasses.asdict(one) for one in listed] for name, listed in found.items()}
    (args.out / "result.json").write_text(json.dumps(result, indent=1))
    print(f"everything is in {args.out.resolve()}; open cells.html in a browser")


def train(args, text) -> dict:
    """Train a model on the first part of a text, and put it into the folder."""
    train, valid = ks.data.text_streams(text, args.batch_size, args.steps, validation=args.validation)
    print(f"{len(text):,} characters, {len(train.vocabulary)} different; {train.batches} batches an epoch", flush=True)
    model = ks.models.LanguageModel(train.vocabulary, args.cell, args.layers, args.units, dropout=args.dropout)
    rate = keras.optimizers.schedules.CosineDecay(args.learning_rate, args.epochs * train.batches, alpha=0.01)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=5.0))
    start = time.time()
    # A training that was killed goes on where it was, by the same command.
    resume = ks.callbacks.ExactResume(args.out / "resume", every=500, delete_checkpoint=True, data=train)
    history = model.fit(train, validation_data=valid, epochs=args.epochs, verbose=2, callbacks=[resume])
    minutes = (time.time() - start) / 60
    model.save(args.out / "model.keras")
    print(f"validation loss {history.history['val_loss'][-1]:.4f} nats per character, {minutes:.1f} minutes")
    return {"minutes": minutes, **history.history}


def tell(cells, layers, errors) -> None:
    """The best unit for each probe, and what all units of a layer know together."""
    heads = ["chosen on", "held out", "control", "accuracy", "linear", "control"]
    print(f"\n{'':<22}{'best unit':<22}" + "".join(f"{head:>10}" for head in heads))
    for whole in layers:
        best = next(cell for cell in cells if cell.probe == whole.probe)
        numbers = [best.score, best.held_out, best.control, best.accuracy, whole.held_out, whole.control]
        written = ["" if number is None else f"{number:.3f}" for number in numbers]
        unit = f"{best.layer} {best.state} {best.unit}"
        print(f"{best.probe:<22}{unit:<22}" + "".join(f"{number:>10}" for number in written))
    print(f"\n{errors.errors:,} errors in {errors.predicted:,} characters, and what would help:")
    print(", ".join(f"{name} {share:.1%}" for name, share in errors.shares.items()) + "\n")


if __name__ == "__main__":
    main()
