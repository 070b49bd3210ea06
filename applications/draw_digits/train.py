"""Train a model that draws digits step by step, on drawn digits or on MNIST; `train.py --help` says how."""

import argparse
import csv
import json
import time
from pathlib import Path

import keras

import keras_seqcv as ks


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="drawn", help="a folder of IDX files (MNIST), an .npz file, or drawn digits")
    parser.add_argument("--count", type=int, default=20000, help="how many digits are drawn")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--latent", type=int, default=100, help="latent numbers of a step")
    parser.add_argument("--read", type=int, default=2, help="side of what is read; 0: everything, without attention")
    parser.add_argument("--write", type=int, default=5, help="side of what is written; 0: everything")
    parser.add_argument("--labels", action="store_true", help="learn to draw the digit that is asked for")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="rises, then falls along a cosine")
    parser.add_argument("--start", type=Path, help="model.keras to go on from, with any number of steps")
    parser.add_argument("--out", type=Path, default=Path("runs/draw_digits"), help="folder for all results")
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
    digits, others = pictures(args)
    model = new_model(digits, args)
    # Each pixel is light with its brightness as probability: in training anew every time, in the test once.
    options = {"labels": "input" if model.labels else None, "binarize": True, "seed": args.seed}
    train, test = ks.data.labelled_images(digits, args.batch_size, model=model, validation=others, **options)
    steps = train.batches * args.epochs
    warmup = min(300, steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(
        0.1 * args.learning_rate, steps - warmup, 0.01, warmup_target=args.learning_rate, warmup_steps=warmup
    )
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=5.0))
    # The model of the last epoch is kept: the test pictures choose nothing.
    model.fit(train, validation_data=test, epochs=args.epochs, callbacks=callbacks(args, train), verbose=2)
    model.save(args.out / "model.keras")
    show(model, args.out)
    taken = json.loads((args.out / "minutes.json").read_text())
    result = {"options": {name: str(value) for name, value in vars(args).items()}, **taken}
    (args.out / "result.json").write_text(json.dumps(result | history(args.out / "history.csv"), indent=1))
    ks.export.tflite(model, args.out / "model.tflite")
    print(f"everything is in {args.out.resolve()}")


def pictures(args):
    """`LabelledImages` for training and for the test."""
    if args.data == "drawn":
        return ks.data.drawn_digits(args.count, seed=1), ks.data.drawn_digits(max(args.count // 10, 100), seed=2)
    return tuple(ks.data.read_labelled_images(args.data, split) for split in ("train", "test"))


def new_model(digits, args):
    model = ks.models.DRAW(
        digits.image_shape,
        steps=args.steps,
        units=args.units,
        latent_dim=args.latent,
        read=args.read or None,
        write=args.write or None,
        labels=digits.names if args.labels else None,
        seed=args.seed,
    )
    if args.start:
        # Weights are the same at all steps, so that what was learned with few of them is a start for more.
        model.set_weights(ks.models.load_model(args.start).get_weights())
    return model


def callbacks(args, train):
    """A training that was killed goes on where it was when the same command is given again."""
    return [
        keras.callbacks.CSVLogger(args.out / "history.csv"),
        keras.callbacks.TerminateOnNaN(),
        Clock(args.out / "minutes.json"),
        ks.callbacks.ExactResume(args.out / "resume", every=500, delete_checkpoint=True, data=train),
    ]


class Clock(keras.callbacks.Callback):
    """Adds the time of every epoch to a file, across interruptions."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.time()

    def on_epoch_end(self, epoch, logs=None):
        before = json.loads(self.path.read_text())["minutes"] if self.path.exists() and epoch else 0.0
        self.path.write_text(json.dumps({"epochs": epoch + 1, "minutes": before + (time.time() - self.start) / 60}))


def history(path):
    """The rows that `CSVLogger` has written, as `fit` returns them; of an epoch that ran twice the second."""
    with open(path, newline="") as file:
        rows = {int(row["epoch"]): row for row in csv.DictReader(file)}
    names = [name for name in next(iter(rows.values())) if name != "epoch"]
    return {name: [float(rows[epoch][name]) for epoch in sorted(rows)] for name in names}


def show(model, folder):
    """Curves, pictures that were drawn, how they came about, and an animation."""
    ks.inspection.plot_curves({"DRAW": history(folder / "history.csv")}, folder / "curves.png")
    some = {"label": [name for name in model.labels for _ in range(6)]} if model.labels else {}
    drawing = model.draw(6 * len(model.labels) if model.labels else 60, seed=1, **some)
    ks.inspection.animate_drawing(drawing, folder / "drawing.gif", columns=12)
    ks.inspection.plot_drawing(drawing[::12], folder / "drawing.png")


if __name__ == "__main__":
    main()
