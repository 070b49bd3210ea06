"""Units that are known to do something are found, by every score, and what is due to chance is called so."""

import keras
import numpy as np
import pytest

import keras_seqcv as ks
from keras_seqcv.inspection.cell_scores import (
    Correlation,
    LinearProbe,
    MutualInformation,
    area_under_curve,
    balanced_accuracy,
    best_threshold,
)

find_cells, probes = ks.inspection.find_cells, ks.inspection.probes
N, UNITS = 400, 6


def recording(values, tokens=None):
    return ks.inspection.Recording(tokens or ["a"] * len(values), {"rnn": {"hidden": values.astype("float32")}}, None)


def planted(probe, unit=4, noise=0.1, seed=0):
    """Units of noise that changes slowly, and one that says what the probe says."""
    random = np.random.default_rng(seed)
    values = np.cumsum(random.standard_normal((len(probe), UNITS)), axis=0) / 20
    values[:, unit] = -2 * probe + noise * random.standard_normal(len(probe))
    return recording(values)


def quote_counter():
    """A language model of 8 units, of which unit 5 counts quotation marks modulo two; the others are as they begin.

    c = f c + i g: a mark lets everything go (f = 0), and lets something in (i = 1) only where h was low.
    """
    keras.utils.set_random_seed(0)
    model = ks.models.LanguageModel(ks.data.Characters('abc "\n'), layers=1, units=8)
    model.build((None, None))
    layer = model.recurrent_layers[0]
    kernel, recurrent, bias = layer.get_weights()
    i, f, g, o = (5 + 8 * k for k in range(4))
    mark = model.vocabulary.tokens.index('"')
    kernel[:, [i, f, g, o]], recurrent[:, [i, f, g, o]] = 0, 0
    kernel[mark, i], kernel[mark, f], recurrent[5, i] = 40, -40, -40
    bias[[i, f, g, o]] = -20, 20, 20, 20
    layer.set_weights([kernel, recurrent, bias])
    return model


def quoted_text():
    random = np.random.default_rng(3)
    words = ["".join(random.choice(list("abc"), random.integers(1, 9))) for _ in range(200)]
    return " ".join(f'"{word}"' if k % 3 == 0 else word for k, word in enumerate(words))


@pytest.mark.parametrize("score", ["correlation", "mutual_information"])
def test_a_planted_quote_counter_is_found_first(score):
    found = find_cells(ks.inspection.record(quote_counter(), quoted_text()), probes.PROSE, score)
    first = next(cell for cell in found if cell.probe == "inside_quotes")
    assert (first.layer, first.unit, first.accuracy) == ("lstm_0", 5, 1.0)
    assert first.held_out > 3 * first.control
    if score == "correlation":
        assert found[0] == first and first.held_out > 0.99
    sizes = [abs(cell.score) for cell in found]
    assert sizes == sorted(sizes, reverse=True)
    assert {name: sum(c.probe == name for c in found) for name in ("inside_quotes", "inside_word")} == {
        "inside_quotes": 5,
        "inside_word": 5,
    }


def test_numbers_are_those_of_the_two_parts():
    probe = (np.arange(N) % 37 > 20).astype(float)
    made = planted(probe)
    (cell,) = find_cells(made, {"mine": probe}, held_out=0.25, top=1)
    values = made.values("rnn")[:, 4]
    assert cell.unit == 4 and cell.accuracy == 1 and cell.score < 0
    np.testing.assert_allclose(cell.score, np.corrcoef(values[:300], probe[:300])[0, 1], atol=1e-5)
    np.testing.assert_allclose(cell.held_out, np.corrcoef(values[300:], probe[300:])[0, 1], atol=1e-5)


def test_a_unit_that_is_good_on_the_first_part_alone_is_seen_through():
    """The best of many units on few steps: its score falls to that of the control where it was not chosen."""
    random = np.random.default_rng(1)
    probe = (np.sin(np.arange(200) / 9) > 0).astype(float)
    values = np.cumsum(random.standard_normal((200, 300)), axis=0)
    (cell,) = find_cells(recording(values), {"chance": probe}, top=1)
    assert abs(cell.score) > 0.6 and abs(cell.held_out) < cell.control


def test_the_control_is_the_best_unit_with_a_moved_probe():
    """A probe with a period: moved by a whole period it fits again, and the control says so."""
    probe = (np.arange(N) % 2).astype(float)
    (cell,) = find_cells(planted(probe), {"even": probe}, controls=30, top=1)
    assert cell.held_out**2 > 0.9 and cell.control > 0.95


def test_a_linear_probe_reads_what_no_unit_says():
    random = np.random.default_rng(0)
    target = random.standard_normal(N)
    values = random.standard_normal((N, UNITS))
    values[:, 0] += target  # hidden behind noise that unit 1 has too
    values[:, 0] += 3 * values[:, 1]
    (cell,) = find_cells(recording(values), {"target": target}, "linear", held_out=0.5)
    (one,) = find_cells(recording(values), {"target": target}, top=1, held_out=0.5)
    assert cell.unit is None and cell.accuracy is None and 0.4 < cell.held_out < 0.6  # of 1 / (1 + 1)
    assert one.held_out**2 < 0.2 and cell.control < 0.1
    lone = [
        find_cells(recording(values), {"target": target}, "linear", held_out=0.5, controls=1, seed=k) for k in range(5)
    ]
    assert min(cell.control for (cell,) in lone) < 0  # worse than the mean
    (of_two,) = find_cells(recording(values), {"sign": (target > 0).astype(float)}, "linear", held_out=0.5)
    assert 0.75 < of_two.held_out < 0.95 and of_two.control < 0.65  # an area, 1/2 by chance


def test_tokens_of_several_characters_and_arrays():
    tokens = ["to", " be", "\n", "or", "\n"] * 20
    line = np.array([2, 5, 0, 2, 0] * 20, float)
    found = find_cells(
        ks.inspection.Recording(tokens, {"rnn": {"hidden": np.stack([line, line**2], 1)}}, None),
        {"line": probes.line_position, "array": line},
        top=1,
    )
    assert [(cell.unit, round(cell.held_out, 4)) for cell in found] == [(0, 1.0)] * 2


def test_a_probe_that_never_changes_is_left_out(caplog):
    probe = (np.arange(N) % 5).astype(float)
    found = find_cells(planted(probe), {"mine": probe, "inside_quotes": probes.inside_quotes}, top=2)
    assert {cell.probe for cell in found} == {"mine"} and "inside_quotes" in caplog.text
    with pytest.raises(ValueError, match="same all over"):
        find_cells(planted(probe), {"inside_quotes": probes.inside_quotes})


def test_scores_are_those_of_numpy_and_of_a_table():
    random = np.random.default_rng(0)
    a, b = random.standard_normal((500, 3)), random.integers(0, 2, (500, 1)).astype(float)
    a[:, 1] += b[:, 0]
    a[:, 2] = 0.3  # does not change
    r = Correlation()(a, b)[:, 0]
    np.testing.assert_allclose(r, [np.corrcoef(a[:, k], b[:, 0])[0, 1] for k in (0, 1)] + [0], atol=1e-6)
    score = MutualInformation()
    score.fit(a, b)
    table = (
        np.histogram2d(a[:, 1], b[:, 0], [[-np.inf, *np.quantile(a[:, 1], np.arange(1, 8) / 8), np.inf], 2])[0] / 500
    )
    wanted = sum(p * np.log(p / (table.sum(1)[i] * table.sum(0)[j])) for (i, j), p in np.ndenumerate(table) if p)
    np.testing.assert_allclose(score(a, b)[1:, 0], [wanted, 0], atol=1e-6)
    ones, zeros = a[b[:, 0] > 0, 1], a[b[:, 0] == 0, 1]
    assert area_under_curve(a[:, 1], b[:, 0]) == pytest.approx((ones[:, None] > zeros).mean())


def test_a_ridge_regression_by_its_normal_equations():
    random = np.random.default_rng(0)
    x, y = random.standard_normal((50, 3)) * [1, 5, 0.1] + 2, random.standard_normal((50, 2))
    probe = LinearProbe()
    probe.fit(x, y)
    z = (x - x.mean(0)) / x.std(0)
    w = np.linalg.inv(z.T @ z + 1e-3 * 50 * np.eye(3)) @ z.T @ (y - y.mean(0))
    said = z @ w + y.mean(0)
    np.testing.assert_allclose(probe(x, y)[0], 1 - ((y - said) ** 2).mean(0) / y.var(0), rtol=1e-6)


def test_the_best_threshold_is_the_best_of_all():
    random = np.random.default_rng(0)
    for sign in (1, -1):
        values = np.round(random.standard_normal(80), 1)
        truth = (sign * values + random.standard_normal(80) > 0.3).astype(float)
        best = max(balanced_accuracy(values, truth, t, d) for t in np.append(values, values.min() - 1) for d in (1, -1))
        assert balanced_accuracy(values, truth, *best_threshold(values, truth)) == pytest.approx(best)


@pytest.mark.parametrize(
    ("error", "message", "options"),
    [
        (ValueError, "score: expected one of .* received 'r'", {"score": "r"}),
        (ValueError, r"held_out: expected a number in \(0, 1\), received 1", {"held_out": 1}),
        (ValueError, "held_out: two parts of 400 steps are too short", {"held_out": 0.001}),
        (ValueError, "controls: expected an int >= 1, received 0", {"controls": 0}),
        (ValueError, "top: expected an int >= 1, received True", {"top": True}),
        (TypeError, "probes: expected a dict", {"probes": [probes.inside_word]}),
        (
            ValueError,
            r"'mine': expected finite .* \(400,\), received shape \(3,\)",
            {"probes": {"mine": np.ones(3)}},
        ),
        (ValueError, r"'mine': expected finite numbers \(400,\)", {"probes": {"mine": lambda text: [1.0]}}),
        (ValueError, "layers, states: expected of .* received 'gru'", {"layers": ["gru"]}),
        (ValueError, r"layers, states: .* received 'rnn', \['cell'\]", {"states": ["cell"]}),
    ],
)
def test_bad_input_is_named(error, message, options):
    probe = (np.arange(N) % 5).astype(float)
    with pytest.raises(error, match=message):
        find_cells(planted(probe), **{"probes": {"mine": probe}, **options})
