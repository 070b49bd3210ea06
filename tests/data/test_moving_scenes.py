"""Moving scenes: labels are true of the pictures, and a frame by itself says nothing of them."""

import numpy as np
import pytest

import keras_seqcv as ks
from keras_seqcv.data.scene_motions import MOTIONS

WAYS = {(-1, 0): "left", (1, 0): "right", (0, -1): "up", (0, 1): "down"}


def ink(frames):
    """Where objects are: colours have a channel that is dark, the background has none. (T, H, W) bool."""
    return frames.min(-1) < 130


def shift_between(one, other, most=4):
    """(x, y) by which one mask has to be rolled to be most like the other; the nearer one of equals."""
    shifts = [(x, y) for x in range(-most, most + 1) for y in range(-most, most + 1)]
    shifts.sort(key=lambda s: abs(s[0]) + abs(s[1]))
    return min(shifts, key=lambda s: (np.roll(one, (s[1], s[0]), (0, 1)) != other).sum())


def seen_labels(frames):
    """Labels of frames as the pictures have them, of a clip with one object, or one beside another that is still."""
    masks, labels, before = ink(frames), ["still"], None
    for one, other in zip(masks, masks[1:]):
        x, y = shift_between(one, other)
        grown = int(other.sum()) - int(one.sum())
        if abs(grown) > 4:
            labels.append("appears" if grown > 0 else "disappears")
        elif (x, y) == (0, 0):
            labels.append("still")
        else:
            way = (int(np.sign(x)), int(np.sign(y)))
            turned = before is not None and way == (-before[0], -before[1])
            labels.append("bounces" if turned else WAYS[way])
            before = way
    return labels


def test_labels_are_true_of_the_pictures():
    told = {name: 0 for name in MOTIONS}
    for scene in ks.data.moving_scenes(200, seed=3):
        events = scene.label in ("appears", "disappears")
        if len(scene.objects) == 1 or events:
            if events and not apart(scene):
                continue
            assert seen_labels(scene.frames) == scene.frame_labels, scene
            told[scene.label] += 1
    assert min(told.values()) >= 8


def apart(scene):
    """Whether the two objects cover nothing of each other."""
    there = [np.zeros((32, 32), bool) for _ in scene.objects]
    for mask, thing in zip(there, scene.objects):
        left, top, right, bottom = thing.box
        mask[np.ix_(np.arange(top, bottom) % 32, np.arange(left, right) % 32)] = True
    return not (there[0] & there[1]).any()


def test_a_frame_says_nothing():
    """How many objects are seen, and where the one in front is, is as likely under each label."""
    places, counts = {name: [] for name in MOTIONS}, {name: [] for name in MOTIONS}
    for scene in ks.data.moving_scenes(8000, seed=5):
        motion = scene._motion
        left = scene.objects[0].box[0] + np.round(motion.offsets[:, 0] * 32)
        top = scene.objects[0].box[1] + np.round(motion.offsets[:, 1] * 32)
        turns = np.exp(2j * np.pi * np.stack([left, top]) / 32)  # a circle: 0 and 32 are one
        places[scene.label].append(turns.mean(1))
        counts[scene.label].append((len(scene.objects) - 1 + motion.visible).mean())
    for name in MOTIONS:
        assert np.mean(counts[name]) == pytest.approx(1.5, abs=0.06), name
        assert np.abs(np.mean(places[name], axis=0)).max() < 0.09, name


def test_clips_depend_on_seed_and_number_alone():
    few, many = ks.data.moving_scenes(5, seed=1), ks.data.moving_scenes(9, seed=1)
    for k in range(5):
        np.testing.assert_array_equal(few[k].frames, many[k].frames)
    assert many[3:].labels == list(many.labels[3:]) and many[-1].index == 8
    assert (few[0].frames[:8] != ks.data.moving_scenes(5, seed=2)[0].frames[:8]).any()
    assert [scene.label for scene in ks.data.moving_scenes(10)] == [*MOTIONS, *MOTIONS[:2]]
    assert few.frame_labels[1] == few[1].frame_labels and len(few[1].frame_labels) == len(few[1])
    lengths = {len(scene) for scene in ks.data.moving_scenes(300, frames=(9, 11))}
    assert lengths == {9, 10, 11} and len(ks.data.moving_scenes(1, frames=20)[0]) == 20
    # A larger picture shows the same.
    assert ks.data.moving_scenes(9, image_size=64)[5].frames.shape[1:] == (64, 64, 3)


def test_every_object_is_there_and_moves_on():
    for scene in ks.data.moving_scenes(40, seed=7, image_size=48):
        assert ink(scene.frames).any((1, 2)).all()
        assert repr(scene).count(" a ") >= len(scene.objects) - 1 and str(scene.index) in repr(scene)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"count": -1}, ValueError, "`count` must be at least 0, received -1"),
        ({"count": 2.0}, TypeError, "`count` must be an int"),
        ({"image_size": 20}, ValueError, "`image_size` must be from 24 to 1024"),
        ({"frames": 7}, ValueError, "`frames` must be from 8 to 1000, received 7"),
        ({"frames": (12, 9)}, ValueError, r"`frames` must be \(least, most\)"),
        ({"frames": "12"}, TypeError, "`frames` must be an int or"),
    ],
)
def test_bad_input(options, error, message):
    with pytest.raises(error, match=message):
        ks.data.moving_scenes(**{"count": 3, **options})
