"""Training on one core, on two devices of one process, and by two workers: how much of the second core is gained."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import timing

COLUMNS = {
    "model": "{}",
    "batch": "{}",
    "one core, samples/s": "{:,.0f}",
    "one device, two threads": "{:.0%}",
    "two devices": "{:.0%}",
    "two workers": "{:.0%}",
}
TITLES = {"threads": "one device, two threads", "mirrored": "two devices", "workers": "two workers"}
# The batch is the whole one, which devices and workers share.
SIZES = {"language model": (64, 64, 256), "video classifier": (16, 8, 32)}  # batch, steps or frames, units or pixels
QUICK = {"language model": (2, 3, 4)}


def main(argv=None):
    args = timing.arguments(__doc__, argv, rounds=5)
    sizes, modes = (QUICK, ["one", "mirrored"]) if args.quick else (SIZES, ["one", *TITLES])
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("bench_distribution: two cores are needed, and this process may use one")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (batch, *_) in sizes.items():
            timing.progress("distribution", name)
            groups = {mode: Group(mode, name, args.quick, Path(folder)) for mode in modes}
            try:
                result = timing.compare({mode: group.epoch for mode, group in groups.items()}, args.rounds, inner=1)
            finally:
                for group in groups.values():
                    group.end()
            samples = batch * batches(args.quick)
            row = {"model": name, "batch": batch, "one core, samples/s": samples / result.median("one")}
            efficiency = {mode: result.ratio("one", to=mode) for mode in modes if mode != "one"}
            rows.append(row | {TITLES[mode]: value / 2 for mode, value in efficiency.items()})
    note = (
        "A percentage is the speed on two cores / twice that on one. Every process is held to its cores; all train "
        "on the same whole batches, of which each device or worker has half. Workers talk over loopback."
    )
    timing.show(__file__, COLUMNS, rows, args, note)


def batches(quick):
    return 2 if quick else 12


class Group:
    """The processes of one way to train; each epoch they are told to begin, and wait in between."""

    def __init__(self, mode, name, quick, folder):
        cores = sorted(os.sched_getaffinity(0))[:2]
        self.log = (folder / f"{mode} {name}").open("w+")
        self.processes = []
        ports = free_ports() if mode == "workers" else []
        for index in range(2 if mode == "workers" else 1):
            environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TF_CPP_MIN_LOG_LEVEL": "2"}
            if mode == "workers":
                cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
                environment["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
            own = {"one": cores[:1], "workers": cores[index : index + 1]}.get(mode, cores)
            call = "from tests.benchmarks.bench_distribution import child; child({!r}, {!r}, {!r}, {!r})"
            command = [sys.executable, "-c", call.format(mode, name, quick, own)]
            pipe = subprocess.PIPE
            self.processes.append(
                subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=self.log, text=True)
            )

    def epoch(self):
        for process in self.processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in self.processes:
            if process.stdout.readline() != "done\n":
                self.log.seek(0)
                raise RuntimeError(f"a process has ended: {self.log.read()[-2000:]}")

    def end(self):
        for process in self.processes:
            process.kill()
            process.communicate()
        self.log.close()


def free_ports():
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in (one, other)]


def child(mode, name, quick, cores):
    """One process: it trains for an epoch whenever it is told to."""
    os.sched_setaffinity(0, cores)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed goes to the log
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(2 if mode == "threads" else 1)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    import keras_seqcv as ks

    kind = {"mirrored": "mirrored", "workers": "multiworker"}.get(mode, "none")
    strategy = ks.distribution.strategy(kind, 2 if mode == "mirrored" else None)
    with strategy.scope():
        model, inputs, targets = made(name, *(QUICK if quick else SIZES)[name])
    data = tf.data.Dataset.from_tensors((inputs, targets)).repeat(batches(quick))
    for line in sys.stdin:
        if line == "go\n":
            model.fit(data, epochs=1, verbose=0, shuffle=False)
            answers.write("done\n")
            answers.flush()


def made(name, batch, length, size):
    import keras
    import numpy as np

    import keras_seqcv as ks

    rng = np.random.default_rng(0)
    if name == "language model":
        words = ks.data.Characters("".join(map(chr, range(32, 128))))
        model = ks.models.LanguageModel(words, layers=2, units=size)
        tokens = rng.integers(0, len(words), (batch, length + 1)).astype("int32")
        inputs, targets = tokens[:, :-1], tokens[:, 1:]
    else:
        network = ks.models.small_image_network(size)
        encoder = ks.models.ImageEncoder(network, trainable=True, freeze_batch_norm=False)
        model = ks.models.VideoClassifier(encoder, ["left", "right"], units=64)
        video = rng.integers(0, 256, (batch, length, size, size, 3)).astype("uint8")
        inputs = {"video": video, "lengths": np.full((batch,), length, "int32")}
        targets = rng.integers(0, 2, batch).astype("int32")
    model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=5.0), jit_compile=False)
    return model, inputs, targets


if __name__ == "__main__":
    main()
