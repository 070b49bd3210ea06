"""Train a classifier on drawn opinions, or on texts of a folder or table. `train.py --help` shows the options."""

import argparse
import dataclasses
import json
import time
from pathlib import Path

import baseline
import keras
import numpy as np

import keras_seqcv as ks


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder for each label, or a table of texts and labels")
    parser.add_argument("--valid", type=Path, help="the same for validation; without it a tenth of the data")
    parser.add_argument("--test", type=Path, help="the same, for the result; without it validation is the result")
    parser.add_argument("--labels", nargs="+", help="labels that there are; without it all that are found")
    parser.add_argument("--tags", action="store_true", help="drawn opinions: label every word instead")
    parser.add_argument("--count", type=int, default=8000, help="how many opinions are drawn")
    parser.add_argument("--cell", default="lstm", choices=["simple_rnn", "lstm", "gru"])
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--embedding-dim", type=int, default=64)
    parser.add_argument("--one-way", action="store_true", help="read from left to right only")
    parser.add_argument("--pooling", default="attention", choices=["last", "mean", "attention"])
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--word-dropout", type=float, default=0.0)
    parser.add_argument("--words", type=int, default=20_000, help="size of the vocabulary")
    parser.add_argument(
        "--max-length", type=int, default=384, help="of a text in training; of longer ones the end is read"
    )
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=5e-3, help="falls along a cosine")
    parser.add_argument("--no-baseline", action="store_true", help="no logistic regression on bags of words")
    parser.add_argument("--out", type=Path, default=Path("runs/sentiment"), help="folder for all results")
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
    texts, valid_texts, test = parts(args)
    words = texts.words(max_size=args.words, lowercase=True)
    model = ks.models.SequenceClassifier(
        args.labels or texts.names,
        words,
        cell=args.cell,
        units=args.units,
        layers=args.layers,
        bidirectional=not args.one_way,
        pooling=None if args.tags else args.pooling,
        per_step=args.tags,
        embedding_dim=args.embedding_dim,
        dropout=args.dropout,
        word_dropout=args.word_dropout,
    )
    cut = {"max_length": args.max_length, "keep": "end"}
    train, valid = ks.data.labelled_texts(texts, None, args.batch_size, model=model, valid=valid_texts, **cut)
    print(f"{len(train.texts):,} texts, {len(words):,} words, {train.batches} batches an epoch", flush=True)

    rate = keras.optimizers.schedules.CosineDecay(args.learning_rate, args.epochs * train.batches, alpha=0.02)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0))
    start = time.time()
    log = keras.callbacks.CSVLogger(args.out / "history.csv")
    # A training that was killed goes on where it was, by the same command.
    resume = ks.callbacks.ExactResume(args.out / "resume", every=500, delete_checkpoint=True, data=train)
    history = model.fit(train, validation_data=valid, epochs=args.epochs, verbose=2, callbacks=[log, resume])
    result = {"minutes": (time.time() - start) / 60, "history": history.history}
    model.save(args.out / "model.keras")
    test = test or valid.texts
    result |= tagged_result(model, test, args) if args.tags else text_result(model, train, valid, test, args)
    (args.out / "result.json").write_text(json.dumps(result, indent=1))
    ks.inspection.plot_curves({"training": history.history}, args.out / "curves.png")
    ks.export.tflite(model, args.out / "model.tflite", quantize="dynamic")
    print(f"{result['minutes']:.1f} minutes; everything is in {args.out.resolve()}")


def parts(args):
    """Texts for training; for validation, or None; for the result, or None."""
    if args.data is None:
        return [ks.data.opinions(n, args.tags, seed) for n, seed in ((args.count, 1), (args.count // 8, 2), (2000, 3))]
    return [None if path is None else read(path, args.labels) for path in (args.data, args.valid, args.test)]


def read(path, labels):
    """Texts of a folder or a table, without the line breaks of web pages."""
    texts = ks.data.read_labelled_texts(path, labels=labels)
    return dataclasses.replace(texts, texts=[text.replace("<br />", " ") for text in texts.texts])


def text_result(model, train, valid, test, args):
    """Accuracy on the texts of the result, beside that of a bag of words; a page and pictures."""
    found = model.classify(test.texts)
    labels = [one.label for one in found]
    result = {"accuracy": accuracy(labels, test.labels), "texts": len(test)}
    print(f"accuracy on {len(test):,} texts: {result['accuracy']:.4f}", flush=True)
    if not args.no_baseline:
        bag = baseline.BagOfWords(model.labels, model.vocabulary)
        bag.fit(train.texts, valid.texts)
        result["bag_of_words"] = accuracy(bag.labels(test.texts), test.labels)
        print(f"bag of words and pairs: {result['bag_of_words']:.4f}", flush=True)
    ks.inspection.plot_confusion(test.labels, labels, model.labels, args.out / "confusion.png")
    short = [k for k in np.random.default_rng(0).permutation(len(test)) if len(test.texts[k]) < 600][:8]
    explained = model.classify([test.texts[k] for k in short], explain="gradient")
    truth = [test.labels[k] for k in short]
    ks.inspection.plot_importance(explained, truth, args.out / "words.png")
    ks.inspection.importance_page(explained, args.out / "words.html", truth)
    return result


def tagged_result(model, test, args):
    """Share of words with the right tag, and of those that are not "O"."""
    found = [tag for one in model.classify(test.texts) for tag in one.labels]
    true = [tag for tags in test.labels for tag in tags]
    named = [k for k, tag in enumerate(true) if tag != "O"]
    ks.inspection.plot_confusion(true, found, model.labels, args.out / "confusion.png")
    result = {"accuracy": accuracy(found, true), "texts": len(test)}
    result["accuracy_named"] = accuracy([found[k] for k in named], [true[k] for k in named])
    print(
        f"{len(true):,} words: {result['accuracy']:.4f}, those with a name: {result['accuracy_named']:.4f}", flush=True
    )
    return result


def accuracy(found, true):
    return float(np.mean([a == b for a, b in zip(found, true, strict=True)]))


if __name__ == "__main__":
    main()
