"""Score translators on parallel texts: BLEU by beam as a table, and by length of the sentence as a plot."""

import argparse
import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import keras_seqcv as ks

LIMITS = (7, 10, 13, 16, 20)  # words of the source, up to which a group goes


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="+", help="model.keras of one training or of several")
    parser.add_argument("--source", required=True, help="file with a sentence on each line, plain or .gz")
    parser.add_argument("--target", required=True, help="the translations, line by line")
    parser.add_argument("--names", nargs="+", help="what the models are called; else their files")
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 3, 5])
    parser.add_argument("--length-penalty", type=float, default=0.0)
    parser.add_argument("--cased", action="store_true", help="whether capitals count")
    parser.add_argument("--plot", type=Path, help="write BLEU by length, with the widest beam, to this file")
    parser.add_argument("--json", type=Path, help="write scores and translations to this file")
    args = parser.parse_args(argv)

    pairs = ks.data.read_translations(args.source, args.target)
    lengths = np.array([len(text.split()) for text in pairs.sources])
    print("| model | beam | BLEU | chrF |\n|---|---:|---:|---:|", flush=True)
    found, by_length = {}, {}
    for name, path in zip(args.names or map(str, args.models), args.models, strict=True):
        model = ks.models.load_model(path, compile=False)
        for beam in args.beams:
            translations = model.translate(pairs.sources, beam=beam, length_penalty=args.length_penalty)
            texts = [translation.text for translation in translations]
            scores = ks.metrics.translation_scores(texts, pairs.targets, lowercase=not args.cased)
            print(f"| {name} | {beam} | {scores['bleu']:.2f} | {scores['chrf']:.2f} |", flush=True)
            found.setdefault(name, {})[beam] = {"scores": scores, "translations": texts}
        by_length[name] = scores_by_length(texts, pairs.targets, lengths, not args.cased)
    print(f"\nsacrebleu: {scores['signature']}; length penalty {args.length_penalty}")
    if args.plot:
        plot(by_length, args.plot)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")


def scores_by_length(texts, references, lengths, lowercase):
    """(label of a group, how many sentences, BLEU) for each group of lengths that has sentences."""
    rows, groups = [], np.searchsorted(LIMITS, lengths)
    for group in np.unique(groups):
        chosen = np.flatnonzero(groups == group)
        some = [[side[k] for k in chosen] for side in (texts, references)]
        least = LIMITS[group - 1] + 1 if group else 1
        label = f"{least}-{LIMITS[group]}" if group < len(LIMITS) else f"{least}+"
        rows.append((label, len(chosen), ks.metrics.translation_scores(*some, lowercase=lowercase)["bleu"]))
    return rows


def plot(by_length, path):
    figure = Figure(figsize=(7, 3.6), dpi=150, layout="constrained")
    axes = figure.subplots()
    for name, rows in by_length.items():
        axes.plot([score for _, _, score in rows], marker="o", label=name)
    labels = [f"{label}\n({count})" for label, count, _ in next(iter(by_length.values()))]
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlabel("words of the source (sentences)")
    axes.set_ylabel("BLEU")
    axes.set_ylim(0, 1 + 1.1 * max(score for rows in by_length.values() for _, _, score in rows))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path)


if __name__ == "__main__":
    main()
