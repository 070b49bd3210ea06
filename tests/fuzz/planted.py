"""Readers with faults, for the tests of the fuzzer: it has to find each."""

import os
import signal
import time

from tests.fuzz.reader import Reader, one


def _crash(path):
    os.kill(os.getpid(), signal.SIGSEGV)


def _hang(path):
    time.sleep(60)


def _fill(path):
    kept = bytearray(2**28)
    time.sleep(len(kept) / 2**27)


def _fill_for_a_moment(path):
    kept = bytearray(2**28)
    raise ValueError(f"{path}: {len(kept)} bytes")


def _nameless(path):
    raise ValueError("something is wrong")


def _another_class(path):
    raise KeyError(str(path))


def _silent(path):
    raise ValueError()


def _good(path):
    if path.read_bytes() != b"abc":
        raise ValueError(f"{path}: not abc")


_FAULTS = (_crash, _hang, _fill, _fill_for_a_moment, _nameless, _another_class, _silent, _good)
READERS = {read.__name__: Reader(read.__name__, one("case.txt", b"abc"), read) for read in _FAULTS}
