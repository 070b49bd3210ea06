"""Compare the exports of an answerer of drawn scenes: size, time, accuracy, and whether they answer as Keras does."""

import argparse
import io
import json
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import PIL.Image
import scenes
import tensorflow as tf

import keras_seqcv as ks

FORMS = (None, "float16", "dynamic", "int8")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="model.keras of a training")
    parser.add_argument("--count", type=int, default=50, help="how many scenes, each with ten questions")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    args = parser.parse_args(argv)

    model = keras.saving.load_model(args.model, compile=False)
    seen, asked = scenes.scene_sets(40, args.count)
    wanted = scenes.predicted(model, asked)
    rows = [row("Keras", None, [None, None], wanted, wanted, asked)]
    with tempfile.TemporaryDirectory() as folder:
        rows.append(of_saved_model(model, Path(folder) / "saved", wanted, asked))
        for form in FORMS:
            file = Path(folder) / f"{form}.tflite"
            examples = ranges(model, seen) if form == "int8" else None
            ks.export.tflite(model, file, form, examples=examples, verbose=False)
            times, answers = [], None
            for threads in (1, 2):
                answers, milliseconds = timed(ks.export.load_tflite(file, num_threads=threads), asked)
                times.append(milliseconds)
            rows.append(row(form or "float32", file.stat().st_size / 1e6, times, answers, wanted, asked))
    print("| form | MB | ms a question, 1 thread | 2 threads | accuracy | answers as Keras does |")
    print("|---|---:|---:|---:|---:|---:|")
    for r in rows:
        shown = ["" if r[k] is None else f"{r[k]:.1f}" for k in ("MB", "ms, 1 thread", "ms, 2 threads")]
        print(f"| {r['form']} | {' | '.join(shown)} | {r['accuracy']:.1%} | {r['same']} of {r['questions']} |")
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))


def row(form, size, times, answers, wanted, asked):
    pairs = [(a, b) for some, others in zip(answers, wanted, strict=True) for a, b in zip(some, others, strict=True)]
    found = {"accuracy": scenes.score(answers, asked)["all"], "same": sum(a == b for a, b in pairs)}
    return {
        "form": form,
        "MB": size,
        "ms, 1 thread": times[0],
        "ms, 2 threads": times[1],
        "questions": len(pairs),
        **found,
    }


def ranges(model, seen):
    """Pictures and questions by which the ranges of int8 are measured: one of each of forty scenes."""
    asked = [scene.questions[k % len(scene.questions)].question for k, scene in enumerate(seen)]
    return model.export_examples("litert", seen.images(), asked)


def timed(lite, asked):
    """What a LiteRT model answers, and the median milliseconds it takes."""
    answers, times = [], []
    for scene in asked:
        answers.append([])
        for question in scene.questions:
            start = time.perf_counter()
            answers[-1].append(lite.answer(scene.image, question.question).text)
            times.append(1000 * (time.perf_counter() - start))
    return answers, float(np.median(times))


def of_saved_model(model, folder, wanted, asked):
    ks.export.saved_model(model, folder, verbose=False)
    signature = tf.saved_model.load(folder).signatures["answer"]
    answers = []
    for scene in asked:
        file = io.BytesIO()
        PIL.Image.fromarray(scene.image).save(file, "PNG")
        texts = [question.question for question in scene.questions]
        found = signature(image=tf.constant([file.getvalue()] * len(texts)), question=tf.constant(texts))
        answers.append([text.decode() for text in found["text"][:, 0].numpy()])
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    return row("SavedModel", size, [None, None], answers, wanted, asked)


if __name__ == "__main__":
    main()
