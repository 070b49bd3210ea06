"""Make files for `train.py` of the easy-VQA set: `pip install easy-vqa==1.0`, then `python easy_vqa.py FOLDER`.

It writes questions.csv, train.txt and valid.txt (the set's own test part), and prints the command that trains.
"""

import argparse
import csv
import importlib.util
import json
from pathlib import Path


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the files are to be")
    parser.add_argument("--data", type=Path, help="the set's folder with train/ and test/; default: the package's")
    args = parser.parse_args(argv)
    data = args.data or package_data()
    args.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for part, names in (("train", "train.txt"), ("test", "valid.txt")):
        asked = json.loads((data / part / "questions.json").read_text(encoding="utf-8"))
        rows += [(f"{part}/images/{number}.png", question, answer) for question, answer, number in asked]
        pictures = dict.fromkeys(row[0] for row in rows if row[0].startswith(part))
        (args.folder / names).write_text("\n".join(pictures) + "\n", encoding="utf-8")
    with open(args.folder / "questions.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("image", "question", "answer"), *rows])
    files = f"--questions {args.folder}/questions.csv --train {args.folder}/train.txt --valid {args.folder}/valid.txt"
    print(f"{len(rows):,} questions\npython train.py --images {data} {files}")


def package_data() -> Path:
    found = importlib.util.find_spec("easy_vqa")
    if found is None:
        raise SystemExit("easy_vqa is not installed: pip install easy-vqa==1.0, or give --data")
    return Path(found.origin).parent / "data"


if __name__ == "__main__":
    main()
