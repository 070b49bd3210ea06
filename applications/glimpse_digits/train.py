"""Train a model that reads digits by glimpses, drawn ones or MNIST; `train.py --help` says how."""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from pictures import TASKS, pictures

import keras_seqcv as ks

MODEL = (
    *("glimpses", "patch", "scales", "factor", "cell", "units", "glimpse_units", "join", "context", "location"),
    *("location_gradient", "stddev", "samples", "train_samples", "reinforce_weight", "label_smoothing"),
)


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    add_data(parser)
    parser.add_argument("--glimpses", type=int, default=6, help="for each label")
    parser.add_argument("--patch", type=int, default=8, help="side of what is seen sharp, in pixels")
    parser.add_argument("--scales", type=int, default=1, help="each sees --factor times as much, and no sharper")
    parser.add_argument("--factor", type=int, default=2)
    parser.add_argument("--cell", default="simple_rnn", choices=["simple_rnn", "lstm", "gru"])
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--glimpse-units", type=int, default=128, help="of what and of where")
    parser.add_argument("--join", default="sum", choices=["sum", "product"], help="of what and where")
    parser.add_argument("--context", type=int, help="side of a small picture of all, from which it begins to look")
    parser.add_argument("--location", default="reinforce", choices=["reinforce", "transformer"])
    parser.add_argument("--location-gradient", type=float, default=0.1, help="what of it goes back: transformer")
    parser.add_argument("--stddev", type=float, default=0.1, help="of locations, in halves of the picture")
    parser.add_argument("--first", default="center", choices=["center", "random"], help="the first location")
    parser.add_argument("--samples", type=int, default=1, help="draws of a picture in validation")
    parser.add_argument("--train-samples", type=int, default=1, help="draws of a picture in training")
    parser.add_argument("--reinforce-weight", type=float, default=0.01, help="of the reward")
    parser.add_argument("--label-smoothing", type=float, default=0.0)
    parser.add_argument("--averages", type=int, nargs="+", default=(0, 1, 10), help="draws averaged in the test")
    parser.add_argument("--start", type=Path, help="model.keras of another training, to go on from it")
    parser.add_argument("--out", type=Path, default=Path("runs/glimpse_digits"), help="folder for all results")
    ks.distribution.add_arguments(parser)
    return parser.parse_args(argv)


def add_data(parser):
    """What baselines have in common with the model: pictures, and how long to learn from them."""
    parser.add_argument("--data", help="a folder of IDX files (MNIST), an .npz file or tfds:NAME; without it drawn")
    parser.add_argument("--task", default="plain", choices=TASKS)
    parser.add_argument("--count", type=int, default=60000, help="digits that are drawn, pictures of several")
    parser.add_argument("--test-count", type=int, default=10000, help="the same, of the test")
    parser.add_argument("--image-size", type=int, nargs=2, default=(60, 60), help="of pictures that are not plain")
    parser.add_argument("--per-image", type=int, nargs=2, default=(2, 2), help="least and most digits of several")
    parser.add_argument("--shift", type=int, default=0, help="pixels by which plain pictures are moved in training")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="rises, then falls along a cosine")
    parser.add_argument("--seed", type=int, default=1)


def main(argv=None):
    args = arguments(argv)
    with ks.distribution.scope_of(args):
        run(args)


def run(args):
    keras.utils.set_random_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    digits, test, change = pictures(args)
    model = new_model(digits, args)
    fit(model, digits, test, change, args, callbacks)
    model.save(args.out / "model.keras")
    result = {
        "options": {name: str(value) for name, value in vars(args).items()},
        "parameters": model.count_params(),
        "seconds": sum(read_log(args.out)["seconds"]),
        "test": {str(draws): scores(model, test, draws) for draws in args.averages},
    }
    (args.out / "result.json").write_text(json.dumps({**result, "history": read_log(args.out)}, indent=1))
    for draws, found in result["test"].items():
        print(f"{draws} draws: {found['error']:.2%} of {found['pictures']} pictures wrong", flush=True)
    show(model, test, args)
    ks.export.tflite(model, args.out / "model.tflite")
    print(f"{result['seconds'] / 60:.1f} minutes; everything is in {args.out.resolve()}")


def new_model(digits, args):
    options = {"start": args.first, "max_labels": digits.most, **{name: getattr(args, name) for name in MODEL}}
    model = ks.models.GlimpseClassifier(digits.image_shape, digits.names, **options)
    if args.start:
        model.set_weights(ks.models.load_model(args.start).get_weights())
    return model


def fit(model, digits, test, change, args, callbacks=None, loss=None):
    """A `GlimpseClassifier` has a loss of its own."""
    data = {"model": model, "validation": test, "augment": change, "seed": args.seed}
    train, valid = ks.data.labelled_images(digits, args.batch_size, **data)
    steps = train.batches * args.epochs
    warmup = min(300, max(1, steps // 10))
    rate = keras.optimizers.schedules.CosineDecay(
        0.1 * args.learning_rate, max(1, steps - warmup), 0.01, warmup_target=args.learning_rate, warmup_steps=warmup
    )
    metrics = None if loss is None else ["accuracy"]
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=5.0), loss, metrics=metrics)
    options = {
        "epochs": args.epochs,
        "callbacks": callbacks and callbacks(args.out, train),
        "shuffle": False,
        "verbose": 2,
    }
    # The model of the last epoch is kept: the test pictures choose nothing.
    return model.fit(train, validation_data=valid, **options)


def callbacks(folder, train):
    """A training that was killed goes on where it was when the same command is given again."""
    return [
        Seconds(),
        keras.callbacks.CSVLogger(folder / "history.csv"),
        keras.callbacks.TerminateOnNaN(),
        ks.callbacks.ExactResume(folder / "resume", every="epoch", delete_checkpoint=True, data=train),
    ]


class Seconds(keras.callbacks.Callback):
    """Tells those behind it how long an epoch took."""

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = time.perf_counter() - self.began


def read_log(folder):
    """What happened in all epochs, as `fit` returns it."""
    rows = np.atleast_1d(np.genfromtxt(folder / "history.csv", delimiter=",", names=True))
    return {name: rows[name].tolist() for name in rows.dtype.names if name != "epoch"}


def scores(model, test, draws):
    """Share of pictures that are read wrong; of several digits also of digits that are not at their places."""
    found, true = model.classify(test.images, samples=draws, seed=1), texts(test)
    wrong = [one.labels != labels for one, labels in zip(found, true, strict=True)]
    result = {"error": float(np.mean(wrong)), "pictures": len(wrong)}
    if test.most:
        lost = [n >= len(one.labels) or one.labels[n] != a for one, row in zip(found, true) for n, a in enumerate(row)]
        result["label error"] = float(np.mean(lost))
    return result


def texts(some):
    """The labels of each picture, as str."""
    return [[some.names[k] for k in np.atleast_1d(row) if k >= 0] for row in some.labels]


def show(model, test, args):
    """Curves, some readings, and one of them as an animation."""
    ks.inspection.plot_curves({args.task: read_log(args.out)}, args.out / "curves.png")
    sensor = ks.layers.GlimpseSensor(args.patch, args.scales, args.factor)
    for k, found in enumerate(model.classify(test.images[:8], samples=max(args.averages), seed=1)):
        ks.inspection.plot_glimpses(test.images[k], found, sensor, args.out / f"glimpses_{k}.png")
        if k == 0:
            ks.inspection.animate_glimpses(test.images[k], found, sensor, args.out / "reading.gif")


if __name__ == "__main__":
    main()
