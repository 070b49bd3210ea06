"""The clips of this application: drawn moving scenes, GRID's films of a mouth, or what a folder or table holds."""

import dataclasses
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import PIL.Image

import keras_seqcv as ks

GRID_FRAMES, GRID_SIZE = 75, (32, 64)
SILENCE = "sil"


@dataclasses.dataclass
class Clips:
    """Clips for training and those held out, each with one label, and with a label for each frame or None."""

    size: tuple
    whole: tuple  # (train, test), `LabelledVideos`
    frames: tuple | None
    rest: str | None = None  # the label of frames in which nothing happens


def moving(count, test_count=800, frames=(12, 20)) -> Clips:
    """Drawn scenes; those held out have another seed."""
    whole, framewise = [], []
    for seed, number in ((1, count), (2, test_count)):
        scenes = ks.data.moving_scenes(number, seed=seed, frames=frames)
        places = [f"scene {k}" for k in range(number)]
        clips = list(scenes)
        whole.append(ks.data.LabelledVideos(clips, scenes.labels, places))
        framewise.append(ks.data.LabelledVideos(clips, scenes.frame_labels, places))
    return Clips((32, 32), tuple(whole), tuple(framewise), "still")


def grid(folder: Path, held_out=200, seed=0) -> Clips:
    """One speaker of GRID: 75 grey frames of the mouth in one JPEG, from top to bottom; words with their frames.

    The label of a clip is its command, the first word: bin, lay, place or set. That of a frame is the word that is
    spoken, or "sil".
    """
    spoken, clips = json.loads((folder / "grid_s1_align.json").read_text()), {}
    with tarfile.open(folder / "grid_s1_mouth_64x32x75.tar") as archive:
        for member in archive:
            if member.isfile():
                strip = np.asarray(PIL.Image.open(io.BytesIO(archive.extractfile(member).read())).convert("L"))
                clips[Path(member.name).stem] = strip.reshape(GRID_FRAMES, *GRID_SIZE)
    names = sorted(clips)
    order = np.random.default_rng(seed).permutation(len(names))
    parts = [[names[k] for k in sorted(some)] for some in (order[held_out:], order[:held_out])]
    whole, frames = [], []
    for part in parts:
        films = [clips[name] for name in part]
        segments = [words_of(spoken[name]) for name in part]
        commands = [next(word for _, _, word in some if word != SILENCE) for some in segments]
        whole.append(ks.data.LabelledVideos(films, commands, part))
        frames.append(ks.data.LabelledVideos(films, segments, part, rest=SILENCE))
    return Clips(GRID_SIZE, tuple(whole), tuple(frames), SILENCE)


def words_of(alignment) -> list:
    """(start, end, word) of what is spoken; a pause between words ("sp") is silence, and some take no frame."""
    rows = [(start, min(end, GRID_FRAMES), SILENCE if word == "sp" else word) for start, end, word in alignment]
    return [row for row in rows if row[0] < row[1]]


def files(path: Path, size, rest=None, held_out=0.2, seed=0) -> Clips:
    """Clips of a folder or a table; some are held out by chance. A table of what happens when labels frames alone."""
    some = ks.data.read_labelled_videos(path, rest=rest)
    order = np.random.default_rng(seed).permutation(len(some))
    count = max(1, round(held_out * len(some)))
    parts = tuple(some.chosen(sorted(int(k) for k in numbers)) for numbers in (order[count:], order[:count]))
    return Clips(size, None, parts, rest) if some.per_step else Clips(size, parts, None, rest)
