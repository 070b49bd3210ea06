"""Train a character language model, let it write, and export it. `python train.py --help` shows the options."""

import argparse
import json
import math
import time
from pathlib import Path

import keras
import tensorflow as tf

import keras_seqcv as ks


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", default="shakespeare", help="a shipped text or the path of a file (UTF-8)")
    parser.add_argument("--out", type=Path, default=Path("runs/char_language_model"), help="folder for all results")
    parser.add_argument("--cell", default="lstm", choices=["simple_rnn", "lstm", "gru"])
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--dropout", type=float, default=0.3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=64, help="length of a chunk: how far gradients reach back")
    parser.add_argument("--validation", type=float, default=0.1, help="the last part of the text, for validation")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--learning-rate", type=float, default=3e-3, help="falls along a cosine to a hundredth of it")
    parser.add_argument("--stateless", action="store_true", help="forget at every chunk of training, for comparison")
    parser.add_argument("--prompt", default="ROMEO:", help="what the sample goes on from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--demo", action="store_true", help="a short training, and a check of all that is exported")
    ks.distribution.add_arguments(parser)
    args = parser.parse_args(argv)
    if args.demo:
        args.epochs, args.dropout, args.out = 3, 0.0, Path("runs/demo")
    return args


def main(argv=None):
    args = arguments(argv)
    with ks.distribution.scope_of(args):
        run(args)


def run(args):
    keras.utils.set_random_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    text = ks.data.load_text(args.text)
    train, valid = ks.data.text_streams(text, args.batch_size, args.steps, validation=args.validation)
    print(f"{len(text):,} characters, {len(train.vocabulary)} different; {train.batches} batches an epoch", flush=True)

    model = ks.models.LanguageModel(train.vocabulary, args.cell, args.layers, args.units, dropout=args.dropout)
    rate = keras.optimizers.schedules.CosineDecay(args.learning_rate, args.epochs * train.batches, alpha=0.01)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=5.0))
    start = time.time()
    data = train.map(forget) if args.stateless else train
    history = model.fit(
        data,
        validation_data=valid,
        epochs=args.epochs,
        callbacks=[
            keras.callbacks.EarlyStopping(patience=4),
            keras.callbacks.ModelCheckpoint(args.out / "best.weights.h5", save_best_only=True, save_weights_only=True),
            keras.callbacks.CSVLogger(args.out / "history.csv"),
            # A training that was killed goes on where it was, by the same command.
            ks.callbacks.ExactResume(args.out / "resume", every=500, delete_checkpoint=True, data=data),
        ],
    )
    minutes = (time.time() - start) / 60
    model.load_weights(args.out / "best.weights.h5")
    best = min(history.history["val_loss"])
    print(f"\nvalidation loss {best:.4f} nats per character ({best / math.log(2):.3f} bits), {minutes:.1f} minutes")
    (args.out / "result.json").write_text(
        json.dumps({"best_val_loss": best, "minutes": minutes, **history.history}, indent=1)
    )

    print("\na sample:\n" + model.generate(args.prompt, length=400, temperature=0.8, seed=args.seed) + "\n")
    model.save(args.out / "model.keras")
    ks.export.saved_model(model, args.out / "saved_model")
    ks.export.tflite(model, args.out / "model.tflite", quantize="dynamic")
    agree(model, args)


def forget(tokens, targets):
    """The same batch for a model that starts every chunk from a zero state."""
    return {"tokens": tokens, "reset": tf.ones(tf.shape(tokens)[:1], tf.bool)}, targets


def agree(model, args):
    """Run both exports and hold them against the Keras model."""
    keras_text = model.generate(args.prompt, length=100, greedy=True)
    generate = ks.export.load_saved_model(args.out / "saved_model").signatures["generate"]
    greedy = {"length": tf.constant(100), "temperature": tf.constant(0.0), "seed": tf.constant(0)}
    saved_text = generate(prompt=tf.constant([args.prompt]), **greedy)["text"].numpy()[0].decode()
    ks.export.tflite(model, args.out / "model_float32.tflite", verbose=False)
    lite_text = ks.export.load_tflite(args.out / "model_float32.tflite").generate(args.prompt, length=100, greedy=True)
    for name, written in (("SavedModel", saved_text), ("LiteRT", lite_text)):
        print(f"{name} writes the same 100 characters as Keras: {'yes' if written == keras_text else 'NO'}")
    print(f"everything is in {args.out.resolve()}")
    if not keras_text == saved_text == lite_text:
        raise SystemExit("the exports differ from the Keras model")


if __name__ == "__main__":
    main()
