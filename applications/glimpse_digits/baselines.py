"""Models that see all of a picture at once: fully connected, and convolutional; `baselines.py --help` says how."""

import argparse
import json
import math
import time
from pathlib import Path

import keras
import numpy as np
from pictures import pictures
from train import add_data, fit

KINDS = ("fully connected", "convolutional")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    add_data(parser)
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--units", type=int, nargs="+", default=(256, 256), help="of the fully connected one")
    parser.add_argument("--filters", type=int, nargs="+", default=(16, 32, 64), help="of the convolutional one")
    parser.add_argument("--out", type=Path, default=Path("runs/glimpse_digits"), help="folder for baselines.json")
    parser.set_defaults(task="translated")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    digits, test, change = pictures(args)
    if digits.most:
        parser.error("--task: baselines say one label, received 'several'")
    rows = {}
    for kind in args.kinds:
        keras.utils.set_random_seed(args.seed)
        model = network(kind, digits, args)
        start = time.perf_counter()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        fit(model, digits, test, change, args, loss=loss)
        taken = time.perf_counter() - start
        found = model.predict(test.images, batch_size=256, verbose=0).argmax(1)
        rows[kind] = {
            "error": float(np.mean(found != test.labels)),
            "parameters": model.count_params(),
            "products": products(model),
            "seconds": taken,
        }
        print(f"{kind}: {rows[kind]}", flush=True)
        (args.out / "baselines.json").write_text(json.dumps(rows, indent=1))


def network(kind, digits, args):
    layers = [keras.Input(digits.image_shape), keras.layers.Rescaling(1 / 255)]
    if kind == "fully connected":
        layers += [keras.layers.Flatten(), *(keras.layers.Dense(units, "relu") for units in args.units)]
    else:
        for filters in args.filters:
            layers += [keras.layers.Conv2D(filters, 3, padding="same", activation="relu"), keras.layers.MaxPooling2D()]
        layers += [keras.layers.Flatten(), keras.layers.Dense(128, "relu"), keras.layers.Dropout(0.5)]
    return keras.Sequential([*layers, keras.layers.Dense(len(digits.names))])


def products(model):
    """How many numbers are multiplied to read a picture."""
    count = 0
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            places = layer.output.shape[1:-1]  # of a convolution
            count += math.prod(layer.kernel.shape) * math.prod(places)
    return count


if __name__ == "__main__":
    main()
