"""Drawn scenes: what is drawn is what is said to be drawn; sets are seeded, lazy and balanced."""

import collections
import hashlib
import itertools
import pickle

import numpy as np
import pytest

from keras_seqcv.data import Scenes, Words, scenes
from tests.data.scene_oracle import COLORS, read_picture

# Of the box of each shape; a star is ten triangles between radii 1 and 0.45, in a box of 1.902 by 1.809.
AREAS = {
    "square": 1,
    "circle": np.pi / 4,
    "ring": np.pi / 4 * (1 - 0.5**2),
    "triangle": 0.5,
    "cross": 5 / 9,
    "star": 10 * 0.5 * 0.45 * np.sin(np.pi / 5) / (2 * np.sin(2 * np.pi / 5) * (1 + np.cos(np.pi / 5))),
}


class TestDrawing:
    @pytest.mark.parametrize(("image_size", "max_objects"), [(64, 3), (64, 6), (100, 4)])
    def test_objects_can_be_read_from_the_picture(self, image_size, max_objects):
        for scene in scenes(80, seed=11, image_size=image_size, max_objects=max_objects):
            seen = sorted(read_picture(scene.image))
            told = sorted((thing.shape, thing.color, thing.size) for thing in scene.objects)
            assert [thing[:3] for thing in seen] == told, scene
            boxes = {(thing.shape, thing.color, thing.size): thing.box for thing in scene.objects}
            for thing in seen:  # a sharp tip is too thin to be seen
                assert np.abs(np.subtract(thing.box, boxes[thing[:3]])).max() <= 0.02 * image_size + 1

    def test_a_box_holds_its_object_color_and_the_area_of_its_shape(self):
        fractions = collections.defaultdict(list)
        for scene in scenes(120, seed=2):
            picture, outside = scene.image.astype(float), np.ones((64, 64), bool)
            assert picture.shape == (64, 64, 3) and scene.image.dtype == np.uint8
            for thing in scene.objects:
                left, top, right, bottom = thing.box
                outside[top:bottom, left:right] = False
            background = np.median(picture[outside], axis=0)
            assert scene.image[outside].min() > 185  # all that is dark is in a box
            for thing in scene.objects:
                left, top, right, bottom = thing.box
                line = np.array(COLORS[thing.color]) - background
                covered = ((picture[top:bottom, left:right] - background) @ line / (line @ line)).clip(0, 1)
                fractions[thing.shape].append(covered.mean())
                # Each side of the box is reached.
                assert min(covered[0].max(), covered[-1].max(), covered[:, 0].max(), covered[:, -1].max()) > 0.1
        assert set(fractions) == set(AREAS)
        for shape, values in fractions.items():
            assert np.abs(np.array(values) - AREAS[shape]).max() < 0.09, shape
            assert abs(np.mean(values) - AREAS[shape]) < 0.03, shape

    def test_layout_is_clear(self):
        """In line or well apart, along both axes; a free pixel between any two; inside the picture; of two sizes."""
        for scene in scenes(300, seed=3, image_size=48, max_objects=6):
            for thing in scene.objects:
                left, top, right, bottom = thing.box
                assert 0 <= left < right <= 48 and 0 <= top < bottom <= 48
                assert (right - left) / 48 < 0.2 if thing.size == "small" else (right - left) / 48 > 0.22
                for coordinate in thing.center:  # clear of the borders between left, middle and right
                    assert min(abs(coordinate / 48 - third) for third in (1 / 3, 2 / 3)) > 0.08
            for a, b in itertools.combinations(scene.objects, 2):
                gaps = [max(a.box[i], b.box[i]) - min(a.box[i + 2], b.box[i + 2]) for i in (0, 1)]
                assert max(gaps) >= 1
                distances = [abs(p - q) / 48 for p, q in zip(a.center, b.center)]
                assert all(d < 0.12 or d > 0.19 for d in distances) and max(distances) > 0.19
                assert (a.shape, a.color, a.size) != (b.shape, b.color, b.size)

    def test_backgrounds_and_shades_differ(self):
        pictures = scenes(40, seed=4).images()
        corners = pictures[:, :3, :3].mean((1, 2))  # (N, 3)
        assert len(np.unique(corners.round(), axis=0)) == 40 and corners.std(0).min() > 4
        assert all(len(np.unique(picture[:3].reshape(-1, 3), axis=0)) > 50 for picture in pictures)  # grain

    def test_the_background_tells_nothing_about_the_objects(self):
        whole = scenes(600, seed=14)
        edges = np.array([scene.image[:2].mean((0, 1)) for scene in whole])  # (N, 3)
        for told in (
            [len(scene.objects) for scene in whole],
            [scene.objects[0].color == "red" for scene in whole],
            [scene.objects[0].center[0] for scene in whole],
        ):
            for channel in edges.T:
                assert abs(np.corrcoef(channel, told)[0, 1]) < 5 / np.sqrt(600)


class TestSets:
    def test_a_longer_set_begins_with_the_shorter(self):
        short, long = scenes(8, seed=5), scenes(20, seed=5)
        np.testing.assert_array_equal(short.images(), long.images()[:8])
        assert short.captions == long.captions[:8] and short.questions == long.questions[:8]
        assert [scene.objects for scene in short] == [scene.objects for scene in long[:8]]

    def test_indices_and_slices(self):
        whole = scenes(10, seed=6)
        assert len(whole) == 10 and isinstance(whole[2:9:3], Scenes)
        assert [scene.index for scene in whole[2:9:3]] == [2, 5, 8] and whole[2:9:3][-1].index == 8
        assert whole[-1].index == 9 and whole[np.int64(3)].index == 3
        np.testing.assert_array_equal(whole[2:9:3].images()[1], whole[5].image)
        assert whole[5:].captions[0] == whole[5].captions
        with pytest.raises(IndexError):
            whole[10]
        empty = scenes(0)
        assert len(empty) == 0 and empty.captions == [] and empty.images().shape == (0, 64, 64, 3)

    def test_nothing_is_made_before_it_is_asked_for(self):
        many = scenes(10**12, seed=7)
        assert len(many[5:]) == 10**12 - 5
        assert many[123_456_789_012].captions == many[123_456_789_000:][12].captions

    def test_seeds_have_nothing_in_common(self):
        # The last: seed and index must not run into each other where a seed takes two words.
        sets = [scenes(60, seed=seed) for seed in (0, 1, 2, 2**32, 2**32 + 1)]
        pictures = [scene.image.tobytes() for one in sets for scene in one]
        assert len(set(pictures)) == len(pictures)
        told = [str(one.captions) for one in sets]
        assert len(set(told)) == len(told)

    def test_parts_of_a_scene_do_not_depend_on_each_other(self):
        first, second = scenes(3, seed=8)[2], scenes(3, seed=8, captions=9, questions=1)[2]
        captions, questions, image = first.captions, first.questions, first.image
        np.testing.assert_array_equal(second.image, image)
        assert second.questions == questions[:1] and second.captions[:5] == captions
        restored = pickle.loads(pickle.dumps(scenes(3, seed=8)))[2]
        assert restored.captions == captions
        np.testing.assert_array_equal(restored.image, image)

    def test_the_layout_is_that_of_any_image_size(self):
        for small, large in zip(scenes(30, seed=9, max_objects=2), scenes(30, seed=9, max_objects=2, image_size=256)):
            assert [(t.shape, t.color, t.size) for t in small.objects] == [
                (t.shape, t.color, t.size) for t in large.objects
            ]
            boxes = [np.array([thing.box for thing in scene.objects]) / scene.image_size for scene in (small, large)]
            assert np.abs(boxes[0] - boxes[1]).max() < 2 / 64

    def test_scenes_are_those_of_every_machine(self):
        """Of texts and boxes; edges of shapes may differ a little with the version of Pillow."""
        whole = scenes(50, seed=2024, max_objects=6)
        told = repr([(scene.objects, scene.captions, scene.questions) for scene in whole])
        assert hashlib.sha256(told.encode()).hexdigest()[:16] == "14b482ff535951e0"
        assert whole[0].image[0].sum(dtype=int) == 44557  # background and grain

    def test_objects_are_balanced(self):
        whole, counts = scenes(2000, seed=10), collections.defaultdict(collections.Counter)
        for scene in whole:
            counts["number"][len(scene.objects)] += 1
            for thing in scene.objects:
                for attribute in ("shape", "color", "size"):
                    counts[attribute][getattr(thing, attribute)] += 1
                counts["cell"][tuple(int(3 * z / 64) for z in thing.center)] += 1
        for name, different in {"number": 3, "shape": 6, "color": 7, "size": 2, "cell": 9}.items():
            found = np.array(list(counts[name].values()))
            share, total = 1 / different, found.sum()
            assert len(found) == different
            # Five standard deviations; objects of a scene are alike now and then, which makes them wider.
            assert np.abs(found / total - share).max() < 5 * 1.5 * np.sqrt(share * (1 - share) / total), counts[name]
        shared = [len({t.shape for t in s.objects}) < len(s.objects) for s in whole if len(s.objects) == 3]
        assert 0.3 < np.mean(shared) < 0.8  # there is something to count

    def test_words_are_few_and_survive_a_vocabulary(self):
        whole = scenes(100, seed=12, max_objects=6)
        captions = [caption for some in whole.captions for caption in some]
        vocabulary = Words(captions)
        assert len(vocabulary.tokens) - 4 < 60
        for caption in captions:
            assert vocabulary.decode(vocabulary.encode(caption)) == caption


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"count": -1}, ValueError, "`count` must be at least 0, received -1"),
        ({"count": 2.0}, TypeError, "`count` must be an int, received float 2.0"),
        ({"count": "3"}, TypeError, "`count` must be an int, received str '3'"),
        ({"count": True}, TypeError, "`count` must be an int, received bool True"),
        ({"seed": None}, TypeError, "`seed` must be an int, received NoneType None"),
        ({"seed": -5}, ValueError, "`seed` must be at least 0, received -5"),
        ({"image_size": 47}, ValueError, "`image_size` must be from 48 to 1024, received 47"),
        ({"image_size": 10**6}, ValueError, "`image_size` must be from 48 to 1024, received 1000000"),
        ({"image_size": (64, 64)}, TypeError, r"`image_size` must be an int, received tuple \(64, 64\)"),
        ({"max_objects": 0}, ValueError, "`max_objects` must be from 1 to 6, received 0"),
        ({"max_objects": 7}, ValueError, "`max_objects` must be from 1 to 6, received 7"),
        ({"captions": -1}, ValueError, "`captions` must be from 0 to 20, received -1"),
        ({"captions": 21}, ValueError, "`captions` must be from 0 to 20, received 21"),
        ({"questions": 99}, ValueError, "`questions` must be from 0 to 20, received 99"),
        ({"questions": ["count"]}, TypeError, r"`questions` must be an int, received list \['count'\]"),
    ],
)
def test_bad_input(arguments, error, named):
    with pytest.raises(error, match=f"^{named}$"):
        scenes(**{"count": 1, **arguments})


def test_extreme_arguments_are_served():
    for most in (1, 6):
        for scene in scenes(6, seed=np.uint8(13), image_size=48, max_objects=most, captions=20, questions=20):
            assert len(set(scene.captions)) == len({question for question, _, _ in scene.questions}) == 20
    assert scenes(2, captions=0, questions=0).captions == scenes(2, captions=0, questions=0).questions == [[], []]
