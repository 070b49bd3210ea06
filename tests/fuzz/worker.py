"""A process that reads damaged files, one after the other, and says what came of each. Watched by `watch`."""

import base64
import contextlib
import importlib
import json
import os
import resource
import shutil
import sys
import time
import warnings
from pathlib import Path

from tests.fuzz.reader import case

# What a reader may say of a file; each has to name it.
ACCEPTED = (ValueError, TypeError, OSError)


def main() -> None:
    """Reads orders, a JSON object on each line, and answers on standard output."""
    folder = Path(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print goes to the log
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for threads in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(threads, "1")  # more workers are more use than more threads
    warnings.simplefilter("ignore")
    readers = importlib.import_module(sys.argv[2]).READERS
    made = {}
    answer(answers, ready=True, memory=_status("VmRSS"))
    for line in sys.stdin:
        order = json.loads(line)
        reader = readers[order["reader"]]
        if order["reader"] not in made:
            made[order["reader"]] = seeds_of(reader, folder)
        files, entry = case(reader, made[order["reader"]], order["seed"], order["number"])
        place = folder / f"worker{os.getpid()}" / f"case{order['number']}"
        for name, content in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
        before = _status("VmRSS")
        _forget_peak()
        answer(answers, start=True, place=str(place), memory=before)
        answer(answers, **outcome(reader, place, entry, files), memory=_status("VmHWM") - before)
        if order.get("forget", True):
            shutil.rmtree(place)


def seeds_of(reader, folder: Path) -> list:
    """The seeds of a reader, made once for all workers: some need seconds."""
    place = folder / f"seeds_{reader.name.encode().hex()}"
    if not place.exists():
        own = place.with_name(f"{place.name}.{os.getpid()}")
        made = [({n: base64.b64encode(data).decode() for n, data in some.items()}, e) for some, e in reader.seeds()]
        own.write_text(json.dumps(made))
        os.replace(own, place)
    made = json.loads(place.read_text())
    return [({n: base64.b64decode(data) for n, data in some.items()}, entry) for some, entry in made]


def outcome(reader, place: Path, entry: str, files) -> dict:
    """{"outcome": "loaded" | "refused" | "finding", "words", "seconds"} of one case."""
    began, words, kind = time.perf_counter(), "", "loaded"
    try:
        reader.read(place / entry)
    except ACCEPTED as error:
        words = f"{type(error).__name__}: {error}"
        kind = "refused" if _is_told(str(error), reader, place, [entry, *files]) else "finding"
    except BaseException as error:  # nothing else may come out of a reader
        words, kind = f"{type(error).__name__}: {error}", "finding"
    return {"outcome": kind, "words": words[:2000], "seconds": time.perf_counter() - began}


def _is_told(words: str, reader, place: Path, names) -> bool:
    return bool(words.strip()) and (not reader.named or any(str(place / name) in words for name in names))


def answer(file, **content) -> None:
    with contextlib.suppress(BrokenPipeError):
        file.write(json.dumps(content) + "\n")


def _status(field: str) -> int:
    """Bytes of memory, as the kernel counts them: "VmRSS" now, "VmHWM" at most."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    main()
