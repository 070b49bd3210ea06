"""What is read from the probabilities of a reader by glimpses."""

import numpy as np
import pytest

from keras_seqcv.reading import reading_of

PATHS = np.random.default_rng(0).uniform(-1, 1, (3, 4, 2))


def test_the_likeliest_label_and_the_path_of_the_first_draw():
    found = reading_of(("a", "b", "c"), np.array([0.2, 0.1, 0.7]), PATHS)
    assert (found.label, found.labels, found.probability) == ("c", ["c"], 0.7)
    np.testing.assert_array_equal(found.path, PATHS[0])
    assert found.paths.shape == (3, 4, 2)


@pytest.mark.parametrize(
    ("rows", "labels", "probability"),
    [
        ([[0.9, 0.0, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]], ["a", "b"], 0.9 * 0.8 * 0.6),
        ([[0.9, 0.0, 0.1], [0.3, 0.2, 0.5], [0.9, 0.1, 0.0]], ["a"], 0.9 * 0.5),
        ([[0.3, 0.2, 0.5], [0.9, 0.0, 0.1], [0.1, 0.8, 0.1]], [], 0.5),
        # Two labels at most: that a third would be likelier than the end changes nothing.
        ([[0.9, 0.0, 0.1], [0.1, 0.8, 0.1], [0.4, 0.3, 0.3]], ["a", "b"], 0.9 * 0.8 * 0.3),
    ],
)
def test_labels_come_before_the_end(rows, labels, probability):
    found = reading_of(("a", "b"), np.array(rows), PATHS)
    assert found.labels == labels and found.label == " ".join(labels)
    np.testing.assert_allclose(found.probability, probability)
