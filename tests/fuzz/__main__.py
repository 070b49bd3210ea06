"""`python -m tests.fuzz --cases 20000 --seed 1`: damaged files for every reader of the package, and a table."""

import argparse
import collections
import concurrent.futures
import queue
import sys
import tempfile
from pathlib import Path

from tqdm import tqdm

from tests.fuzz.readers import READERS
from tests.fuzz.watch import SECONDS, Result, Worker

_LEAST = 400


def main(arguments=None) -> int:
    """Runs a campaign; returns the number of findings."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=20000, help="files in all, spread over the readers")
    parser.add_argument("--seed", type=int, default=1, help="of the damage; a case is (reader, seed, number)")
    parser.add_argument("--readers", nargs="*", choices=list(READERS), help="only these")
    parser.add_argument("--first", type=int, default=0, help="number of the first case of each reader")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--keep", type=Path, help="folder for what was found")
    options = parser.parse_args(arguments)
    names = options.readers or list(READERS)
    each = max(1, -(-options.cases // len(names)))
    results = collections.defaultdict(list)
    folder = Path(tempfile.mkdtemp(prefix="fuzz_")) if options.keep is None else options.keep
    folder.mkdir(parents=True, exist_ok=True)
    cases = [(name, options.seed, number) for name in names for number in range(options.first, options.first + each)]
    with tqdm(total=len(cases), unit="file") as bar:
        for result in run(cases, folder, options.workers):
            results[result.reader].append(result)
            bar.update()
            if result.outcome == "finding":
                bar.write(f"{result.reader}, seed {result.seed}, number {result.number}: {result.words[:300]}")
    print(table(results))
    return sum(result.outcome == "finding" for some in results.values() for result in some)


def run(cases, folder: Path, workers: int):
    """Yields the result of each case, as they come. What took too long is tried once more, alone."""
    free = queue.Queue()
    for _ in range(workers):
        free.put(Worker(folder))

    def one(chunk):
        worker = free.get()
        try:
            return [_twice(worker, case) for case in chunk]
        finally:
            free.put(worker)

    chunks = [cases[k : k + 20] for k in range(0, len(cases), 20)]
    try:
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for results in pool.map(one, chunks):
                yield from results
    finally:
        while not free.empty():
            free.get().end()


def _twice(worker: Worker, case) -> Result:
    result = worker.read(*case)
    if result.outcome != "finding":
        return result
    # A machine that does other things may hold up a file that is harmless; what is wrong is wrong again.
    again = worker.read(*case, forget=False)
    return again if again.outcome == "finding" else result if result.seconds < SECONDS else again


def table(results) -> str:
    """Cases, outcomes, slowest and largest of each reader."""
    titles = ("cases", "loaded", "refused", "findings", "slowest", "memory")
    lines = [f"| {'reader':26} | " + " | ".join(f"{title:>8}" for title in titles) + " |", "|---" * 7 + "|"]
    rows = [*results.items(), ("all", [result for some in results.values() for result in some])]
    for name, some in rows:
        counts = collections.Counter(result.outcome for result in some)
        slowest, largest = max(r.seconds for r in some), max(r.memory for r in some)
        lines.append(
            f"| {name:26} | {len(some):8} | {counts['loaded']:8} | {counts['refused']:8} | {counts['finding']:8} "
            f"| {slowest:6.2f} s | {largest / 2**20:5.0f} MB |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(min(main(), 100))
