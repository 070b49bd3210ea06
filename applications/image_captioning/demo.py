"""Caption photographs with the shipped LiteRT file, and show where it looked. `python demo.py [PICTURE ...]`"""

import argparse
from pathlib import Path

import keras_seqcv as ks

HERE = Path(__file__).resolve().parent
MODEL = HERE.parents[1] / "savedmodels" / "photo_captioner.tflite"


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", nargs="*", type=Path, help="by default the photographs beside this file")
    parser.add_argument("--model", type=Path, default=MODEL, help="a captioner's .tflite file")
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="folder for the page")
    args = parser.parse_args(argv)
    paths = args.pictures or sorted((HERE / "photographs").glob("*.jpg"))

    model = ks.export.load_tflite(args.model)
    size = model.signatures["caption"]["inputs"]["image"][0][1:3]
    captions = [model.caption(ks.data.load_image(path, size)) for path in paths]
    print(f"\n{args.model.name} ({args.model.stat().st_size / 1e6:.1f} MB) says:")
    for path, caption in zip(paths, captions, strict=True):
        print(f"  {path.name:34} {caption.text}")
    args.out.mkdir(parents=True, exist_ok=True)
    page = ks.inspection.attention_page(paths, captions, args.out / "photographs.html")
    print(f"where it looked, word by word: open {page.resolve()} in a browser")


if __name__ == "__main__":
    main()
