"""A training step that leaves no trace if its numbers broke."""

import threading

import tensorflow as tf

from keras_seqcv.callbacks.optimizer_watch import attach, check_every_slice, detach, values_of
from keras_seqcv.layers.stream_state import stream_states

_LEAST_SCALE = 1.0  # a gradient that is not finite under a larger one is the scale's doing, which Keras then halves


class GuardedStep:
    """Puts itself around `train_step` and the optimizer of a compiled model, until `close`.

    In the graph: are data, loss and gradients finite? If not, the optimizer is not asked, and whatever the forward
    pass has changed is put back: metrics, moving averages, states of streams, seeds. Outside, between two steps,
    `look(data, place)` is called after a step that broke, with its batch, which nobody else has; it says whether to go
    on. So each batch is taken from the iterator here, one a call of Keras's step.

    Args:
        model: compiled.
        check_data: whether the batch itself is looked at, in each step.
        look: called with what a step got and which of the steps of this execution it was.
    """

    def __init__(self, model, check_data: bool, look):
        self.model, self.optimizer, self.check_data, self._look = model, model.optimizer, check_data, look
        self.train_step, self._make = model.train_step, model.make_train_function
        self._scale_loss = model.optimizer.scale_loss
        self._tracing = threading.local()  # a strategy traces each replica in a thread of its own
        self._broken = {}  # how many gradients there are -> bool (2 + gradients,): the step, its loss, each gradient
        self._last = None
        model.train_step, model.make_train_function = self._step, self._make_function
        model.optimizer.scale_loss = self._scaled
        check_every_slice(model.optimizer)
        attach(model, model.optimizer, self)

    def close(self) -> None:
        model = self.model
        if model is not None:
            del model.train_step, model.make_train_function, self.optimizer.scale_loss
            detach(model, self.optimizer, self)
            model.train_function, self.model = None, None

    @property
    def broken_loss(self) -> bool:
        """Of the step that `look` is told of: whether its loss was not finite."""
        return bool(self._last[1])

    @property
    def broken_gradients(self) -> list[int]:
        """Which of the gradients that the optimizer was to get were not finite."""
        return [i for i, broken in enumerate(self._last[2:]) if broken]

    def _make_function(self, force=False):
        if self.model.train_function is None or force:
            self._make(force=True)
            self.model.train_function = self._one_by_one(self.model.train_function)

    def _one_by_one(self, train_function):
        def function(iterator):
            try:
                return steps(iterator)
            except StopIteration:
                raise
            except BaseException:  # Keras does not tell callbacks that `fit` has ended with an error
                self.close()
                raise

        def steps(iterator):
            outputs = None
            for place in range(self.model.steps_per_execution):
                try:
                    data = next(iterator)
                except StopIteration:
                    if outputs is None:
                        raise
                    break
                self._last = None
                outputs = train_function([data])
                if self._has_broken() and not self._look(data, place):
                    break
            return outputs

        return function

    def _has_broken(self) -> bool:
        for variable in self._broken.values():
            self._last = variable.numpy()
            if self._last[0]:
                variable.assign(tf.zeros_like(variable))
                return True
        return False

    def _step(self, data):
        """In the graph, in place of `train_step`."""
        tracing = self._tracing
        tracing.loss, tracing.data, tracing.broken = None, self._data_broken(data), None
        kept = [(v, v.read_value()) for v in self.side_variables()]
        logs = self.train_step(data)
        if tracing.broken is None:  # nothing to train, or nothing that the optimizer was asked for
            tracing.broken = self._note([])
        return self._put_back(tracing.broken, kept, logs)

    def _scaled(self, loss):
        self._tracing.loss = loss
        return self._scale_loss(loss)

    def _data_broken(self, data):
        leaves = tf.nest.flatten(data, expand_composites=True) if self.check_data else []
        return _any_broken([leaf for leaf in leaves if leaf is not None and tf.as_dtype(leaf.dtype).is_floating])

    def gate(self, optimizer, grads, variables, apply):
        """In the graph, in place of the optimizer's `apply`: that is called if all is finite."""
        broken = self._tracing.broken = self._note(grads)
        if tf.distribute.get_strategy().num_replicas_in_sync == 1:
            tf.cond(broken, tf.no_op, lambda: _run(apply, grads, variables))
            return

        # An optimizer meets the other replicas, which it cannot from within a branch that is one replica's own.
        def together(strategy, broken, grads):
            def move():
                strategy.extended.call_for_each_replica(apply, args=(grads, variables))
                return tf.no_op()

            tf.cond(strategy.experimental_local_results(broken)[0], tf.no_op, move)

        tf.distribute.get_replica_context().merge_call(together, args=(broken, grads))

    def _note(self, grads):
        tracing = self._tracing
        of_loss = _any_broken([] if tracing.loss is None else [tracing.loss])
        of_grads = [_any_broken([] if g is None else [values_of(g)]) for g in grads]
        any_grad = tf.reduce_any(of_grads) if grads else tf.constant(False)
        scale = getattr(self.optimizer, "dynamic_scale", None)
        if scale is not None:
            any_grad &= tf.convert_to_tensor(scale) <= _LEAST_SCALE
        noted = tf.stack([tracing.data | of_loss | any_grad, of_loss, *of_grads])
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            context = tf.distribute.get_replica_context()
            noted = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.cast(noted, tf.int32)) > 0
        if len(grads) not in self._broken:
            with tf.init_scope():
                self._broken[len(grads)] = tf.Variable(tf.zeros(noted.shape, tf.bool), trainable=False)
        self._broken[len(grads)].assign(noted)
        return noted[0]

    def side_variables(self) -> list:
        """All that a step changes besides what the optimizer changes."""
        model = self.model
        of_keras = [*model.variables, *(v for metric in model.metrics for v in metric.variables)]
        moved = {id(v) for v in model.trainable_variables}
        found = {id(v): v.value for v in of_keras if id(v) not in moved}
        return [*found.values(), *(v for state in stream_states(model) for v in state.variables)]

    def _put_back(self, broken, kept, logs):
        """Logs as they are, or as they were before the batch."""
        own = isinstance(logs, dict) and logs.keys() == self.model.get_metrics_result().keys()

        def put_back():
            for variable, value in kept:
                variable.assign(value)
            return _like(self.model.get_metrics_result(), logs) if own else tf.nest.map_structure(tf.identity, logs)

        return tf.cond(broken, put_back, lambda: tf.nest.map_structure(tf.identity, logs))


def _run(apply, *args):
    apply(*args)
    return tf.no_op()


def _like(found, logs):
    return tf.nest.map_structure(lambda a, b: tf.cast(a, tf.convert_to_tensor(b).dtype), found, logs)


def _any_broken(tensors):
    """A scalar: whether some number is NaN or infinite."""
    found = [~tf.reduce_all(tf.math.is_finite(tf.convert_to_tensor(t))) for t in tensors]
    return tf.reduce_any(found) if found else tf.constant(False)
