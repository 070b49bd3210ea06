"""A number for each epoch."""

import tensorflow as tf


def epoch_seeds(seed: int) -> tf.data.Dataset:
    """A dataset of one number, another each time it is gone through, the same in every process.

    That the numbers are tf.data's, and not counted by a reader, lets a checkpoint of an iterator know its order.

    Example:
        >>> from keras_seqcv.data.epoch_seeds import epoch_seeds
        >>> numbers = [[int(number) for number in dataset] for dataset in [epoch_seeds(3)] * 2 + [epoch_seeds(3)]]
        >>> numbers[0] == numbers[1], numbers[0] == numbers[2]
        (False, True)
    """

    @tf.function(autograph=False)
    def made():
        tf.random.set_seed(0)  # of this graph; else the numbers would be others wherever somebody sets that of all
        return tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1)

    return made()
