"""Train a language model and see what its units do. `python train.py --help` shows the options."""

import argparse
import json
import time
from pathlib import Path

import keras

import keras_seqcv as ks


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", default="shakespeare", help="a shipped text or the path of a file (UTF-8)")
    parser.add_argument("--kind", default="prose", choices=["prose", "c", "latex"], help="which probes suit the text")
    parser.add_argument("--characters", type=int, help="how much of the text is used; default: all of it")
    parser.add_argument("--out", type=Path, default=Path("runs/cell_interpretation"), help="folder for all results")
    parser.add_argument("--model", type=Path, help="a model.keras of an earlier run, instead of training")
    parser.add_argument("--cell", default="lstm", choices=["simple_rnn", "lstm", "gru"])
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=100, help="length of a chunk: how far gradients reach back")
    parser.add_argument("--validation", type=float, default=0.1, help="the last part of the text, which is looked at")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=3e-3, help="falls along a cosine to a hundredth of it")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(argv)


def main(argv=None):
    args = arguments(argv)
    keras.utils.set_random_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    text = ks.data.load_text(args.text)[: args.characters]
    result = {}
    result |= train(args, text)


def train(args, text) -> dict:
    """Train a model on the first part of a text, and put it into the folder."""
    train, valid = ks.data.text_streams(text, args.batch_size, args.steps, validation=args.validation)
    print(f"{len(text):,} characters, {len(train.vocabulary)} different; {train.batches} batches an epoch", flush=True)
    model = ks.models.LanguageModel(train.vocabulary, args.cell, args.layers, args.units, dropout=args.dropout)
    rate = keras.optimizers.schedules.CosineDecay(args.learning_rate, args.epochs * train.batches, alpha=0.01)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=5.0))
    start = time.time()
    history = model.fit(train, validation_data=valid, epochs=args.epochs, verbose=2)
    minutes = (time.time() - start) / 60
    model.save(args.out / "model.keras")
    print(f"validation loss {history.history['val_loss'][-1]:.4f} nats per character, {minutes:.1f} minutes")
    return {"minutes": minutes, **history.history}


if __name__ == "__main__":
    main()
