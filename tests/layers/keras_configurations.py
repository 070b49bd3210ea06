"""Random configurations of a recurrent layer, each to be run by the layer of this package and by Keras's."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

import keras_seqcv as ks
from tests.layers.samples import MASKS, in_mode, make_mask

CLASSES = ("SimpleRNN", "LSTM", "GRU")
ACTIVATIONS = ("tanh", "relu", "sigmoid", "linear", "elu", "softsign", "gelu", None)
GATES = ("hard_sigmoid", "tanh", "softsign", "hard_tanh")  # bounded: others let states run away
SIZES = {"batch": (1, 2, 3, 5, 8, 17), "steps": (1, 2, 3, 5, 9), "features": (1, 2, 5), "units": (1, 2, 4, 7)}


@dataclasses.dataclass(frozen=True)
class Configuration:
    """One comparison. `seed` draws weights and inputs; `mode` is one of `samples.MODES`."""

    name: str
    options: dict
    batch: int
    steps: int
    features: int
    mask: str | None
    initial_state: bool
    training: bool
    mode: str
    dynamic: bool  # whether the graph is traced with unknown batch and time
    seed: int


def draw(rng, mode: str, dynamic: bool = False, sizes=None, name=None) -> Configuration:
    """A random configuration. Three in five have the gates that the engine knows, the others what leads around it."""
    name = name or CLASSES[rng.integers(3)]
    sizes = {key: int(rng.choice(values)) for key, values in (sizes or SIZES).items()}
    options = {"units": sizes.pop("units")}

    def sometimes(chance, key, *values):
        if rng.random() < chance:
            options[key] = values[rng.integers(len(values))]

    for key in ("return_sequences", "return_state", "go_backwards", "zero_output_for_mask"):
        sometimes(0.5, key, True)
    sometimes(0.25, "use_bias", False)
    sometimes(0.15, "kernel_regularizer", "l2")
    sometimes(0.15, "recurrent_regularizer", "l1")
    sometimes(0.15, "bias_regularizer", "l2")
    sometimes(0.15, "activity_regularizer", "l2")
    if name == "LSTM":
        sometimes(0.3, "unit_forget_bias", False)
    if name == "GRU":
        sometimes(0.5, "reset_after", False, True)
    if rng.random() < 0.4:
        sometimes(0.7, "activation", *ACTIVATIONS)
        if name != "SimpleRNN":
            sometimes(0.4, "recurrent_activation", *GATES)
            sometimes(0.4, "implementation", 1)
        if not dynamic:
            sometimes(0.3, "unroll", True)
        if mode != "xla":
            sometimes(0.4, "recurrent_dropout", 0.3, 0.6)
        if "unroll" in options and "go_backwards" in options:
            # Keras's unrolled loop lays the mask the wrong way round over its outputs there.
            options.pop("zero_output_for_mask", None)
    if mode != "xla":  # which draws other random numbers
        sometimes(0.3, "dropout", 0.2, 0.5)
    options["seed"] = int(rng.integers(1000))  # of the dropout
    return Configuration(
        name,
        options,
        mask=[None, *MASKS][rng.integers(len(MASKS) + 1)],
        initial_state=bool(rng.random() < 0.5),
        training=bool(rng.random() < 0.6),
        mode=mode,
        dynamic=dynamic,
        seed=int(rng.integers(2**31)),
        **sizes,
    )


def _run(layer, weights, configuration, x, initial, mask):
    """Outputs and states; and the gradients of weights, inputs and initial states of a loss that uses all of them."""
    layer.build((None, None, x.shape[-1]) if configuration.dynamic else x.shape)
    assert [tuple(w.shape) for w in layer.weights] == [w.shape for w in weights]
    layer.set_weights(weights)

    def forward_and_gradients(x, initial, mask=None):
        sources = [x, *initial]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            result = layer(x, initial_state=initial or None, mask=mask, training=configuration.training)
            results = list(result) if isinstance(result, (list, tuple)) else [result]
            loss = tf.add_n(layer.losses) if layer.losses else 0.0
            for k, a in enumerate(results):
                # Weights that differ from place to place, so that no two mistakes cancel out.
                factors = tf.cos(tf.reshape(tf.range(tf.size(a), dtype=a.dtype), tf.shape(a)) + float(k))
                loss = loss + tf.reduce_mean(factors * a)
        sources = [w.value for w in layer.trainable_weights] + sources
        return results, tape.gradient(loss, sources, unconnected_gradients="zero")

    signature = None
    if configuration.dynamic:
        signature = [tf.TensorSpec((None, None, x.shape[-1])), [tf.TensorSpec((None, layer.units))] * len(initial)]
        signature += [] if mask is None else [tf.TensorSpec((None, None), tf.bool)]
    run = in_mode(configuration.mode, forward_and_gradients, input_signature=signature)
    return run(x, initial) if mask is None else run(x, initial, mask)


def compare(configuration) -> tuple[float, float]:
    """The largest differences of outputs and states, and of gradients."""
    rng = np.random.default_rng(configuration.seed)
    c = configuration
    # Where Keras looks for cuDNN it takes the several dropout masks of implementation=1 for one, and fails.
    no_cudnn = {} if c.name == "SimpleRNN" else {"use_cudnn": False}
    theirs = getattr(keras.layers, c.name)(**c.options, **no_cudnn)
    ours = getattr(ks.layers, c.name)(**c.options)
    theirs.build((c.batch, c.steps, c.features))
    # Keras's own initial values, whose size goes with the shapes as it should, and biases that are not zero.
    weights = [w + 0.3 * rng.standard_normal(w.shape) * (0.3 if w.ndim > 1 else 1) for w in theirs.get_weights()]
    x = tf.constant(rng.standard_normal((c.batch, c.steps, c.features)), "float32")
    states = (2 if c.name == "LSTM" else 1) if c.initial_state else 0
    initial = [tf.constant(rng.standard_normal((c.batch, c.options["units"])), "float32") for _ in range(states)]
    mask = None if c.mask is None else tf.constant(make_mask(c.mask, c.batch, c.steps, rng))
    wanted, wanted_gradients = _run(
        theirs, weights, dataclasses.replace(c, mode="eager", dynamic=False), x, initial, mask
    )
    received, received_gradients = _run(ours, weights, c, x, initial, mask)
    return _largest(received, wanted), _largest(received_gradients, wanted_gradients)


def _largest(received, wanted) -> float:
    assert len(received) == len(wanted)
    largest = 0.0
    for a, b in zip(received, wanted):
        a, b = tf.convert_to_tensor(a), tf.convert_to_tensor(b)
        assert a.shape == b.shape and a.dtype == b.dtype, (a.shape, b.shape, a.dtype, b.dtype)
        difference = np.abs(a.numpy() - b.numpy())
        assert np.isfinite(difference).all()
        largest = max(largest, float(difference.max(initial=0.0)))
    return largest
