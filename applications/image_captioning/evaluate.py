"""Score captioners on photographs with captions: BLEU, METEOR, ROUGE-L and CIDEr-D by width of the beam, as a table."""

import argparse
import json
from pathlib import Path

import keras
import numpy as np

import keras_seqcv as ks

MEASURES = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "METEOR", "CIDEr-D")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="+", help="model.keras of one training or of several")
    parser.add_argument("--images", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--captions", required=True, help="their captions: Flickr8k's token file, CSV, COCO's JSON")
    parser.add_argument("--valid", type=Path, help="file with the names of the pictures that are described; else all")
    parser.add_argument("--ensemble", action="store_true", help="also let all models write together")
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 3, 5])
    parser.add_argument("--length-penalty", type=float, default=0.0)
    parser.add_argument("--no-meteor", action="store_true", help="METEOR needs Java")
    parser.add_argument("--json", type=Path, help="write scores and captions to this file")
    args = parser.parse_args(argv)

    texts = ks.data.read_captions(args.captions)
    references = dict(zip(texts.names, texts.captions, strict=True))
    names = args.valid.read_text().split() if args.valid else texts.names
    writers = {str(path): keras.saving.load_model(path, compile=False) for path in args.models}
    size = next(iter(writers.values())).encoder.image_size
    pictures = np.stack([ks.data.load_image(args.images / name, size) for name in names])
    if args.ensemble:
        writers["together"] = ks.models.CaptionEnsemble(list(writers.values()))

    measures = [name for name in MEASURES if not (args.no_meteor and name == "METEOR")]
    print(f"| model | beam | {' | '.join(measures)} |\n|---|---:|{'---:|' * len(measures)}", flush=True)
    found = {}
    for label, writer in writers.items():
        for beam in args.beams:
            captions = writer.caption(pictures, beam=beam, length_penalty=args.length_penalty)
            said = [caption.text for caption in captions]
            scores = ks.metrics.caption_scores(said, [references[name] for name in names], meteor=not args.no_meteor)
            print(f"| {label} | {beam} | {' | '.join(f'{scores[name]:.3f}' for name in measures)} |", flush=True)
            found.setdefault(label, {})[beam] = {"scores": scores, "captions": dict(zip(names, said, strict=True))}
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
