"""`AttentionRNNCell`: any cell, looking at a memory at every step."""

import inspect

import keras
import tensorflow as tf

from keras_seqcv.layers.attention import AdditiveAttention, DotProductAttention
from keras_seqcv.layers.attention_step import AttentionStep, EngineCells, Look
from keras_seqcv.layers.gru import GRUMath
from keras_seqcv.layers.hard_attention import HardAttention
from keras_seqcv.layers.lstm import LSTMMath
from keras_seqcv.layers.product_loop import product
from keras_seqcv.layers.simple_rnn import SimpleRNNMath

_KINDS = {AdditiveAttention: "additive", DotProductAttention: "dot", HardAttention: "hard"}
# Cells whose mathematics the engine has. A class derived from one of these may compute anything, and is not meant.
_ENGINE = {
    keras.layers.SimpleRNNCell: SimpleRNNMath,
    keras.layers.LSTMCell: LSTMMath,
    keras.layers.GRUCell: GRUMath,
}
ORDERS, STARTS = ("before", "after"), ("zeros", "memory")


@keras.saving.register_keras_serializable(package="keras_seqcv")
class AttentionRNNCell(keras.layers.Layer):
    """A recurrent cell that looks at a memory at every step; `AttentionRNN` runs it over time.

    attend="before", as Bahdanau and Show, Attend and Tell have it:
        c_t, a_t = attention(h_{t-1}, m)
        h_t      = cell([x_t, c_t], h_{t-1})
        y_t      = [h_t, c_t]
    attend="after", as Luong has it:
        h_t      = cell([x_t, y_{t-1}], h_{t-1})        input feeding; cell(x_t, h_{t-1}) without
        c_t, a_t = attention(h_t, m)
        y_t      = tanh([c_t, h_t] W_y)
    gate:       c_t <- beta_t c_t,  beta_t = sigma(q W_beta + b_beta), q the state that looks
    coverage:   the keys are k_l + w sum_{s<t} a_{s,l}: the cell knows where it has been looking
    start="memory":  every state begins as tanh(mean_l(m_l) W_s + b_s)

    x_t (B, D_x) input, m (B, L, D) memory, h_t (B, U) output, c_t (B, D) context, a_t (B, L) weights, y_t (B, F)
    features: what words are told from. W_y is `combine_kernel` (D + U, F), W_beta `gate_kernel` (U, 1), b_beta
    `gate_bias`, w `coverage_kernel` (A,), and W_s, b_s `start_kernel_k` (D, U), `start_bias_k` (U,) of state k.

    Args:
        cell: a cell of Keras (`keras.layers.LSTMCell(512)`), one's own with `state_size` and `call(inputs, states)`,
            or a list of them, the first below. The first state of the last one looks.
        attention: `AdditiveAttention`, `DotProductAttention` or `HardAttention`.
        attend: "before" | "after" the cell.
        feed: whether y_{t-1} is fed to the cell, with attend="after".
        units: int >= 1 or None, F with attend="after". Default: the cell's units.
        gate: whether the context is gated.
        coverage: whether the attention knows where it has been.
        start: "zeros" | "memory", the state before the first step.

    Call arguments:
        inputs: (B, D_x).
        states: list as `initial_states` gives it: those of the cells, then y_{t-1} (B, F) if it is fed, then with
            coverage the sum of the weights (B, L).
        memory: (B, L, D).
        memory_mask: (B, L) bool, False where there is no place.
        keys: the result of `compute_keys(memory)`.
        training: bool: whether a `HardAttention` draws, and for dropout of a cell of Keras.

    Returns:
        y_t (B, F) and a_t (B, L), and the new states. F is U + D with attend="before".

    Raises:
        TypeError, ValueError: for an argument that is not as above, and where shapes do not fit.

    Example:

    >>> cell = ks.layers.AttentionRNNCell(keras.layers.LSTMCell(8), ks.layers.AdditiveAttention(6), gate=True)
    >>> words, memory = np.ones((2, 3), "float32"), np.ones((2, 5, 4), "float32")
    >>> cell.build((2, 3), (2, 5, 4))
    >>> (features, weights), states = cell(words, cell.initial_states(memory), memory)
    >>> features.shape, weights.shape, len(states)
    (TensorShape([2, 12]), TensorShape([2, 5]), 2)

    Reference:
        Bahdanau, Cho, Bengio, arXiv 1409.0473, 2014. Xu et al., Show, Attend and Tell, arXiv 1502.03044, 2015 (gate,
        start). Luong, Pham, Manning, arXiv 1508.04025, 2015. Coverage: Tu et al., arXiv 1601.04811, 2016.
    """

    def __init__(
        self,
        cell,
        attention,
        attend="before",
        feed=True,
        units=None,
        gate=False,
        coverage=False,
        start="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.cell = cell
        self.cells = _listed(cell)
        for name, value, allowed in (("attend", attend, ORDERS), ("start", start, STARTS)):
            if value not in allowed:
                raise ValueError(f"{name}: expected one of {allowed}, received {value!r}")
        if type(attention) not in _KINDS:
            wanted = ", ".join(k.__name__ for k in _KINDS)
            raise TypeError(f"attention: expected one of the layers {wanted}, received {type(attention).__name__}")
        if units is not None and attend == "before":
            raise ValueError(f'units: attend="before" puts out [h, c] as it is; expected None, received {units!r}')
        if units is not None and (isinstance(units, bool) or not isinstance(units, int) or units < 1):
            raise ValueError(f"units: expected an int >= 1 or None, received {units!r}")
        self.attention = attention
        self.attend = attend
        self.feed = feed
        self.units = units
        self.gate = gate
        self.coverage = coverage
        self.start = start
        self.state_counts = tuple(len(_sizes(c)) for c in self.cells)

    @property
    def feeds_back(self) -> bool:
        return self.attend == "after" and bool(self.feed)

    def feature_width(self, memory_depth) -> int:
        """F, for a memory of that depth."""
        query = _sizes(self.cells[-1])[0]
        return query + memory_depth if self.attend == "before" else self.units or query

    def state_sizes(self, places, memory_depth) -> list:
        """The width of every state, for a memory of so many places and of that depth."""
        sizes = [s for c in self.cells for s in _sizes(c)]
        return sizes + [self.feature_width(memory_depth)] * self.feeds_back + [places] * bool(self.coverage)

    def build(self, inputs_shape, memory_shape):
        query, depth = _sizes(self.cells[-1])[0], memory_shape[-1]
        self.memory_depth = depth
        if not self.attention.built:
            self.attention.build((None, query), tuple(memory_shape))
            self.attention.built = True
        self.combine_kernel = self.gate_kernel = self.gate_bias = self.coverage_kernel = None
        self.features = self.feature_width(depth)
        if self.attend == "after":
            self.combine_kernel = self.add_weight(name="combine_kernel", shape=(query + depth, self.features))
        fed = depth if self.attend == "before" else self.features if self.feeds_back else 0
        width = inputs_shape[-1] + fed
        for cell in self.cells:
            if not cell.built:
                cell.build((None, width))
                cell.built = True
            width = _sizes(cell)[0]
        if self.gate:
            self.gate_kernel = self.add_weight(name="gate_kernel", shape=(query, 1))
            self.gate_bias = self.add_weight(name="gate_bias", shape=(1,), initializer="zeros")
        if self.coverage:
            # From zero: the model begins as one without.
            depth_of_keys = self.attention.key_depth
            self.coverage_kernel = self.add_weight(name="coverage_kernel", shape=(depth_of_keys,), initializer="zeros")
        self.start_kernels, self.start_biases = [], []
        if self.start == "memory":
            for k, size in enumerate(s for c in self.cells for s in _sizes(c)):
                self.start_kernels.append(self.add_weight(name=f"start_kernel_{k}", shape=(depth, size)))
                self.start_biases.append(self.add_weight(name=f"start_bias_{k}", shape=(size,), initializer="zeros"))

    def call(self, inputs, states, memory, memory_mask=None, keys=None, training=False):
        fixed = self.fixed(memory, memory_mask, keys)
        x = {"input": tf.convert_to_tensor(inputs, self.compute_dtype)}
        if self.draws(training):
            x["noise"] = self.attention.noise(tf.shape(fixed["memory"])[:2])
        outputs, states = self.stepper(training)(x, list(states), fixed)
        return (outputs["features"], outputs["weights"]), states

    def compute_keys(self, memory):
        """The memory (B, L, D) as it is compared with queries, (B, L, A)."""
        return tf.cast(self.attention.compute_keys(memory), self.compute_dtype)

    def fixed(self, memory, memory_mask=None, keys=None) -> dict:
        """What a step looks at: "keys" and "memory", and "mask" if there is one; made once for all steps."""
        memory = tf.convert_to_tensor(memory, self.compute_dtype)
        if memory.shape.rank != 3 or memory.shape[-1] != self.memory_depth:
            raise ValueError(
                f"memory: expected shape (B, L, {self.memory_depth}) as {self.name} was built for, received "
                f"{tuple(memory.shape)}"
            )
        keys = self.compute_keys(memory) if keys is None else tf.convert_to_tensor(keys, self.compute_dtype)
        wanted = (*memory.shape[:2], self.attention.key_depth)
        if not keys.shape.is_compatible_with(wanted):
            raise ValueError(f"keys: expected shape {wanted}, received {tuple(keys.shape)}")
        fixed = {"keys": keys, "memory": memory}
        if memory_mask is not None:
            fixed["mask"] = tf.cast(memory_mask, tf.bool)
            if not fixed["mask"].shape.is_compatible_with(memory.shape[:2]):
                raise ValueError(
                    f"memory_mask: expected shape {tuple(memory.shape[:2])}, received {tuple(fixed['mask'].shape)}"
                )
        return fixed

    def initial_states(self, memory, memory_mask=None) -> list:
        """The states before the first step, for a memory (B, L, D)."""
        memory = tf.convert_to_tensor(memory, self.compute_dtype)
        batch, places = (memory.shape[k] or tf.shape(memory)[k] for k in (0, 1))
        sizes = self.state_sizes(places, self.memory_depth)
        if self.start == "zeros":
            return [tf.zeros((batch, size), self.compute_dtype) for size in sizes]
        mean = _mean(memory, memory_mask)  # (B, D)
        pairs = zip(self.start_kernels, self.start_biases, strict=True)
        started = [tf.tanh(tf.matmul(mean, self._cast(w)) + self._cast(b)) for w, b in pairs]
        return started + [tf.zeros((batch, size), self.compute_dtype) for size in sizes[len(started) :]]

    def engine_cells(self, training=False) -> EngineCells | None:
        """The mathematics of the cells, or None where a cell needs its own code."""
        maths = []
        for cell in self.cells:
            drops = training and (getattr(cell, "dropout", 0) or getattr(cell, "recurrent_dropout", 0))
            maths.append(None if drops else engine_math(cell))
        return None if None in maths else EngineCells(tuple(maths), self.state_counts)

    def draws(self, training) -> bool:
        """Whether places are drawn."""
        return isinstance(self.attention, HardAttention) and bool(training or self.attention.sample)

    def step_of(self, advance) -> AttentionStep:
        """The mathematics of a step, whose cells are computed by `advance`."""
        kind = _KINDS[type(self.attention)]
        scaled = kind == "dot" and self.attention.score == "scaled"
        look = Look(kind, self.attention.key_depth**-0.5 if scaled else 1.0, bool(self.coverage))
        query = sum(self.state_counts[:-1])
        return AttentionStep(advance, look, query, self.attend == "before", bool(self.gate), self.feeds_back)

    def stepper(self, training=False):
        """One step as a function (x, states, fixed) -> outputs, states, for a loop that is not ours.

        `x` is {"input": (B, D_x)}, with "noise" (B, L) where places are drawn; `fixed` and the first states come from
        the methods of these names. Outputs are "features" (B, F), "weights" (B, L) and, of a `HardAttention`,
        "probabilities" (B, L). What is done to weights is done here, once.
        """
        engine = self.engine_cells(training)
        step = self.step_of(engine or self.keras_cells(training))
        weights = self.step_weights(engine)

        def advance(x, states, fixed):
            if engine:
                x = {**x, "input": self.projected(x["input"], weights)}
            return step(product, x, states, fixed, weights)

        return advance

    def keras_cells(self, training):
        """What `EngineCells` does, by the cells' own code; x is not projected."""

        options = [{"training": training} if _takes_training(c) else {} for c in self.cells]

        def advance(product, x, fed, states, weights):
            after, h = [], x if fed is None else tf.concat([x, fed], axis=1)
            for cell, count, option in zip(self.cells, self.state_counts, options, strict=True):
                own, states = states[:count], states[count:]
                h, own = cell(h, own, **option)
                after += list(own) if isinstance(own, (list, tuple)) else [own]
            return h, after

        return advance

    def step_weights(self, engine: EngineCells | None) -> dict:
        """All weights of a step, by name."""
        weights = {"attention": {k: self._cast(v) for k, v in self.attention.score_weights().items()}}
        named = {"combine": self.combine_kernel, "gate": self.gate_kernel, "gate_bias": self.gate_bias}
        named["coverage"] = self.coverage_kernel
        weights |= {k: self._cast(v) for k, v in named.items() if v is not None}
        if engine:
            inputs = [
                [self._cast(w) for w in math.input_weights(cell) if w is not None]
                for math, cell in zip(engine.cells, self.cells, strict=True)
            ]
            recurrent = [
                [self._cast(w) for w in math.recurrent_weights(cell)]
                for math, cell in zip(engine.cells, self.cells, strict=True)
            ]
            fed = self.memory_depth if self.attend == "before" else self.features if self.feeds_back else 0
            kernel, *bias = inputs[0]
            own = kernel.shape[0] - fed
            if fed and engine.cells[0].state_in_product_only:
                recurrent[0] = [tf.concat([recurrent[0][0], kernel[own:]], axis=0)]
            elif fed:
                weights["fed"] = kernel[own:]
            weights |= {"first": [kernel[:own], *bias], "inputs": inputs[1:], "recurrent": recurrent}
        return weights

    def projected(self, inputs, weights):
        """Inputs (..., D_x) of the first cell through its kernel -> (..., G U)."""
        kernel, *bias = weights["first"]
        x = tf.tensordot(inputs, kernel, 1) if inputs.shape.rank > 2 else tf.matmul(inputs, kernel)
        return tf.nn.bias_add(x, bias[0]) if bias else x

    def _cast(self, weight):
        return tf.cast(weight, self.compute_dtype)

    def get_config(self):
        cells = [keras.saving.serialize_keras_object(c) for c in self.cells]
        return {
            **super().get_config(),
            "cell": cells if isinstance(self.cell, (list, tuple)) else cells[0],
            "attention": keras.saving.serialize_keras_object(self.attention),
            "attend": self.attend,
            "feed": self.feed,
            "units": self.units,
            "gate": self.gate,
            "coverage": self.coverage,
            "start": self.start,
        }

    @classmethod
    def from_config(cls, config):
        cell = config["cell"]
        cell = [unbuilt(c) for c in cell] if isinstance(cell, list) else unbuilt(cell)
        return cls(**{**config, "cell": cell, "attention": unbuilt(config["attention"])})


def engine_math(cell):
    """The mathematics of a Keras cell, or None where it needs its own code."""
    return _ENGINE[type(cell)].of(cell) if type(cell) in _ENGINE else None


def unbuilt(config):
    """The layer of a serialised config; the layer that it is a part of builds it, and gives its weights their paths."""
    return keras.saving.deserialize_keras_object({k: v for k, v in config.items() if k != "build_config"})


def _listed(cell) -> list:
    if isinstance(cell, keras.layers.StackedRNNCells):
        cell = cell.cells
    cells = list(cell) if isinstance(cell, (list, tuple)) else [cell]
    if not cells:
        raise ValueError("cell: expected a cell or a list of at least one, received an empty list")
    for c in cells:
        if not hasattr(c, "state_size") or not callable(c):
            raise TypeError(
                f"cell: expected a cell with `state_size` and `call(inputs, states)`, received {type(c).__name__}"
            )
    return cells


def _sizes(cell) -> list[int]:
    size = cell.state_size
    return list(size) if isinstance(size, (list, tuple)) else [size]


def _takes_training(cell) -> bool:
    return "training" in inspect.signature(cell.call if isinstance(cell, keras.layers.Layer) else cell).parameters


def _mean(memory, mask):
    if mask is None:
        return tf.reduce_mean(memory, axis=1)
    valid = tf.cast(mask, memory.dtype)[..., None]  # (B, L, 1)
    return tf.math.divide_no_nan(tf.reduce_sum(memory * valid, axis=1), tf.reduce_sum(valid, axis=1))
