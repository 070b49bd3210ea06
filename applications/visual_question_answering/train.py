"""Train a model that answers questions about drawn scenes, or about pictures. `python train.py --help` shows more."""

import argparse
import json
import time
from pathlib import Path

import keras
import scenes

import keras_seqcv as ks


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", help="folder of pictures; without it scenes are drawn")
    parser.add_argument("--questions", help="questions about them: a table, or the JSON of VQA v2")
    parser.add_argument("--answers", help="of the JSON: the file of the annotations")
    parser.add_argument("--train", help="file with the names of the training pictures, one a line")
    parser.add_argument("--valid", help="file with the names of the validation pictures")
    parser.add_argument("--encoder", default="small", help="small (trained along), efficientnet_lite0, MobileNetV2 ...")
    parser.add_argument("--image-size", type=int, default=64, help="of the small network")
    parser.add_argument("--most-common", type=int, default=1000, help="how many answers there are")
    parser.add_argument("--out", type=Path, default=Path("runs/visual_question_answering"), help="folder for results")
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--attention-layers", type=int, default=2, help="0: the picture is one vector")
    parser.add_argument("--film-layers", type=int, default=3, help="convolutions that the question sets")
    parser.add_argument("--fusion-dim", type=int, default=64)
    parser.add_argument("--fusion", default="bilinear", choices=["concat", "product", "bilinear"])
    parser.add_argument("--blind-to", choices=["image", "question"], help="a baseline")
    parser.add_argument("--epochs", type=int, default=13)
    parser.add_argument("--batch-size", type=int, default=32, help="pictures, each with its questions")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="falls along a cosine")
    parser.add_argument("--scenes", type=int, default=20_000, help="how many scenes are drawn")
    parser.add_argument("--seed", type=int, default=1)
    ks.distribution.add_arguments(parser)
    return parser.parse_args(argv)


def main(argv=None):
    args = arguments(argv)
    with ks.distribution.scope_of(args):
        run(args)


def run(args):
    keras.utils.set_random_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    model, train, valid = asked_of_files(args) if args.images else drawn(args)
    print(
        f"{len(train.names):,} pictures, {len(train.answers):,} answers, {train.batches} batches an epoch", flush=True
    )

    steps = args.epochs * train.batches
    rate = keras.optimizers.schedules.CosineDecay(
        args.learning_rate / 20, steps, alpha=0.02, warmup_target=args.learning_rate, warmup_steps=steps // 25
    )
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=5.0))
    start, best = time.time(), args.out / "best.weights.h5"
    history = model.fit(
        train,
        validation_data=valid,
        epochs=args.epochs,
        callbacks=[
            keras.callbacks.ModelCheckpoint(best, monitor="val_accuracy", save_best_only=True, save_weights_only=True),
            keras.callbacks.CSVLogger(args.out / "history.csv"),
            # A training that was killed goes on where it was, by the same command.
            ks.callbacks.ExactResume(args.out / "resume", every=500, delete_checkpoint=True, data=train),
        ],
    )
    minutes = (time.time() - start) / 60
    model.load_weights(best)
    model.save(args.out / "model.keras")
    result = {"minutes": minutes, "history": history.history, "accuracy": max(history.history["val_accuracy"])}
    if not args.images:
        result["kinds"] = by_kind(model, args)
    (args.out / "result.json").write_text(json.dumps(result, indent=1))
    ks.inspection.plot_curves({"training": history.history}, args.out / "curves.png")
    ks.export.tflite(model, args.out / "model.tflite", quantize="dynamic")
    print(f"{minutes:.1f} minutes; everything is in {args.out.resolve()}")


def options(args):
    names = ("units", "attention_layers", "film_layers", "fusion", "fusion_dim", "blind_to")
    question = {"embedding_dim": 64, "bidirectional": True, "question_pooling": "attention"}
    return {name: getattr(args, name) for name in names} | question | {"dropout": 0.1}


def drawn(args):
    """A model and data of drawn scenes: one row is a picture with its ten questions, the encoder learns too."""
    sets = scenes.scene_sets(args.scenes, max(args.scenes // 40, 8))
    words = ks.data.Words(q.question for some in sets[0].questions[:2000] for q in some)
    encoder = scenes.encoder(trainable=args.blind_to != "image")
    model = ks.models.VisualQuestionAnswerer(encoder, words, sets[0].answers, **options(args))
    batches = (
        ks.data.questions(
            some.images(),
            some.questions,
            scenes.SIZE,
            args.batch_size,
            model=model,
            questions_per_image=scenes.QUESTIONS,
            validation=0,
            verbose=0,
        )
        for some in sets
    )
    return model, *batches


def asked_of_files(args):
    """A model and data of pictures in a folder."""
    asked = ks.data.read_questions(args.questions, args.answers)
    texts = (text for some in asked.questions for text in some)
    words, answers = ks.data.Words(texts, lowercase=True), asked.common_answers(args.most_common)
    if args.encoder == "small":
        network = ks.models.small_image_network(args.image_size)
        encoder = ks.models.ImageEncoder(network, trainable=True, freeze_batch_norm=False)
    else:
        encoder = ks.models.ImageEncoder(args.encoder)
    model = ks.models.VisualQuestionAnswerer(encoder, words, answers, **options(args))
    train, valid = ks.data.questions(
        args.images,
        asked,
        encoder.image_size,
        args.batch_size,
        model=model,
        train=args.train,
        valid=args.valid,
        questions_per_image=scenes.QUESTIONS,
        unknown="skip",
        cache=None if encoder.trainable else args.out.parent / "features",
    )
    return model, train, valid


def by_kind(model, args):
    """The share of right answers by kind of question, beside that of the most common answer."""
    train, valid = scenes.scene_sets(args.scenes, max(args.scenes // 40, 8))
    found = {
        "model": scenes.score(scenes.predicted(model, valid), valid),
        "most common answer of the kind": scenes.score(scenes.most_common(train[:2000], valid), valid),
    }
    for name, scores in found.items():
        print(f"{name}: " + ", ".join(f"{kind} {share:.1%}" for kind, share in scores.items()), flush=True)
    return found


if __name__ == "__main__":
    main()
