"""The photographs of the image captioner: each is credited, under a free licence, and small."""

import re
from pathlib import Path

import pytest
from PIL import Image

FOLDER = Path(__file__).resolve().parents[2] / "applications" / "image_captioning" / "photographs"
CREDITS = (FOLDER / "CREDITS.md").read_text(encoding="utf-8")
COLUMNS = ["file", "what it shows", "author", "licence", "package", "path in the package", "changes"]
# Exact names and addresses: "CC BY-SA 4.0", or the address of another licence under a free name, is not among them.
ALLOWED = {
    "CC BY 2.0": "https://creativecommons.org/licenses/by/2.0/",
    "CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC0 1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
}
# How the packages put it.
STATED = {"CC BY 2.0": ALLOWED["CC BY 2.0"], "CC BY 4.0": "License: CC-BY-4.0", "CC0 1.0": "License: CC0-1.0"}
LARGEST = 600_000  # bytes, of all photographs
LONGEST = 640  # pixels, of the longer side


def table() -> list[dict[str, str]]:
    """The rows of the table in CREDITS.md, by column."""
    lines = [line for line in CREDITS.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == COLUMNS and set(cells[1]) == {"---"}
    assert all(len(row) == len(COLUMNS) and all(row) for row in cells[2:])
    return [dict(zip(COLUMNS, row)) for row in cells[2:]]


ROWS = table()
PHOTOGRAPHS = sorted(path for path in FOLDER.iterdir() if path.name != "CREDITS.md")


def test_every_photograph_is_credited_once_and_every_credit_has_its_photograph():
    credited = [row["file"].strip("`") for row in ROWS]
    assert sorted(credited) == [path.name for path in PHOTOGRAPHS]
    assert 5 <= len(PHOTOGRAPHS) <= 8


def test_no_picture_is_credited_under_two_names():
    sources = [(row["package"], row["path in the package"]) for row in ROWS]
    assert len(set(sources)) == len(sources)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"].strip("`"))
def test_the_licence_is_a_free_one_with_its_address(row):
    name, address = re.fullmatch(r"\[([^]]+)\]\(([^)]+)\)", row["licence"]).groups()
    assert name in ALLOWED and address == ALLOWED[name]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"].strip("`"))
def test_the_words_of_the_package_are_quoted(row):
    section = CREDITS.partition(f"\n### {row['package']}\n")[2].partition("\n### ")[0]
    quoted = " ".join(line[1:].strip() for line in section.splitlines() if line.startswith(">"))
    name = re.match(r"\[([^]]+)\]", row["licence"]).group(1)
    assert STATED[name] in quoted
    # An attribution licence binds to the very file: the package names it, here in the quotation or right after it.
    if name.startswith("CC BY"):
        assert Path(row["path in the package"].strip("`")).name in section


@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.name)
def test_is_a_colour_jpeg_of_moderate_size_without_metadata(path):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+\.jpg", path.name)
    with Image.open(path) as picture:
        picture.load()  # decodes it whole: a truncated file raises
        assert picture.format == "JPEG" and picture.mode == "RGB"
        assert LONGEST // 2 <= max(picture.size) <= LONGEST
        assert not picture.getexif()
        assert not {"exif", "xmp", "photoshop", "comment", "icc_profile"} & set(picture.info)
        # A grey picture saved as RGB has three equal channels.
        red, green, blue = picture.split()
        assert red.tobytes() != green.tobytes() != blue.tobytes()


def test_all_together_are_small():
    assert sum(path.stat().st_size for path in PHOTOGRAPHS) <= LARGEST
