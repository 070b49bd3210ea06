"""A training that is interrupted ends as one that is not, bit for bit; and what is refused."""

import json
import random
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_seqcv as ks
from tests.resume import kills
from tests.resume.programs import PROGRAMS, digest


class Bomb(keras.callbacks.Callback):
    """Ends a training in the middle."""

    def __init__(self, step):
        super().__init__()
        self.step, self.seen = step, 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == self.step:
            raise KeyboardInterrupt


def interrupted(name, folder, every, step):
    with pytest.raises(KeyboardInterrupt):
        PROGRAMS[name](folder, every, callbacks=[Bomb(step)])


@pytest.mark.parametrize(
    "name, every, steps",
    [("language", 3, (2, 5, 20)), pytest.param("captions", 2, (4, 4), marks=pytest.mark.long), ("arrays", 4, (3, 3))],
)
def test_goes_on_bit_for_bit(name, every, steps, tmp_path):
    """Also twice from the same checkpoint, and from none."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    expected = digest(PROGRAMS[name](whole, every), whole)
    for step in steps:
        interrupted(name, parts, every, step)
    assert digest(PROGRAMS[name](parts, every), parts) == expected


@pytest.mark.parametrize(
    "every", [1, pytest.param(5, marks=pytest.mark.long), pytest.param(8, marks=pytest.mark.long), "epoch"]
)
def test_any_distance_and_every_place(every, tmp_path):
    """Eight steps an epoch: a checkpoint at its end, at its beginning, and in its middle."""
    folders = [tmp_path / str(k) for k in range(4)]
    for folder in folders:
        folder.mkdir()
    expected = digest(PROGRAMS["shuffled"](folders[0], every), folders[0])
    for folder, step in zip(folders[1:], (7, 8, 9), strict=True):
        interrupted("shuffled", folder, every, step)
        assert digest(PROGRAMS["shuffled"](folder, every), folder) == expected


def test_killed_at_random_moments(tmp_path):
    """Real processes and SIGKILL; the campaign of `python -m tests.resume.kills` in little."""
    context, chance = kills.processes(), random.Random(4)
    expected, seconds = kills.undisturbed(context, "shuffled", 1, 6)
    found = kills.disturbed(context, "shuffled", 1, 6, [chance.uniform(0.2, 0.9) * seconds for _ in range(3)])
    assert found["digest"] == expected
    assert found["kills"]


def test_an_ended_training_is_only_taken_back_and_goes_on_with_more_epochs(tmp_path):
    ended = PROGRAMS["language"](tmp_path, 4, epochs=1)
    again = PROGRAMS["language"](tmp_path, 4, epochs=1, callbacks=[Bomb(1)])  # no step is made
    assert digest(again, tmp_path) == digest(ended, tmp_path)
    (tmp_path / "other").mkdir()
    whole = PROGRAMS["language"](tmp_path / "other", 4, epochs=2)
    on = PROGRAMS["language"](tmp_path, 4, epochs=2)
    assert digest(on, tmp_path) == digest(whole, tmp_path / "other")


def checkpoints(folder):
    return sorted(path for path in (folder / "resume").iterdir() if path.name[0] != ".")


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    (tmp_path / "whole").mkdir()
    expected = digest(PROGRAMS["shuffled"](tmp_path / "whole", 3), tmp_path / "whole")
    interrupted("shuffled", tmp_path, 3, 11)
    older, newest = checkpoints(tmp_path)
    data = bytearray((newest / "variables.bin").read_bytes())
    data[-3] ^= 1
    (newest / "variables.bin").write_bytes(data)
    with pytest.warns(UserWarning, match="variables.bin is damaged"):
        model = PROGRAMS["shuffled"](tmp_path, 3)
    assert digest(model, tmp_path) == expected


def test_without_a_whole_checkpoint_it_says_so(tmp_path):
    interrupted("shuffled", tmp_path, 3, 4)
    (only,) = checkpoints(tmp_path)
    (only / "training.json").unlink()
    with pytest.raises(ValueError, match=f"no checkpoint in {tmp_path}.*training.json is missing"):
        PROGRAMS["shuffled"](tmp_path, 3)


def test_what_a_killed_process_left_is_cleared_away(tmp_path):
    interrupted("shuffled", tmp_path, 3, 4)
    half = tmp_path / "resume" / ".0123abcd.step-000000000006"
    shutil.copytree(checkpoints(tmp_path)[0], half)
    (tmp_path / "resume" / ".89abcdef.gone").mkdir()
    PROGRAMS["shuffled"](tmp_path, 3)
    assert sorted(path.name for path in (tmp_path / "resume").iterdir()) == [
        "end",
        "step-000000000021",
        "step-000000000024",
    ]


def small(units=2, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units), keras.layers.Dense(1)])
    model.compile("sgd", "mse", **options)
    return model


def fitted(folder, model=None, data=None, epochs=2, **options):
    x = np.arange(12, dtype="float32").reshape(6, 2)
    data = tf.data.Dataset.from_tensor_slices((x, x[:, :1])).batch(2) if data is None else data
    resume = ks.callbacks.ExactResume(folder, **options)
    return (model or small()).fit(data, epochs=epochs, verbose=0, callbacks=[resume])


@pytest.mark.parametrize("options", [{"every": 0}, {"every": True}, {"every": 1.5}, {"every": "step"}, {"keep": 0}])
def test_wrong_arguments_are_named(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        ks.callbacks.ExactResume("x", **options)


def test_checkpoints_of_another_model(tmp_path):
    fitted(tmp_path, epochs=1)
    with pytest.raises(ValueError, match=r"step-\d+ is of another model.*shape \(2, 2\).*shape \(2, 3\)"):
        fitted(tmp_path, small(3))


def test_checkpoints_of_another_number_of_steps_at_a_time(tmp_path):
    x = np.ones((8, 2), "float32")
    data = tf.data.Dataset.from_tensor_slices((x, x[:, :1])).batch(2)
    with pytest.raises(KeyboardInterrupt):
        resume = ks.callbacks.ExactResume(tmp_path, every=3)
        small().fit(data, verbose=0, callbacks=[resume, Bomb(3)])
    with pytest.raises(ValueError, match="step 3 of an epoch.*steps_per_execution=2"):
        fitted(tmp_path, small(steps_per_execution=2), data)


def test_data_whose_chance_cannot_be_saved_is_refused_at_the_first_step(tmp_path):
    data = tf.data.Dataset.range(4).map(lambda k: (tf.random.uniform((2,)), tf.ones((1,)))).batch(2)
    with pytest.raises(ValueError, match="again: RandomUniform is stateful. Random numbers must.*stateless"):
        fitted(tmp_path, data=data)


def test_two_of_them_are_refused(tmp_path):
    both = [ks.callbacks.ExactResume(tmp_path / name) for name in "ab"]
    with pytest.raises(ValueError, match="expected one ExactResume"):
        small().fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0, callbacks=both)


def test_a_fit_without_it_is_left_alone_after_an_interruption(tmp_path):
    """Nothing of it stays in the model: every step of the next `fit` is made."""
    model, x = small(), np.ones((8, 2), "float32")
    for _ in range(2):  # the second one is interrupted while it passes over steps
        with pytest.raises(KeyboardInterrupt):
            resume = ks.callbacks.ExactResume(tmp_path, every=1)
            model.fit(x, x[:, :1], batch_size=2, verbose=0, callbacks=[resume, Bomb(3)])
    before = int(model.optimizer.iterations)
    model.fit(x, x[:, :1], batch_size=2, verbose=0)
    assert int(model.optimizer.iterations) == before + 4


def test_the_table_of_a_csv_logger_has_each_epoch_once(tmp_path):
    interrupted("language", tmp_path, 4, 16)
    PROGRAMS["language"](tmp_path, 4)
    epochs = [line.split(",")[0] for line in (tmp_path / "history.csv").read_text().splitlines()]
    assert epochs == ["epoch", "0", "1", "2"]


def test_a_checkpoint_can_be_read_by_people(tmp_path):
    interrupted("shuffled", tmp_path, 3, 10)
    training = json.loads((checkpoints(tmp_path)[-1] / "training.json").read_text())
    assert (training["epoch"], training["step"], training["total"]) == (1, 1, 9)


def test_checkpoints_are_taken_away_when_asked(tmp_path, capsys):
    resume = ks.callbacks.ExactResume(tmp_path / "a", every=1, delete_checkpoint=True)
    x = np.ones((4, 2), "float32")
    with pytest.raises(KeyboardInterrupt):
        small().fit(x, x[:, :1], batch_size=1, verbose=0, callbacks=[resume, Bomb(2)])
    assert (tmp_path / "a").exists()
    small().fit(x, x[:, :1], batch_size=1, verbose=2, callbacks=[resume])
    assert not (tmp_path / "a").exists()
    assert f"goes on from {tmp_path / 'a'}/step-000000000002: epoch 1, step 2" in capsys.readouterr().out


@pytest.mark.parametrize("guard_first", [False, True])
def test_beside_a_guard_of_numbers(guard_first, tmp_path):
    """Both stand between `fit` and its step; a batch that is left out is left out again."""
    x = np.random.default_rng(0).standard_normal((12, 2)).astype("float32")
    x[7] = np.nan

    def trained(folder, *others):
        keras.utils.set_random_seed(0)
        model = small()
        data = tf.data.Dataset.from_tensor_slices((x, x[:, :1])).shuffle(12, seed=1).batch(2)
        both = [ks.callbacks.ExactResume(folder, every=2), ks.callbacks.NumericsGuard("skip")]
        callbacks = [*(both[::-1] if guard_first else both), *others]
        history = model.fit(data, epochs=2, verbose=0, callbacks=callbacks).history
        return [weight.tolist() for weight in model.get_weights()], history

    with pytest.warns(UserWarning, match="left out"):
        whole = trained(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "parts", Bomb(9))
    assert trained(tmp_path / "parts") == whole
