"""Readers of pictures, clips and sets of pictures."""

import functools

import numpy as np

import keras_seqcv as ks
from tests.fuzz import seeds
from tests.fuzz.formats import changed_gzip, changed_zip
from tests.fuzz.reader import Reader, one

_PICTURES = {
    "avif": ("AVIF", {}), "bmp": ("BMP", {}), "gif": ("GIF", {}), "jpg": ("JPEG", {}), "jp2": ("JPEG2000", {}),
    "png": ("PNG", {}), "ppm": ("PPM", {}), "tif": ("TIFF", {"compression": "tiff_lzw"}), "webp": ("WEBP", {}),
}  # fmt: skip
_ANIMATIONS = {"gif": "GIF", "webp": "WEBP", "apng": "PNG"}
_VIDEOS = {"mp4": "mpeg4", "avi": "mpeg4", "mkv": "mpeg4", "webm": "libvpx"}


def _idx(packed: bool) -> list:
    pictures, ending = seeds.idx(6, 8, 8), "-idx3-ubyte"
    files = {f"here/train-images{ending}": pictures, "here/train-labels-idx1-ubyte": seeds.idx(6)}
    if packed:
        files = {f"{name}.gz": seeds.compressed(data) for name, data in files.items()}
    return [(files, "here")]


def _npz() -> bytes:
    return seeds.npz(images=np.zeros((4, 8, 8), "uint8"), labels=np.array([0, 1, 2, 2]))


def _frames() -> list:
    return [({f"here/{k}.png": seeds.picture("PNG") for k in range(3)}, "here")]


def _made(function, *arguments, **options):
    return functools.partial(function, *arguments, **options)


READERS = [
    Reader("IDX pictures", lambda: _idx(False), ks.data.read_labelled_images),
    Reader("IDX pictures, gzip", lambda: _idx(True), ks.data.read_labelled_images, changed_gzip),
    Reader("pictures, npz", one("case.npz", _npz), ks.data.read_labelled_images, changed_zip),
    *(
        Reader(f"picture, {kind}", one(f"case.{end}", _made(seeds.picture, kind, **options)), ks.data.load_image)
        for end, (kind, options) in _PICTURES.items()
    ),
    *(
        Reader(f"animation, {kind}", one(f"case.{end}", _made(seeds.animation, kind)), ks.data.load_video)
        for end, kind in _ANIMATIONS.items()
    ),
    Reader("frames", _frames, ks.data.load_video),
    *(
        Reader(f"video, {end}", one(f"case.{end}", _made(seeds.video, end, codec)), ks.data.load_video)
        for end, codec in _VIDEOS.items()
    ),
]
