"""A training step of DRAW, which draws pictures step by step: ours beside PyTorch's usual loop and a tuned one."""

import keras
import numpy as np

import keras_seqcv as ks
from tests.benchmarks import draw_in_torch, steps, timing

COLUMNS = {
    "attention": "{}",
    "picture": "{}",
    "units": "{}",
    "steps": "{}",
    "batch": "{}",
    "ours, pictures/s": "{:,.0f}",
    "PyTorch loop / ours": "{:.2f}",
    "PyTorch, tuned / ours": "{:.2f}",
}
LATENT = 100


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=7)
    sizes = [(True, 28, 256, 16, 128), (False, 28, 256, 16, 128), (True, 28, 256, 64, 128), (True, 60, 256, 16, 128)]
    rows = []
    for attention, side, units, count, batch in [(True, 8, 8, 3, 4), (False, 8, 8, 3, 4)] if args.quick else sizes:
        timing.progress("draw", "with" if attention else "without", "attention", side, units, count, batch)
        grid = (2, 5) if attention else (None, None)
        images = np.random.default_rng(0).integers(0, 2, (batch, side, side, 1)).astype("uint8") * 255
        functions = {"ours": ours(images, count, units, grid)}
        if timing.has_torch():
            for name, tuned in (("torch", False), ("torch tuned", True)):
                functions[name] = draw_in_torch.training_step(images, count, units, LATENT, *grid, tuned)
        result = timing.compare(functions, args.rounds)
        row = {"attention": "2 x 2, 5 x 5" if attention else "none", "picture": f"{side} x {side}", "units": units}
        row |= {"steps": count, "batch": batch, "ours, pictures/s": batch / result.median("ours")}
        row["PyTorch loop / ours"] = result.ratio("torch")
        row["PyTorch, tuned / ours"] = result.ratio("torch tuned")
        rows.append(row)
    note = (
        f"{LATENT} latent numbers a step, Adam, clipping by the global norm. PyTorch loop: `LSTMCell`, a `Linear` for "
        "each of what a step computes, filters and pictures one after the other, noise drawn at every step, as public "
        "implementations have it; tuned: one `Linear` for all that reads the same state, both axes of filters and both "
        "pictures at once, noise drawn before the loop; without attention x is projected once. A ratio is their time / "
        "our time."
    )
    timing.show(__file__, COLUMNS, rows, args, note)


def ours(images, count, units, grid):
    keras.utils.set_random_seed(0)
    model = ks.models.DRAW(images.shape[1:], count, units, LATENT, *grid)
    model.compile(keras.optimizers.Adam(steps.LEARNING_RATE, global_clipnorm=steps.CLIP))
    model.optimizer.build(model.trainable_variables)
    return steps.keras_step(model, images)


if __name__ == "__main__":
    main()
