"""What `NumericsGuard` costs: a step of training with it and without, where no number breaks."""

import keras
import numpy as np

import keras_seqcv as ks
from tests.benchmarks import steps, timing

COLUMNS = {
    "model": "{}",
    "batch": "{}",
    "XLA": "{}",
    "without, ms": "{:.2f}",
    "with, ms": "{:.2f}",
    "with / without": "{:.3f}",
}


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=7)
    units, length, side = (8, 4, 32) if args.quick else (256, 64, 224)
    cases = {
        "2 LSTM layers, one-hot characters": (lambda: characters(32, length), lambda: recurrent(units), False),
        "the same, stateful `LanguageModel`": (lambda: ids(32, length), lambda: language_model(units), False),
        "`ImageCaptioner`, frozen EfficientNet-Lite0": (
            lambda: pictures(8, side),
            lambda: captioner(units, side),
            False,
        ),
        "3 dense layers": (lambda: vectors(128, 8 * units), lambda: dense(8 * units), False),
        "3 dense layers, compiled": (lambda: vectors(128, 8 * units), lambda: dense(8 * units, True), True),
        "3 dense layers, small": (lambda: vectors(32, 16), lambda: dense(16), False),
    }
    rows = []
    for name, (data, make, xla) in list(cases.items())[-2 if args.quick else 0 :]:
        timing.progress("numerics", name)
        batch = data()
        models = {"ours": make(), "guarded": make()}
        for model in models.values():
            model.train_on_batch(*batch)  # makes all variables
        guard(models["guarded"])
        functions = {which: steps.keras_step(model, *batch) for which, model in models.items()}
        result = timing.compare(functions, args.rounds)
        row = {"model": name.removesuffix(", compiled"), "batch": len(batch[-1]), "XLA": "yes" if xla else "no"}
        row |= {"without, ms": 1e3 * result.median("ours"), "with, ms": 1e3 * result.median("guarded")}
        rows.append(row | {"with / without": result.ratio("guarded")})
    note = (
        "Steps of `fit` by the function that `fit` calls, one at a time. The guard looks at data, loss and each "
        "gradient in the graph, and at one flag between two steps."
    )
    timing.show(__file__, COLUMNS, rows, args, note)


def guard(model):
    callback = ks.callbacks.NumericsGuard()
    callback.set_model(model)
    callback.on_train_begin()


def characters(batch, length):
    return steps.batch_of_characters(batch, length)


def ids(batch, length):
    x = np.random.default_rng(0).integers(0, steps.WORDS, (batch, length + 1))
    return x[:, :-1], x[:, 1:]


def pictures(batch, side):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch, side, side, 3)).astype("uint8")
    tokens = rng.integers(4, 30, (batch, 12))
    return {"image": images, "tokens": tokens}, np.roll(tokens, -1, axis=1)


def vectors(batch, width):
    rng = np.random.default_rng(0)
    return rng.standard_normal((batch, width)).astype("float32"), rng.standard_normal((batch, 1)).astype("float32")


def recurrent(units):
    return steps.keras_model(ks.layers, "LSTM", units, jit_compile=False)


def language_model(units):
    text = "".join(chr(33 + i) for i in range(steps.WORDS))
    model = ks.models.LanguageModel(ks.data.Characters(text), cell="lstm", layers=2, units=units)
    return compiled(model, False)


def captioner(units, side):
    keras.utils.set_random_seed(0)
    network = ks.models.EfficientNetLite0(include_top=False, weights=None, input_shape=(side, side, 3))
    words = ks.data.Words(tokens=[f"word{i}" for i in range(100)])
    return compiled(ks.models.ImageCaptioner(ks.models.ImageEncoder(network), words, units=units), False)


def dense(width, xla=False):
    layers = [keras.layers.Dense(width, "relu") for _ in range(2)]
    model = keras.Sequential([keras.Input((width,)), *layers, keras.layers.Dense(1)])
    model.compile(optimizer(), "mse", jit_compile=xla)
    return model


def compiled(model, xla):
    model.compile(optimizer(), jit_compile=xla)
    return model


def optimizer():
    return keras.optimizers.Adam(steps.LEARNING_RATE, global_clipnorm=steps.CLIP)


if __name__ == "__main__":
    main()
