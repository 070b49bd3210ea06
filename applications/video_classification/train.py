"""Train classifiers of clips and of their frames, on drawn scenes or on real clips; `train.py --help` says how."""

import argparse
import json
import shutil
import time
from pathlib import Path

import clips as sources
import keras
import numpy as np
from baselines import WithoutOrder, accuracy

import keras_seqcv as ks


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grid", type=Path, help="folder with the clips of a GRID speaker; labels are words")
    parser.add_argument("--videos", type=Path, help="a folder of clips for each label, or a table; see the README")
    parser.add_argument("--rest", help="label of the frames that a table does not name")
    parser.add_argument("--image-size", type=int, nargs=2, default=(64, 64), help="of frames of --videos")
    parser.add_argument("--frames", type=int, help="read so many frames of a clip, evenly spaced")
    parser.add_argument("--window", type=int, help="learn from so many frames that follow one another")
    parser.add_argument("--count", type=int, default=8000, help="how many moving scenes are drawn")
    parser.add_argument("--filters", type=int, nargs="+", default=(16, 32, 32), help="of the image network")
    parser.add_argument("--cell", default="gru", choices=["simple_rnn", "lstm", "gru"])
    parser.add_argument("--place-units", type=int, default=48, help="of the layer that reads each place; 0: none")
    parser.add_argument("--frame-pooling", default="mean", choices=["flatten", "mean"], help="what is kept of places")
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--both-ways", action="store_true", help="read backwards, too: better, but no streams")
    parser.add_argument("--pooling", default="last", choices=["last", "mean", "attention"])
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--shift", type=int, default=0, help="pixels by which clips are shifted in training")
    parser.add_argument("--mirror", action="store_true", help="half of the clips are seen in a mirror in training")
    parser.add_argument("--light", type=float, default=0.0, help="change of brightness and contrast in training")
    parser.add_argument("--epochs", type=int, nargs=2, default=(8, 3), help="of the frames, and then of the clips")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=3e-3, help="rises, then falls along a cosine")
    parser.add_argument("--start", type=Path, help="frames.keras of a training, to go on from it")
    parser.add_argument("--no-baselines", action="store_true", help="no models of single frames and of their mean")
    parser.add_argument("--out", type=Path, default=Path("runs/video_classification"), help="folder for all results")
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
    data, result, start = clips(args), {}, time.time()
    framewise, resume = None, args.out / "resume"
    # A label for each frame says far more than one for the clip: what has learned from it goes on with the clip.
    if data.frames:
        framewise = classifier(data, data.frames, args, per_frame=True)
        if args.start:
            begin_with(framewise, keras.saving.load_model(args.start, compile=False))
        result["frames"] = {"history": fit(framewise, data.frames, args.epochs[0], args, resume=resume / "frames")}
        framewise.save(args.out / "frames.keras")
        result["frames"] |= frames_result(framewise, data, args)
    if data.whole:
        model = classifier(data, data.whole, args, per_frame=False)
        if framewise:
            begin_with(model, framewise)
        result["clips"] = {"history": fit(model, data.whole, args.epochs[1], args, resume=resume / "clips")}
        model.save(args.out / "clips.keras")
        result["clips"] |= clips_result(model, data, args)
        ks.export.tflite(model, args.out / "clips.tflite", quantize="dynamic")
    shutil.rmtree(resume)  # the next training is one of its own
    result["minutes"] = (time.time() - start) / 60
    histories = {name: result[name]["history"] for name in ("frames", "clips") if name in result}
    ks.inspection.plot_curves(histories, args.out / "curves.png")
    (args.out / "result.json").write_text(json.dumps(result, indent=1))
    if not args.no_baselines:
        result["baselines"] = baselines(data, args)
        (args.out / "result.json").write_text(json.dumps(result, indent=1))
    print(f"{result['minutes']:.1f} minutes; everything is in {args.out.resolve()}")


def clips(args):
    if args.grid:
        return sources.grid(args.grid)
    if args.videos:
        return sources.files(args.videos, tuple(args.image_size), args.rest)
    return sources.moving(args.count)


def encoder(data, args):
    """A small network that learns with the rest. For large pictures a trained one does better; see the README."""
    network = ks.models.small_image_network(data.size, args.filters, coordinates=False)
    return ks.models.ImageEncoder(network, trainable=True, freeze_batch_norm=False)


def classifier(data, parts, args, per_frame):
    return ks.models.VideoClassifier(
        encoder(data, args),
        parts[0].names,
        cell=args.cell,
        units=args.units,
        layers=args.layers,
        bidirectional=args.both_ways,
        pooling=None if per_frame else args.pooling,
        per_frame=per_frame,
        frame_pooling=args.frame_pooling,
        place_units=args.place_units or None,
        dropout=args.dropout,
    )


def begin_with(model, other):
    """Give a model what one of frames has learned: how to look and to read; one of frames also what it says of them."""
    model.looker.set_weights(other.looker.get_weights())
    for mine, theirs in zip(model.reader.forward + model.reader.backward, other.reader.forward + other.reader.backward):
        mine.set_weights(theirs.get_weights())
    if model.per_step:
        model.head.set_weights(other.head.get_weights())


def fit(model, parts, epochs, args, window=None, resume=None):
    change = ks.data.VideoChanges(args.shift, args.mirror, args.light, args.light)
    options = {"frames": args.frames, "window": window or args.window, "augment": change, "seed": args.seed}
    train, test = ks.data.labelled_videos(parts[0], valid=parts[1], batch_size=args.batch_size, model=model, **options)
    warmup = min(200, train.batches)
    rate = keras.optimizers.schedules.CosineDecay(
        0.1 * args.learning_rate,
        max(1, train.batches * epochs - warmup),
        0.01,
        warmup_target=args.learning_rate,
        warmup_steps=warmup,
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), loss, weighted_metrics=["accuracy"])
    # The model of the last epoch is kept: those held out choose nothing.
    # A training that was killed goes on where it was, by the same command.
    callbacks = [ks.callbacks.ExactResume(resume, every=500, data=train)] if resume else None
    options = {"epochs": epochs, "shuffle": False, "verbose": 2, "callbacks": callbacks}
    return model.fit(train, validation_data=test, **options).history


def frames_result(model, data, args):
    """Accuracy on frames of clips held out: of all, and of those in which something happens; a picture of some."""
    test = data.frames[1]
    found = model.classify(test.clips)
    true = [test.frame_labels(k, len(one.labels)) for k, one in enumerate(found)]
    pairs = [(a, b) for one, labels in zip(found, true) for a, b in zip(one.labels, labels)]
    result = {"frames": len(pairs), "accuracy": share(pairs)}
    if data.rest:
        result["accuracy_events"] = share([pair for pair in pairs if pair[1] != data.rest])
        result["rest"] = float(np.mean([label == data.rest for _, label in pairs]))
    print(f"frames: {result}", flush=True)
    for k in range(min(8, len(found))):
        names = [name for name in model.labels if len(model.labels) <= 12 or name in {*true[k], *found[k].labels}]
        frames = ks.data.load_video(test.clips[k])
        ks.inspection.plot_frame_labels(
            only(found[k], model.labels, names), names, true[k], frames, args.out / f"frames_{k}.png"
        )
    return result


def only(found, labels, names):
    """What was found, of these labels alone."""
    places = [list(labels).index(name) for name in names]
    return ks.models.StepClassification(found.labels, found.probability, found.probabilities[:, places])


def clips_result(model, data, args):
    """Accuracy on clips held out, and which labels are taken for which."""
    test = data.whole[1]
    found = [one.label for one in model.classify(test.clips)]
    result = {"clips": len(found), "accuracy": share(list(zip(found, test.labels)))}
    print(f"clips: {result}", flush=True)
    ks.inspection.plot_confusion(test.labels, found, model.labels, args.out / "confusion.png")
    return result


def baselines(data, args):
    """The same frames without order: single ones, and the mean of all."""
    result, labels = {}, {"frames": data.frames, "clips": data.whole}
    for name, window in (("frames", None), ("clips", 1), ("clips", None)):
        parts = labels[name]
        if parts is None:
            continue
        model = WithoutOrder(encoder(data, args), parts[0].names, args.units, name == "frames", args.dropout)
        fit(model, parts, args.epochs[0] * (4 if window else 1), args, window)
        key = "single frame" if window or name == "frames" else "mean of frames"
        result[f"{key}, {name}"] = accuracy(model, parts[1], window, data.rest if name == "frames" else None)
        print(f"{key}, {name}: {result[f'{key}, {name}']}", flush=True)
    return result


def share(pairs):
    return float(np.mean([a == b for a, b in pairs]))


if __name__ == "__main__":
    main()
