"""Train a captioner on drawn scenes, or on photographs with captions. `python train.py --help` shows the options."""

import argparse
import json
import time
from pathlib import Path

import keras
import scenes

import keras_seqcv as ks

# What the options are where they are not given.
SCENES = {"units": 256, "epochs": 14, "batch_size": 32, "learning_rate": 1e-3, "attend": "after"}
PHOTOGRAPHS = {"units": 512, "epochs": 10, "batch_size": 64, "learning_rate": 6e-4, "attend": "before"}


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", help="folder of photographs; without it scenes are drawn")
    parser.add_argument("--captions", help="their captions: Flickr8k's token file, CSV, COCO's JSON")
    parser.add_argument("--train", help="file with the names of the training pictures, one a line")
    parser.add_argument("--valid", help="file with the names of the validation pictures")
    parser.add_argument("--encoder", default="efficientnet_lite0", help="or a name in keras.applications")
    parser.add_argument("--out", type=Path, default=Path("runs/image_captioning"), help="folder for all results")
    parser.add_argument("--attention", default="soft", choices=["soft", "hard", "none"])
    parser.add_argument("--inject", default="every_step", choices=["every_step", "first_step", "state"])
    parser.add_argument("--cell", default="lstm", choices=["simple_rnn", "lstm", "gru"])
    parser.add_argument("--units", type=int, help=default_of("units"))
    parser.add_argument(
        "--attend", choices=["before", "after"], help="when it looks, around the cell; " + default_of("attend")
    )
    parser.add_argument("--min-count", type=int, default=5, help="rarer words are unknown")
    parser.add_argument("--epochs", type=int, help=default_of("epochs"))
    parser.add_argument("--batch-size", type=int, help=default_of("batch_size"))
    parser.add_argument("--learning-rate", type=float, help=default_of("learning_rate") + "; falls along a cosine")
    parser.add_argument("--start-from", type=Path, help="best.weights.h5 of an earlier run, or its model.keras")
    parser.add_argument("--self-critical", action="store_true", help="reward CIDEr; go on from a trained model")
    parser.add_argument("--scenes", type=int, default=16_000, help="how many scenes are drawn")
    parser.add_argument("--seed", type=int, default=1)
    ks.distribution.add_arguments(parser)
    args = parser.parse_args(argv)
    for name, value in (PHOTOGRAPHS if args.images else SCENES).items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    return args


def default_of(name):
    return f"default: {SCENES[name]} for scenes, {PHOTOGRAPHS[name]} for photographs"


def main(argv=None):
    args = arguments(argv)
    with ks.distribution.scope_of(args):
        run(args)


def run(args):
    keras.utils.set_random_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    model, train, valid = photographs(args) if args.images else drawn(args)
    print(
        f"{len(train.names):,} pictures, {len(train.vocabulary):,} words, {train.batches} batches an epoch", flush=True
    )

    steps = args.epochs * train.batches
    rate = keras.optimizers.schedules.CosineDecay(
        args.learning_rate / 20, steps, alpha=0.02, warmup_target=args.learning_rate, warmup_steps=steps // 25
    )
    reward = ks.models.CiderReward(train.references) if args.self_critical else None
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=5.0), reward=reward)
    if args.start_from:
        start_from(args.start_from, model)
    start, best = time.time(), args.out / "best.weights.h5"
    # Of scenes the loss tells more: CIDEr-D likes captions that leave out where things are.
    monitor = {"monitor": "val_cider_d", "mode": "max"} if args.images else {"monitor": "val_loss", "mode": "min"}
    watched = {**monitor, "save_best_only": True, "save_weights_only": True}
    history = model.fit(
        train,
        validation_data=valid,
        epochs=args.epochs,
        callbacks=[
            ks.callbacks.CaptionMetrics(valid, path=args.out / "captions"),
            keras.callbacks.ModelCheckpoint(best, **watched),
            keras.callbacks.CSVLogger(args.out / "history.csv"),
            # A training that was killed goes on where it was, by the same command.
            ks.callbacks.ExactResume(args.out / "resume", every=500, delete_checkpoint=True, data=train),
        ],
    )
    minutes = (time.time() - start) / 60
    model.load_weights(best)
    model.save(args.out / "model.keras")
    result = {"minutes": minutes, "history": history.history, "scores": scores(model, valid, args)}
    (args.out / "result.json").write_text(json.dumps(result, indent=1))
    ks.inspection.plot_curves({"training": history.history}, args.out / "curves.png")
    ks.export.tflite(model, args.out / "model.tflite", quantize="dynamic")
    print(f"{minutes:.1f} minutes; everything is in {args.out.resolve()}")


def start_from(path, model):
    """Take over all weights of a file, or of a whole model, whose attention may be of another kind, those that fit."""
    if path.suffix != ".keras":
        return model.load_weights(path)
    own, given = (
        {name_of(w): w for w in some.weights} for some in (model, keras.saving.load_model(path, compile=False))
    )
    fitting = [name for name in own if name in given and own[name].shape == given[name].shape]
    for name in fitting:
        own[name].assign(given[name])
    print(f"{len(fitting)} of {len(own)} weights begin as they are in {path}", flush=True)


def name_of(weight):
    """Its path below the model; a hard attention has the weights of a soft one one level deeper."""
    return weight.path.split("/", 1)[1].replace("attention/attention/", "attention/")


def options(args):
    attention = None if args.attention == "none" else args.attention
    found = {"attention": attention, "inject": args.inject, "cell": args.cell, "units": args.units}
    return found | ({"attend": args.attend} if attention else {})


def drawn(args):
    """A model and data of drawn scenes: one row is a picture with its five captions, the encoder learns too."""
    sets = scenes.scene_sets(args.scenes, max(args.scenes // 40, 8))
    words = ks.data.Words(caption for of_scene in sets[0].captions[:2000] for caption in of_scene)
    widths = {"image_dim": args.units // 2, "attention_units": args.units // 2}
    model = ks.models.ImageCaptioner(scenes.encoder(), words, **options(args), **widths, dropout=0.1)
    batches = [
        ks.data.captions(
            some.images(),
            some.captions,
            scenes.SIZE,
            args.batch_size,
            vocabulary=words,
            captions_per_image=5,
            validation=0,
            verbose=0,
        )
        for some in sets
    ]
    return model, *batches


def photographs(args):
    """A model and data of photographs: the encoder is frozen, its features are computed once and kept."""
    texts = ks.data.read_captions(args.captions)
    names = set(Path(args.train).read_text().split()) if args.train else set(texts.names)
    own = [caption for name, some in zip(texts.names, texts.captions, strict=True) if name in names for caption in some]
    words = ks.data.Words(own, min_count=args.min_count, lowercase=True)
    encoder = ks.models.ImageEncoder(args.encoder)
    extra = {"label_smoothing": 0.1, "doubly_stochastic": 0.05 if args.attention != "none" else 0.0}
    model = ks.models.ImageCaptioner(encoder, words, **options(args), **extra)
    train, valid = ks.data.captions(
        args.images,
        texts,
        encoder.image_size,
        args.batch_size,
        model=model,
        train=args.train,
        valid=args.valid,
        max_length=24,
        captions_per_image=1 if args.self_critical else None,
        cache=args.out.parent / "features",
        augment=True,
    )
    return model, train, valid


def scores(model, valid, args):
    """What the trained model reaches on the validation pictures, by width of the beam."""
    found, length = {}, 20 if args.images else 24  # the longest captions of scenes have 23 words
    for beam in (1, 3, 5):
        captions = model.caption(valid.images, beam=beam, max_length=length)
        found[beam] = ks.metrics.caption_scores([caption.text for caption in captions], valid.references)
        if not args.images:
            found[beam] |= scenes.score(captions, scenes.scene_sets(args.scenes, len(valid.names))[1])
        print(f"beam {beam}: " + ", ".join(f"{name} {value:.3f}" for name, value in found[beam].items()), flush=True)
    return found


if __name__ == "__main__":
    main()
