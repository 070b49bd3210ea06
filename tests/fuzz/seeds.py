"""Small valid files to be damaged. Made anew for each campaign, the same bytes each time where a format allows it."""

import gzip
import io
import json
import struct
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from tests.fuzz.formats import zipped


def picture(kind: str, mode: str = "RGB", size=(23, 17), **options) -> bytes:
    """A picture of noise."""
    shape = (size[1], size[0]) if mode == "L" else (size[1], size[0], len(mode))
    noise = np.random.default_rng(0).integers(0, 256, shape).astype("uint8")
    file = io.BytesIO()
    Image.fromarray(noise, mode).save(file, kind, **options)
    return file.getvalue()


def animation(kind: str, frames: int = 3) -> bytes:
    first, *others = [
        Image.fromarray(np.random.default_rng(k).integers(0, 256, (12, 16, 3)).astype("uint8")) for k in range(frames)
    ]
    file = io.BytesIO()
    first.save(file, kind, save_all=True, append_images=others, duration=50)
    return file.getvalue()


def video(ending: str, codec: str) -> bytes:
    """Five frames of noise that moves."""
    import av

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"clip.{ending}"
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=5)
            stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
            noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype("uint8")
            for k in range(5):
                frame = av.VideoFrame.from_ndarray(np.roll(noise, k, axis=1), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path.read_bytes()


def idx(*shape: int) -> bytes:
    values = np.random.default_rng(0).integers(0, 256, shape).astype("uint8")
    return b"\0\0\x08" + bytes([len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + values.tobytes()


def npz(**arrays) -> bytes:
    return zipped([(f"{name}.npy", npy(array), zipfile.ZIP_DEFLATED) for name, array in arrays.items()])


def npy(array) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(array))
    return file.getvalue()


def compressed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def as_json(tree) -> bytes:
    return json.dumps(tree, indent=1).encode()


def of_path(write, name: str) -> bytes:
    """What a function writes to a path of this name."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / name)
        return (Path(folder) / name).read_bytes()


def of_folder(write) -> dict[str, bytes]:
    """All files that a function writes to a folder, by their paths in it."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "here")
        files = (path for path in sorted((Path(folder) / "here").rglob("*")) if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def keras_file(model) -> bytes:
    """A `.keras` file without the date that Keras writes into it."""
    data = of_path(model.save, "m.keras")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(info.filename, archive.read(info), info.compress_type) for info in archive.infolist()]
    facts = {name: content for name, content, _ in members}["metadata.json"]
    facts = json.dumps({**json.loads(facts), "date_saved": "2000-01-01@00:00:00"}).encode()
    return zipped([(name, facts if name == "metadata.json" else content, method) for name, content, method in members])
