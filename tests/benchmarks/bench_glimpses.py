"""A training step of a reader by glimpses: ours beside PyTorch's usual loop and a tuned one."""

import keras
import numpy as np

import keras_seqcv as ks
from tests.benchmarks import glimpses_in_torch, steps, timing

COLUMNS = {
    "picture": "{}",
    "glimpses": "{}",
    "patches": "{}",
    "units": "{}",
    "batch": "{}",
    "ours, pictures/s": "{:,.0f}",
    "PyTorch loop / ours": "{:.2f}",
    "PyTorch, tuned / ours": "{:.2f}",
}


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=9)
    sizes = [(28, 6, 8, 1, 256, 128), (60, 8, 12, 3, 256, 128), (28, 6, 8, 1, 512, 128), (28, 6, 8, 1, 256, 32)]
    rows = []
    for side, count, patch, scales, units, batch in [(12, 2, 4, 2, 8, 4)] if args.quick else sizes:
        timing.progress("glimpses", side, count, patch, scales, units, batch)
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (batch, side, side, 1)).astype("uint8")
        labels = rng.integers(0, glimpses_in_torch.CLASSES, batch).astype("int32")
        functions = {"ours": ours(images, labels, count, patch, scales, units)}
        if timing.has_torch():
            for name, tuned in (("torch", False), ("torch tuned", True)):
                functions[name] = glimpses_in_torch.training_step(images, labels, count, patch, scales, units, tuned)
        result = timing.compare(functions, args.rounds)
        row = {"picture": f"{side} x {side}", "glimpses": count, "units": units, "batch": batch}
        row["patches"] = f"{patch} x {patch}" + (f", {scales} scales" if scales > 1 else "")
        row["ours, pictures/s"] = batch / result.median("ours")
        row["PyTorch loop / ours"] = result.ratio("torch")
        row["PyTorch, tuned / ours"] = result.ratio("torch tuned")
        rows.append(row)
    note = (
        "A SimpleRNN with relu, REINFORCE with a learned baseline, Adam, clipping by the global norm. PyTorch loop: "
        "patches are cut out picture by picture at whole pixels, noise is drawn and the baseline asked at every step, "
        "as public implementations have it; tuned: `grid_sample` for all pictures, noise before the loop, the baseline "
        "behind it. A ratio is their time / our time."
    )
    timing.show(__file__, COLUMNS, rows, args, note)


def model(side, count, patch, scales, units):
    keras.utils.set_random_seed(0)
    found = ks.models.GlimpseClassifier(
        (side, side, 1),
        [str(k) for k in range(glimpses_in_torch.CLASSES)],
        glimpses=count,
        patch=patch,
        scales=scales,
        units=units,
        glimpse_units=units // 2,
        stddev=glimpses_in_torch.STDDEV,
        reinforce_weight=glimpses_in_torch.REWARD,
    )
    found.compile(keras.optimizers.Adam(steps.LEARNING_RATE, global_clipnorm=steps.CLIP))
    return found


def ours(images, labels, *sizes):
    classifier = model(images.shape[1], *sizes)
    classifier.optimizer.build(classifier.trainable_variables)
    return steps.keras_step(classifier, images, labels)


if __name__ == "__main__":
    main()
