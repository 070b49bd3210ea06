"""Kill trainings at random moments, run them again, and compare what they leave with a training that was left alone.

`python -m tests.resume.kills --kills 200` prints a table: of each program the kills, those in the middle of the
writing of a checkpoint, the checkpoints that were looked at after kills and those that could not be read, and how many
trainings ended as the undisturbed one. Exits with 1 if one did not.
"""

import argparse
import json
import multiprocessing
import os
import random
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

from tqdm import tqdm

from keras_seqcv.callbacks.resume_files import ResumeFiles
from keras_seqcv.callbacks.training_arrays import load_arrays
from tests.resume.programs import PROGRAMS

_COLUMNS = ("trainings", "the same", "kills", "while writing", "checkpoints", "unreadable")
_TEMPORARY = re.compile(r"\.[0-9a-f]{8}\.")


def processes():
    """What starts processes in which TensorFlow has been imported, but not used."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.resume.programs"])
    first = context.Process(target=print)  # the imports take their time once, and here
    first.start()
    first.join()
    return context


def program(name: str, folder: str, every: int, epochs: int) -> None:
    """What a process runs."""
    from tests.resume.programs import run

    with Path(folder, "log.txt").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    run(name, folder, every, epochs)


def undisturbed(context, name: str, every: int, epochs: int) -> tuple[str, float]:
    """The digest of a training, and its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        child = context.Process(target=program, args=(name, folder, every, epochs))
        child.start()
        child.join()
        if child.exitcode:
            raise SystemExit(f"{name} ended with {child.exitcode}:\n{Path(folder, 'log.txt').read_text()[-4000:]}")
        return Path(folder, "digest").read_text(), time.monotonic() - start


def disturbed(context, name: str, every: int, epochs: int, waits) -> dict:
    """A training that is killed after each of these seconds, and left alone at last."""
    result = {"kills": 0, "while writing": 0, "checkpoints": 0, "unreadable": 0}
    with tempfile.TemporaryDirectory() as folder:
        for wait in [*waits, None]:
            child = context.Process(target=program, args=(name, folder, every, epochs))
            child.start()
            child.join(wait)
            if child.exitcode is None:
                os.kill(child.pid, signal.SIGKILL)
                child.join()
                result["kills"] += 1
                result["while writing"] += _is_writing(Path(folder))
                readable = [_is_readable(Path(folder), path) for path in _checkpoints(Path(folder))]
                result["checkpoints"] += len(readable)
                result["unreadable"] += readable.count(False)
            elif child.exitcode:
                log = Path(folder, "log.txt").read_text()[-4000:]
                return {**result, "digest": f"ended with {child.exitcode}:\n{log}"}
            elif wait is not None:
                break  # it came to its end before
        return {**result, "digest": Path(folder, "digest").read_text()}


def _is_writing(folder: Path) -> bool:
    """Whether the killed process has left the beginning of a checkpoint."""
    resume = folder / "resume"
    return resume.is_dir() and any(_TEMPORARY.match(path.name) for path in resume.iterdir())


def _checkpoints(folder: Path) -> list[str]:
    return ResumeFiles(folder / "resume", 1).names()


def _is_readable(folder: Path, name: str) -> bool:
    files = ResumeFiles(folder / "resume", 1)
    try:
        files.check(name)
        for kind in ("variables", "callbacks"):
            load_arrays(files.path(name) / f"{kind}.bin")
        json.loads((files.path(name) / "training.json").read_text())
    except (OSError, ValueError):
        return False
    return True


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--programs", nargs="+", default=list(PROGRAMS), choices=list(PROGRAMS))
    parser.add_argument("--every", type=int, default=1, help="steps from checkpoint to checkpoint")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--in-a-row", type=int, default=5, help="kills of one training")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    context, chance = processes(), random.Random(args.seed)
    whole = {name: undisturbed(context, name, args.every, args.epochs) for name in args.programs}
    rows = {name: dict.fromkeys(_COLUMNS, 0) for name in args.programs}
    wrong = []
    with tqdm(total=args.kills, unit="kill", file=sys.stderr) as bar:
        while bar.n < args.kills:
            name = args.programs[sum(row["trainings"] for row in rows.values()) % len(args.programs)]
            digest, seconds = whole[name]
            count = min(args.in_a_row, args.kills - bar.n)
            found = disturbed(
                context, name, args.every, args.epochs, [chance.uniform(0, seconds) for _ in range(count)]
            )
            row = rows[name]
            row["trainings"] += 1
            row["the same"] += found["digest"] == digest
            for column in _COLUMNS[2:]:
                row[column] += found[column]
            bar.update(found["kills"])
            if found["digest"] != digest:
                wrong.append(f"{name}: {found['digest']}")
    print("\n| training | " + " | ".join(_COLUMNS) + " |\n|---" + "|---:" * len(_COLUMNS) + "|")
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join(str(value) for value in row.values()) + " |")
    print(*wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
