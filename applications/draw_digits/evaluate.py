"""Score models on test digits: the bound of each, its two parts, and the importance-sampled likelihood, in nats."""

import argparse
import json
from pathlib import Path

import numpy as np
import train as training

import keras_seqcv as ks


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="+", help="model.keras of one training or of several")
    parser.add_argument("--data", default="drawn", help="as of train.py")
    parser.add_argument("--count", type=int, default=20000, help="how many digits were drawn for training")
    parser.add_argument("--first", type=int, help="only so many of the test digits")
    parser.add_argument("--samples", type=int, default=1, help="draws for the bound of each picture")
    parser.add_argument("--likelihood", type=int, default=0, help="draws for the likelihood of each picture; 0: none")
    parser.add_argument("--seed", type=int, default=1, help="as of train.py: of the light and dark pixels")
    parser.add_argument("--batch-size", type=int, default=128, help="as of train.py, on which these depend, too")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    args = parser.parse_args(argv)

    _, digits = training.pictures(args)
    digits = digits[: args.first]
    rows = []
    print("| model | pictures | bound, nats | - log p(x), nats |\n|---|---:|---:|---:|")
    for path in args.models:
        model = ks.models.load_model(path)
        images, label = binary(digits, args, model)
        row = {"model": str(path), "pictures": len(images)}
        row["bound"], row["error"] = mean(model.bound(images, label, samples=args.samples))
        cells = f"{row['bound']:.2f} ± {row['error']:.2f}"
        if args.likelihood:
            row["nats"], row["nats_error"] = mean(-model.likelihood(images, label, samples=args.likelihood))
            cells += f" | {row['nats']:.2f} ± {row['nats_error']:.2f} ({args.likelihood} draws)"
        else:
            cells += " | "
        print(f"| {path} | {len(images):,} | {cells} |", flush=True)
        rows.append(row)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))


def binary(digits, args, model):
    """The test pictures as training's validation has them, and their labels, or None."""
    options = {"validation": digits, "binarize": True, "seed": args.seed}
    pairs = list(ks.data.labelled_images(digits[:1], args.batch_size, **options)[1])
    images, labels = (np.concatenate([np.asarray(part) for part in parts]) for parts in zip(*pairs))
    return images, labels if model.labels else None


def mean(nats):
    """Over the pictures, and its standard error."""
    return float(np.mean(nats)), float(np.std(nats) / np.sqrt(len(nats)))


if __name__ == "__main__":
    main()
