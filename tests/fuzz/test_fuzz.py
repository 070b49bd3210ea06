"""Some hundred damaged files for the readers, and that the fuzzer finds what is wrong, and finds it again."""

import re

import numpy as np
import pytest

from tests.fuzz import __main__ as campaign
from tests.fuzz import damage, model_readers, picture_readers, planted, text_readers, watch
from tests.fuzz.reader import case
from tests.fuzz.watch import Worker

READERS = {one.name: one for part in (model_readers, text_readers, picture_readers) for one in part.READERS}

# Their seeds take long to make: the campaign has them, and the tests of each format have damaged files.
LONG = {".keras, more models", "LiteRT", "SavedModel", "picture bytes in a graph"}
EACH = 12
# What campaigns have found, kept as they were found: (reader, seed, number) where the file was small.
FOUND = [
    (".keras", 1, 449),  # a trillion layers
    ("recording, npz", 2, 18),  # a member that is no array
    ("recording, npz", 2, 28),  # a header that is no Python
    ("recording, npz", 2, 37),  # a shape of exabytes
    ("pictures, npz", 2, 27),  # a deflated gigabyte
    ("picture features", 2, 78),  # a negative length
    ("IDX pictures", 2, 1),  # a header that ends within a number
    ("vocabulary JSON", 2, 16),  # nested too deeply
    ("picture split", 2, 101),  # a file without names
]


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    worker = Worker(tmp_path_factory.mktemp("fuzz"))
    yield worker
    worker.end()


def test_damaged_files_are_read_or_refused_by_their_names(worker):
    found, outcomes = [], set()
    for name in READERS.keys() - LONG:
        for number in range(EACH):
            result = worker.read(name, 7, number)
            outcomes.add(result.outcome)
            if result.outcome == "finding" and worker.read(name, 7, number).outcome == "finding":
                found.append(result)
    assert found == []
    assert outcomes == {"loaded", "refused"}


@pytest.mark.parametrize("case", FOUND, ids=str)
def test_what_was_found_is_mended(worker, case):
    result = worker.read(*case)
    assert result.outcome != "finding", result


FAULTS = {
    "_crash": "the process died .exit status -11",
    "_hang": "no answer in 2 s",
    "_fill": "more than 128 MB of memory",
    "_fill_for_a_moment": "2[0-9]{2} MB of memory; ValueError|more than 128 MB",  # afterwards, or while it lasts
    "_nameless": "ValueError: something is wrong",
    "_another_class": "KeyError",
    "_silent": "ValueError: $",
}


@pytest.fixture(scope="module")
def with_faults(tmp_path_factory):
    worker = Worker(tmp_path_factory.mktemp("faults"), planted.__name__)
    yield worker
    worker.end()


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fuzzer_finds_faults(with_faults, monkeypatch, fault):
    monkeypatch.setattr(watch, "SECONDS", 2.0 if fault == "_hang" else 60.0)
    monkeypatch.setattr(watch, "MEMORY", 2**27)
    result = with_faults.read(fault, 1, 0)
    assert result.outcome == "finding"
    assert re.match(FAULTS[fault], result.words), result.words


def test_a_campaign_goes_on_behind_a_crash(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(campaign, "READERS", planted.READERS)
    monkeypatch.setattr(watch.Worker.__init__, "__defaults__", (planted.__name__,))
    arguments = ["--readers", "_crash", "_good", "--cases", "8", "--workers", "1", "--keep", str(tmp_path)]
    assert campaign.main(arguments) == 4
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if line.startswith("| _")]
    counts = {row[1].strip(): [int(number) for number in row[2:6]] for row in rows}
    assert counts["_crash"] == [4, 0, 0, 4]
    assert counts["_good"][0] == 4 and counts["_good"][2] > 1 and counts["_good"][3] == 0


def test_a_case_is_the_same_each_time():
    reader, made = READERS["captions, COCO"], READERS["captions, COCO"].seeds()
    first = [case(reader, made, 1, number) for number in range(30)]
    assert first == [case(reader, made, 1, number) for number in range(30)]
    contents = {files["case.json"] for files, _ in first}
    assert len(contents) > 25 and made[0][0]["case.json"] not in contents
    assert first != [case(reader, made, 2, number) for number in range(30)]


@pytest.mark.parametrize("change", damage.KINDS, ids=lambda change: change.__name__)
@pytest.mark.parametrize("data", [b"", b"a", bytes(range(256)) * 4])
def test_damage_of_any_file(change, data):
    rng = np.random.default_rng(0)
    changed = [change(data, rng) for _ in range(50)]
    assert all(isinstance(one, bytes) for one in changed)
    assert not data or any(one != data for one in changed)
