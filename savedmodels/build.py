"""Put a trained model into this folder: a SavedModel, a LiteRT file (weights in int8), an entry in manifest.json.

python applications/char_language_model/train.py
python savedmodels/build.py shakespeare runs/char_language_model
"""

import argparse
import hashlib
import json
import os
from pathlib import Path

import keras

import keras_seqcv as ks

# What can be built. `score` takes it from the result.json that the training wrote. A SavedModel holds its weights in
# float32: a large one is left out, `ks.export.saved_model` makes it from the training's model.
MODELS = {
    "digit_drawer": {
        "task": "draws digits step by step, each from a seed (DRAW, 32 steps, MNIST)",
        "command": "python applications/draw_digits/train.py --data FOLDER --steps 32 ...",
        "score": lambda result: min(result["val_loss"]),
        "measure": "bound on - log p(x) of MNIST's test digits, binarised, in nats (the Keras model)",
        "saved_model": False,
    },
    "digit_reader": {
        "task": "reads a digit by six glimpses of 8 x 8 pixels, and says where it looked (MNIST)",
        "command": "python applications/glimpse_digits/train.py --data FOLDER --stddev 0.2 --shift 1 ...",
        "score": lambda result: result["test"]["10"]["error"],
        "measure": "share of MNIST's test digits that are read wrong, mean of ten readings (the Keras model)",
        "saved_model": True,
    },
    "photo_captioner": {
        "task": "describes photographs in a sentence, and shows where it looks (EfficientNet-Lite0, soft attention)",
        "command": "python applications/image_captioning/train.py --images ... --captions ...",
        "score": lambda result: result["scores"]["3"]["CIDEr-D"],
        "measure": "CIDEr-D on Flickr8k's 1,000 dev pictures, beam 3 (the Keras model)",
        "saved_model": False,
    },
    "scene_captioner": {
        "task": "describes drawn scenes of coloured shapes (soft attention)",
        "command": "python applications/image_captioning/train.py",
        "score": lambda result: result["scores"]["3"]["right"],
        "measure": "share of true captions on held-out scenes, beam 3 (the Keras model)",
        "saved_model": False,
    },
    "shakespeare": {
        "task": "writes on, character by character, in the manner of Shakespeare's plays",
        "command": "python applications/char_language_model/train.py",
        "score": lambda result: min(result["val_loss"]),
        "measure": "nats per character on the last tenth of the text, which training did not see (the Keras model)",
        "saved_model": True,
    },
}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", choices=sorted(MODELS))
    parser.add_argument("run", type=Path, help="folder of a training, with model.keras and result.json")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent)
    args = parser.parse_args(argv)

    facts = MODELS[args.name]
    result = json.loads((args.run / "result.json").read_text(encoding="utf-8"))
    manifest = read_manifest(args.to / "manifest.json")
    model = keras.saving.load_model(args.run / "model.keras", compile=False)
    folder, file = args.to / args.name, args.to / f"{args.name}.tflite"
    if facts["saved_model"]:
        ks.export.saved_model(model, folder)
    ks.export.tflite(model, file, quantize="dynamic")
    manifest[args.name] = {
        "task": facts["task"],
        "made_by": [facts["command"], f"python savedmodels/build.py {args.name} RUN"],
        "score": {"value": round(facts["score"](result), 4), "measure": facts["measure"]},
        "files": {path.relative_to(args.to).as_posix(): stamp(path) for path in [*files_in(folder), file]},
    }
    write_manifest(args.to / "manifest.json", manifest)


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def stamp(path: Path) -> dict:
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def read_manifest(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_manifest(path: Path, manifest: dict) -> None:
    """The manifest is written last: what it tells is there."""
    beside = path.with_name(path.name + ".tmp")
    beside.write_text(json.dumps(dict(sorted(manifest.items())), indent=1) + "\n", encoding="utf-8")
    os.replace(beside, path)


if __name__ == "__main__":
    main()
