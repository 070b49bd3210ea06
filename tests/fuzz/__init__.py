"""A fuzzer of files: every reader of the package gets damaged ones. `python -m tests.fuzz --cases 20000 --seed 1`."""
