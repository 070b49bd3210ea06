"""Workers under watch: what kills one of them, holds it up or fills its memory is a finding, and it is replaced."""

import dataclasses
import json
import os
import selectors
import subprocess
import sys
import time
from pathlib import Path

SECONDS = 5.0
MEMORY = 2**30
_SLOW_START = 300.0  # the import of TensorFlow and the seeds of a reader, on a machine that does other things
_CASES_OF_A_WORKER = 1500  # Keras keeps something of every model: a new process now and then


@dataclasses.dataclass
class Result:
    """What came of one case: `outcome` is "loaded", "refused" or "finding"."""

    reader: str
    seed: int
    number: int
    outcome: str
    words: str
    seconds: float
    memory: int


class Worker:
    """One process that reads damaged files.

    Args:
        folder: for seeds, cases and a log.
        readers: name of the module that has `READERS`.
    """

    def __init__(self, folder: Path, readers: str = "tests.fuzz.readers"):
        self.folder, self.readers, self.process, self.done = folder, readers, None, 0

    def read(self, reader: str, seed: int, number: int, forget: bool = True) -> Result:
        """Damages and reads one file there, and waits for what comes of it."""
        if self.process is None or self.process.poll() is not None or self.done >= _CASES_OF_A_WORKER:
            self._begin()
        self.done += 1
        order = {"reader": reader, "seed": seed, "number": number, "forget": forget}
        self.process.stdin.write((json.dumps(order) + "\n").encode())
        self.process.stdin.flush()
        started = self._answer(_SLOW_START)
        if started is None:
            return self._ended(reader, seed, number, "while the file was made", 0.0)
        began = time.perf_counter()
        found = self._answer(SECONDS, started["memory"])
        if found is None or isinstance(found, str):
            return self._ended(reader, seed, number, found, time.perf_counter() - began)
        if found["memory"] > MEMORY:
            found |= {"outcome": "finding", "words": f"{found['memory'] / 2**20:.0f} MB of memory; {found['words']}"}
        return Result(reader, seed, number, found["outcome"], found["words"], found["seconds"], found["memory"])

    def end(self) -> None:
        """Ends the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _begin(self) -> None:
        self.end()
        environment = {
            **os.environ,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "KERAS_BACKEND": "tensorflow",
            "CUDA_VISIBLE_DEVICES": "",
        }
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.worker", str(self.folder), self.readers],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
            )
        self.done, self._rest = 0, b""
        os.set_blocking(self.process.stdout.fileno(), False)
        if self._answer(_SLOW_START) is None:
            raise RuntimeError(f"a worker did not start, see {self.folder}/log.txt")

    def _answer(self, seconds: float, memory: int | None = None):
        """The next answer; a str that says why it was killed; None if it died by itself."""
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while True:
                line, mark, rest = self._rest.partition(b"\n")
                if mark:
                    self._rest = rest
                    return json.loads(line)
                if selector.select(timeout=0.05):
                    data = os.read(self.process.stdout.fileno(), 1 << 16)
                    if not data:
                        return None
                    self._rest += data
                elif time.monotonic() > end:
                    return f"no answer in {seconds:.0f} s"
                elif memory is not None and self._memory() - memory > MEMORY:
                    return f"more than {MEMORY / 2**20:.0f} MB of memory"

    def _memory(self) -> int:
        try:
            return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            return 0

    def _ended(self, reader, seed, number, why: str | None, seconds: float) -> Result:
        if why is None:
            code = self.process.wait()
            why = f"the process died (exit status {code})"
        self.end()
        return Result(reader, seed, number, "finding", why, seconds, 0)
