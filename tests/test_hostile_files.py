"""Archives, models and arrays that were made to do harm: each is refused, by its name, before it does."""

import functools
import io
import json
import stat
import subprocess
import sys
import zipfile
import zlib

import h5py
import keras
import numpy as np
import pytest

import keras_seqcv as ks
from keras_seqcv.models import efficientnet_lite, image_features, weight_budget

MEGABYTES = 600  # what a refusal may take: none needs a tenth of it, all would take gigabytes without a guard
WATCHED = """
import resource, sys
from pathlib import Path
import keras_seqcv as ks
from keras_seqcv.models import efficientnet_lite
def memory(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) >> 10
before = memory("VmRSS")
for call in sys.argv[1:]:
    try:
        eval(call)
        print("loaded")
    except (ValueError, OSError) as error:
        print(str(error).replace(chr(10), " "))
print(memory("VmHWM") - before)
"""


def watched(*calls: str) -> tuple[list[str], int]:
    """What each call says, one line for each, and the megabytes that they took at most, in a process of their own."""
    child = subprocess.run([sys.executable, "-c", WATCHED, *calls], capture_output=True, text=True, timeout=300)
    assert child.returncode == 0, child.stderr[-2000:]
    *said, taken = child.stdout.strip().splitlines()
    return said, int(taken)


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    """Those of a small `.keras` file."""
    path = tmp_path_factory.mktemp("keras") / "small.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="d")]).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive(path, members, **added):
    """A zip archive of these members; a value may be (ZipInfo, content)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in {**members, **added}.items():
            file.writestr(*content) if isinstance(content, tuple) else file.writestr(name, content)
    return path


def refused(path, words="", load=ks.models.load_model):
    with pytest.raises(ValueError, match=words) as error:
        load(path)
    assert str(path) in str(error.value)


def with_layer(members, **layer):
    config = json.loads(members["config.json"])
    config["config"]["layers"][1].update(layer)
    return {**members, "config.json": json.dumps(config)}


def spec(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "assets/../../x", "C:\\x", "\\\\host\\x", "assets/..\\..\\x"])
def test_members_that_lead_out(tmp_path, members, name):
    refused(archive(tmp_path / "out.keras", {**members, name: b"x"}), "leads out of the archive")
    assert [path.name for path in tmp_path.iterdir()] == ["out.keras"]


def test_links_in_archives(tmp_path, members):
    link = zipfile.ZipInfo("assets/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(archive(tmp_path / "link.keras", {**members, "link": (link, "/etc/passwd")}), "symbolic link")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name(tmp_path, members):
    path = archive(tmp_path / "twice.keras", members)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("config.json", "{}")
    refused(path, "there twice")


def test_members_in_one_place(tmp_path, members):
    path = archive(tmp_path / "overlap.keras", members, a=b"\0" * 10**6, b=b"\0" * 10**6)
    data, second = bytearray(path.read_bytes()), zipfile.ZipFile(path).getinfo("b").header_offset
    first = zipfile.ZipFile(path).getinfo("a").header_offset
    entry = data.rindex(b"PK\1\2")  # of "b", the last in the directory
    assert int.from_bytes(data[entry + 42 : entry + 46], "little") == second
    data[entry + 42 : entry + 46] = first.to_bytes(4, "little")
    path.write_bytes(data)
    refused(path)


@pytest.mark.parametrize(("kind", "words"), [(zipfile.ZIP_BZIP2, "method 12"), (zipfile.ZIP_LZMA, "method 14")])
def test_unusual_packing(tmp_path, members, kind, words):
    path = tmp_path / "packed.keras"
    with zipfile.ZipFile(path, "w", kind) as file:
        for name, content in members.items():
            file.writestr(name, content)
    refused(path, words)


@pytest.mark.parametrize("module", ["os", "subprocess", "builtins", "posix", "shutil", "keras.src.utils.file_utils"])
@pytest.mark.parametrize("place", ["layer", "activation", "initializer"])
def test_classes_from_elsewhere(tmp_path, members, module, place):
    name = {"os": "system", "subprocess": "Popen", "builtins": "eval", "shutil": "rmtree"}.get(module, "system")
    changed = {"module": module, "class_name": name, "registered_name": name, "config": {"args": ["touch", "x"]}}
    config = json.loads(members["config.json"])["config"]["layers"][1]["config"]
    if place != "layer":
        changed = {"config": {**config, {"initializer": "kernel_initializer"}.get(place, place): spec(module, name)}}
    refused(archive(tmp_path / "class.keras", with_layer(members, **changed)), "cannot be loaded")


def test_functions_in_a_config(tmp_path, members):
    marshalled = {"class_name": "__lambda__", "config": {"code": "4wAAAAA=", "defaults": None, "closure": None}}
    config = json.loads(members["config.json"])["config"]["layers"][1]["config"]
    for changed, words in (
        ({"class_name": "Lambda", "config": {"name": "d", "function": marshalled}}, "[Ll]ambda"),
        ({"config": {**config, "activation": marshalled}}, "[Ll]ambda"),
        ({"class_name": "TFSMLayer", "config": {"name": "d", "filepath": "/tmp"}}, "TFSMLayer"),
        ({"module": "keras.utils", "class_name": "function", "config": "get_file"}, "get_file"),
    ):
        refused(archive(tmp_path / "code.keras", with_layer(members, **changed)), words)


def test_a_vocabulary_that_is_a_file_of_the_reader(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("one\ntwo\n")
    words = keras.layers.StringLookup(vocabulary=["a", "b"])
    model = keras.Sequential([keras.Input((), dtype="string"), words, keras.layers.Embedding(3, 2)])
    model.save(tmp_path / "words.keras")
    with zipfile.ZipFile(tmp_path / "words.keras") as file:
        members = {name: file.read(name) for name in file.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1]["config"]["vocabulary"] = str(secret)
    refused(archive(tmp_path / "stolen.keras", {**members, "config.json": json.dumps(config)}))


def test_an_older_format_behind_a_zip_archive(tmp_path, members):
    refused(archive(tmp_path / "old.h5", members), "ends in .keras")


@functools.cache
def zeros() -> tuple[bytes, int, int]:
    """A gigabyte of zeros as a deflated stream, its CRC-32 and its length."""
    packer = zlib.compressobj(9, wbits=-15)
    begin = packer.compress(bytes(10**7)) + packer.flush(zlib.Z_FULL_FLUSH)  # each piece stands for itself
    crc = 0
    for _ in range(100):
        crc = zlib.crc32(bytes(10**7), crc)
    return begin * 100 + packer.flush(), crc, 10**9


def bomb(path, members, name):
    """An archive with a member of a gigabyte, all of it zeros."""
    packed, crc, size = zeros()
    archive(path, {other: content for other, content in members.items() if other != name})
    with zipfile.ZipFile(path, "a") as file:
        info = zipfile.ZipInfo(name)
        info.compress_type, info.CRC, info.file_size, info.compress_size = zipfile.ZIP_DEFLATED, crc, size, len(packed)
        info.header_offset = file.start_dir
        file.fp.seek(file.start_dir)
        file.fp.write(info.FileHeader() + packed)
        file.start_dir = file.fp.tell()
        file.filelist.append(info)
        file.NameToInfo[name] = info
        file._didModify = True
    return path


def hdf5(path, **options):
    """An HDF5 file with an array that promises more than there is, where a layer's kernel should be."""
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/d/vars/0", (2**20, 2**20), "float32", **options)
        file.create_dataset("layers/d/vars/1", data=np.zeros(2, "float32"))
    return path.read_bytes()


def test_bombs_take_no_memory(tmp_path, members):
    """Archives of zeros, HDF5 of terabytes, configs of huge layers, arrays of huge shapes."""
    calls, weights = [], "model.weights.h5"
    for name in ("config.json", "metadata.json", weights, "assets/a.txt"):
        path = bomb(tmp_path / f"bomb_{name.replace('/', '_')}.keras", members, name)
        calls.append(f"ks.models.load_model({str(path)!r})")
    for number, options in enumerate(({}, {"chunks": (64, 64), "compression": "gzip"})):
        content = hdf5(tmp_path / "w.h5", **options)
        path = archive(tmp_path / f"terabytes{number}.keras", {**members, weights: content})
        calls.append(f"ks.models.load_model({str(path)!r})")
    config = json.loads(members["config.json"])
    config["config"]["layers"][0]["config"]["batch_shape"] = [None, 2**16]
    config["config"]["layers"][1]["build_config"] = {"input_shape": [None, 2**16]}
    config["config"]["layers"][1]["config"]["units"] = 2**20
    path = archive(tmp_path / "units.keras", {**members, "config.json": json.dumps(config)})
    calls.append(f"ks.models.load_model({str(path)!r})")
    for name, header in (("big", (2**60,)), ("wide", (2**31, 2**31))):
        file = io.BytesIO()
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": header})
        path = archive(tmp_path / f"{name}.npz", {"images.npy": file.getvalue(), "labels.npy": file.getvalue()})
        calls += [f"ks.data.read_labelled_images({str(path)!r})", f"ks.inspection.load_recording({str(path)!r})"]
        calls.append(f"efficientnet_lite._read_arrays(Path({str(path)!r}), {{}})")
    path = bomb(tmp_path / "zeros.npz", {}, "images.npy")
    calls.append(f"ks.data.read_labelled_images({str(path)!r})")
    said, taken = watched(*calls)
    assert len(said) == len(calls)
    for call, words in zip(calls, said):
        assert words != "loaded", call
        named = call.split("'")[1]
        assert named in words or "_read_arrays" in call, (call, words)
    assert taken < MEGABYTES, (taken, said)


@pytest.mark.parametrize("link", [h5py.SoftLink("/other"), h5py.ExternalLink("/etc/passwd", "/")])
def test_links_in_hdf5(tmp_path, members, link):
    path = tmp_path / "linked.h5"
    with h5py.File(path, "w") as file:
        file["layers/d/vars/0"] = link
        file["tokens"] = np.frombuffer(b"[]", "uint8")
    refused(archive(tmp_path / "link.keras", {**members, "model.weights.h5": path.read_bytes()}), "Link")
    refused(path, "Link", ks.inspection.load_recording)
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="d")])
    refused(path, "Link", lambda place: efficientnet_lite.load_weights(network, place))


def test_data_of_other_files_in_hdf5(tmp_path, members):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(range(16)))
    for name in ("external", "virtual"):
        path = tmp_path / f"{name}.h5"
        with h5py.File(path, "w") as file:
            if name == "external":
                file.create_dataset("a", (16,), "uint8", external=[(str(secret), 0, 16)])
            else:
                layout = h5py.VirtualLayout((16,), "uint8")
                layout[:] = h5py.VirtualSource(str(secret), "a", (16,))
                file.create_virtual_dataset("a", layout)
        refused(path, "another file", ks.inspection.load_recording)
        kept = archive(tmp_path / f"{name}.keras", {**members, "model.weights.h5": path.read_bytes()})
        refused(kept, "another file")


def test_a_group_that_holds_itself(tmp_path):
    path = tmp_path / "loop.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("a")
        group["b"] = group
    refused(path, load=ks.inspection.load_recording)


class Touch:
    """Pickled, it makes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_objects_in_arrays_are_not_loaded(tmp_path):
    made, path = tmp_path / "made", tmp_path / "objects.npz"
    objects = np.array([Touch(str(made))], dtype=object)
    np.savez(path, images=objects, labels=objects, tokens=objects)
    np.save(tmp_path / "objects.npy", objects)
    refused(path, "pickle", ks.data.read_labelled_images)
    refused(path, "pickle", ks.inspection.load_recording)
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="d")])
    refused(path, "pickle|missing", lambda place: efficientnet_lite.load_weights(network, place))
    refused(tmp_path / "objects.npy", "pickle", lambda p: image_features._opened(p, (1,), "float32"))
    assert not made.exists()
    np.load(path, allow_pickle=True)["images"]  # as it would
    assert made.exists()


@pytest.mark.parametrize("depth", [5000, 100_000])
def test_json_that_is_nested_too_deeply(tmp_path, members, depth):
    deep = "[" * depth + "]" * depth
    path = tmp_path / "deep.json"
    for text in (deep, f'{{"images": {deep}, "annotations": []}}'):
        path.write_text(text)
        refused(path, load=ks.data.read_captions)
        refused(path, load=lambda place: ks.data.read_questions(place, place))
    with pytest.raises(ValueError, match="vocabulary"):
        ks.data.vocabulary_from_json(f'{{"class_name": "Words", "config": {deep}}}')
    refused(archive(tmp_path / "deep.keras", {**members, "config.json": f'{{"a": {deep}}}'}))


def test_weights_of_other_threads_have_no_limit():
    """The limit is that of the thread that loads, and afterwards nothing is left of it."""
    import threading

    own, made = keras.Variable._initialize_with_initializer, []
    with weight_budget.weights_up_to(0):
        thread = threading.Thread(target=lambda: made.append(keras.Variable("zeros", shape=(2**25,))))
        thread.start()
        thread.join()
        with pytest.raises(ValueError, match="a weight of shape .33554432,.*128 MB"):
            keras.Variable("zeros", shape=(2**25,))
        keras.Variable("zeros", shape=(2**20,))
    assert made[0].shape == (2**25,)
    assert keras.Variable._initialize_with_initializer is own
    keras.Variable("zeros", shape=(2**25,))


def test_keras_makes_weights_where_the_limit_is():
    """The one private name of Keras that the limit goes by."""
    import inspect

    assert list(inspect.signature(keras.Variable._initialize_with_initializer).parameters) == ["self", "initializer"]
    with weight_budget.weights_up_to(0), pytest.raises(ValueError, match="the file has 0 MB"):
        keras.layers.LSTM(2**12).build((None, None, 2**12))
