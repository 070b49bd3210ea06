"""Train a translator on drawn sentences about numbers, or on parallel files. `--help` shows the options."""

import argparse
import csv
import json
import time
from pathlib import Path

import keras

import keras_seqcv as ks

# What the options are where they are not given.
DRAWN = {"units": 128, "embedding_dim": 64, "epochs": 6, "batch_size": 64, "learning_rate": 3e-3}
DRAWN |= {"dropout": 0.1, "label_smoothing": 0.0}
FILES = {"units": 256, "embedding_dim": 192, "epochs": 9, "batch_size": 96, "learning_rate": 2e-3}
FILES |= {"dropout": 0.3, "label_smoothing": 0.1}


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", help="file with a sentence on each line, plain or .gz; without it they are drawn")
    parser.add_argument("--target", help="the translations, line by line")
    parser.add_argument("--valid", nargs=2, metavar=("SOURCE", "TARGET"), help="two files for validation")
    parser.add_argument("--out", type=Path, default=Path("runs/translation"), help="folder for all results")
    parser.add_argument("--attention", default="additive", choices=["additive", "dot", "none"])
    parser.add_argument("--attend", default="after", choices=["before", "after"], help="when it looks, around the cell")
    parser.add_argument("--inject", default="state", choices=["state", "every_step", "first_step"])
    parser.add_argument("--cell", default="gru", choices=["simple_rnn", "lstm", "gru"])
    parser.add_argument("--units", type=int, help=default_of("units"))
    parser.add_argument("--embedding-dim", type=int, help=default_of("embedding_dim"))
    parser.add_argument("--dropout", type=float, help=default_of("dropout"))
    parser.add_argument("--label-smoothing", type=float, help=default_of("label_smoothing"))
    parser.add_argument("--subwords", type=int, default=0, help="pieces of one vocabulary for both; 0: words")
    parser.add_argument("--min-count", type=int, default=2, help="rarer words are unknown")
    parser.add_argument("--cased", action="store_true", help="keep capitals, which files lose by default")
    parser.add_argument("--epochs", type=int, help=default_of("epochs"))
    parser.add_argument("--batch-size", type=int, help=default_of("batch_size"))
    parser.add_argument(
        "--learning-rate", type=float, help=default_of("learning_rate") + "; rises to it, and falls along a cosine"
    )
    parser.add_argument("--sentences", type=int, default=20_000, help="how many sentences are drawn")
    parser.add_argument("--seed", type=int, default=1)
    ks.distribution.add_arguments(parser)
    args = parser.parse_args(argv)
    for name, value in (FILES if args.source else DRAWN).items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    return args


def default_of(name):
    return f"default: {DRAWN[name]} for drawn sentences, {FILES[name]} for files"


def main(argv=None):
    args = arguments(argv)
    with ks.distribution.scope_of(args):
        run(args)


def run(args):
    keras.utils.set_random_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    pairs, valid = files(args) if args.source else drawn(args)
    lowercase = bool(args.source) and not args.cased
    words = vocabularies(pairs, args, lowercase)
    train, valid = ks.data.translations(
        pairs.sources, pairs.targets, args.batch_size, vocabularies=words, valid=(valid.sources, valid.targets)
    )
    sizes = " and ".join(f"{len(vocabulary):,}" for vocabulary in words)
    print(f"{len(train.texts):,} pairs, {sizes} words, {train.batches} batches an epoch", flush=True)

    model = ks.models.Translator(*words, **options(args))
    steps, peak = args.epochs * train.batches, args.learning_rate
    rate = keras.optimizers.schedules.CosineDecay(peak / 20, steps, 0.02, warmup_target=peak, warmup_steps=steps // 25)
    # What is scored and kept is a moving average of the weights, over about an epoch.
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=5.0, use_ema=True, ema_momentum=0.998))
    start, best = time.time(), args.out / "best.weights.h5"
    model.fit(
        train,
        validation_data=valid,
        epochs=args.epochs,
        callbacks=[
            keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
            ks.callbacks.TranslationMetrics(valid, lowercase=lowercase, path=args.out / "translations"),
            keras.callbacks.ModelCheckpoint(best, "val_bleu", mode="max", save_best_only=True, save_weights_only=True),
            keras.callbacks.CSVLogger(args.out / "history.csv"),
            # A training that was killed goes on where it was, by the same command.
            ks.callbacks.ExactResume(args.out / "resume", every=500, delete_checkpoint=True, data=train),
        ],
        verbose=2,
    )
    minutes = (time.time() - start) / 60
    model.load_weights(best)
    model.save(args.out / "model.keras")
    scores = scores_by_beam(model, valid, lowercase)
    history = read_history(args.out / "history.csv")
    result = {"minutes": minutes, "history": history, "scores": scores}
    (args.out / "result.json").write_text(json.dumps(result, indent=1))
    ks.inspection.plot_curves({"training": history}, args.out / "curves.png")
    ks.export.tflite(model, args.out / "model.tflite", quantize="dynamic")
    print(f"{minutes:.1f} minutes; everything is in {args.out.resolve()}")


def read_history(path):
    """All epochs of a training, those before an interruption too."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0] if name != "epoch"}


def drawn(args):
    """English sentences about numbers of things and their German translations, none of which is in both parts."""
    pairs, held_out = ks.data.number_sentences(args.sentences + args.sentences // 20), args.sentences // 20
    return tuple(
        ks.data.TextPairs(pairs.sources[part], pairs.targets[part]) for part in (slice(held_out, None), slice(held_out))
    )


def files(args):
    pairs = ks.data.read_translations(args.source, args.target)
    if args.valid:
        return pairs, ks.data.read_translations(*args.valid)
    held_out = max(1, len(pairs) // 20)
    parts = slice(held_out, None), slice(held_out)
    return tuple(ks.data.TextPairs(pairs.sources[part], pairs.targets[part]) for part in parts)


def vocabularies(pairs, args, lowercase):
    if args.subwords:
        both = ks.data.Subwords(pairs.sources + pairs.targets, size=args.subwords, lowercase=lowercase)
        return both, both
    return tuple(
        ks.data.Words(texts, min_count=args.min_count, lowercase=lowercase) for texts in (pairs.sources, pairs.targets)
    )


def options(args):
    names = ("cell", "units", "embedding_dim", "dropout", "label_smoothing")
    found = {name: getattr(args, name) for name in names} | {"tied_embeddings": True}
    if args.attention == "none":
        return {**found, "attention": None, "inject": args.inject}
    return {**found, "attention": args.attention, "attend": args.attend}


def scores_by_beam(model, valid, lowercase):
    """What the trained model reaches on the sentences for validation, by width of the beam."""
    found = {}
    for beam in (1, 3, 5):
        texts = [translation.text for translation in model.translate(valid.texts, beam=beam)]
        found[beam] = ks.metrics.translation_scores(texts, valid.references, lowercase=lowercase)
        fold = str.lower if lowercase else str
        right = [text == fold(reference) for text, reference in zip(texts, valid.references, strict=True)]
        found[beam]["exact"] = sum(right) / len(right)
        shown = {name: value for name, value in found[beam].items() if name != "signature"}
        print(f"beam {beam}: " + ", ".join(f"{name} {value:.3f}" for name, value in shown.items()), flush=True)
    print(found[beam]["signature"])
    return found


if __name__ == "__main__":
    main()
