"""`VideoClassifier` against its parts, frame by frame, in files, in training, and with what is wrong."""

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.lengths import padded
from tests.models import tiny_video as tiny


@pytest.fixture(scope="module", params=tiny.KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def model(kind):
    return tiny.model(kind, seed=1)


def batch(clips):
    return {"video": padded(clips), "lengths": np.array([len(clip) for clip in clips], "int32")}


def by_hand(model, clip):
    """Logits of one clip: frame by frame through the encoder, then Keras's own recurrent layers and NumPy."""
    weights = [w.numpy().astype("float64") for w in model.looker.dense.weights]
    cell = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "simple_rnn": keras.layers.SimpleRNN}
    rows, places_of = [], [np.asarray(model.encoder(frame[None])[0]).reshape(-1, model.encoder.depth) for frame in clip]
    if model.looker.places:  # each place is a sequence of its own
        (ours,) = model.looker.places.stack
        theirs = cell[model.options["cell"]](ours.units, return_sequences=True)
        theirs.build((1, None, model.encoder.depth))
        theirs.set_weights(ours.get_weights())
        every = [np.asarray(theirs(np.array([p[k] for p in places_of])[None]))[0] for k in range(len(places_of[0]))]
        places_of = np.stack(every, 1)  # (T, L, U)
    for places in places_of:
        places = places.astype("float64")
        row = places.ravel() if model.options["frame_pooling"] == "flatten" else places.mean(0)
        rows.append(row @ weights[0] + weights[1])
    x = np.array(rows, "float32")[None]  # (1, T, F)
    for k, ours in enumerate(model.reader.forward):
        pair = [ours, model.reader.backward[k]] if model.reader.backward else [ours]
        outputs = []
        for direction, rnn in enumerate(pair):
            theirs = cell[model.options["cell"]](rnn.units, return_sequences=True)
            theirs.build((1, None, x.shape[2]))
            theirs.set_weights(rnn.get_weights())
            step = -1 if direction else 1
            outputs.append(np.asarray(theirs(x[:, ::step]))[:, ::step])
        x = np.concatenate(outputs, 2)
    outputs = x[0].astype("float64")  # (T, F)
    kernel, bias = (w.numpy().astype("float64") for w in model.head.weights)
    return pooled(model, outputs) @ kernel + bias


def pooled(model, outputs):
    if model.per_step:
        return outputs
    units = model.options["units"]
    if model.pooling == "last":
        return np.concatenate([outputs[-1, :units], outputs[0, units:]])
    if model.pooling == "mean":
        return outputs.mean(0)
    hidden, bias, score = (
        w.numpy().astype("float64") for w in model.reader.hidden.weights + model.reader.score.weights
    )
    scores = (np.tanh(outputs @ hidden + bias) @ score)[:, 0]
    weights = np.exp(scores - scores.max())
    return weights / weights.sum() @ outputs


def test_logits_are_those_of_the_parts_and_padding_counts_for_nothing(model):
    clips = tiny.clips(4, seed=2)
    together = model(batch(clips)).numpy()
    assert (
        together.shape == model.compute_output_shape({"video": (4, 12, *tiny.SIZE, 3), "lengths": (4,)})
        or model.per_step
    )
    for k, clip in enumerate(clips):
        wanted = by_hand(model, clip)
        found = together[k, : len(clip)] if model.per_step else together[k]
        np.testing.assert_allclose(found, wanted, atol=2e-5)
        np.testing.assert_allclose(model(clip[None])[0], wanted, atol=2e-5)


def test_padding_is_not_in_the_statistics_of_the_encoder():
    (clip, other), means = tiny.clips(2, seed=3), []
    for steps in (max(len(clip), len(other)), 16):
        model = tiny.model(seed=2)
        inputs = {"video": padded([clip, other], steps), "lengths": np.array([len(clip), len(other)], "int32")}
        model(inputs, training=True)
        norms = [layer for layer in model.encoder.network.layers if isinstance(layer, keras.layers.BatchNormalization)]
        means.append(np.concatenate([norm.moving_mean.numpy() for norm in norms]))
    np.testing.assert_allclose(means[0], means[1], atol=1e-5)
    assert np.abs(means[0]).max() > 1e-3  # they have moved


def test_features_of_a_frozen_encoder_are_the_frames(model):
    clips = tiny.clips(3, seed=5)
    inputs = batch(clips)
    shape = inputs["video"].shape
    features = model.encoder(inputs["video"].reshape(-1, *shape[2:])).numpy()
    given = {"features": features.reshape(*shape[:2], *features.shape[1:]), "lengths": inputs["lengths"]}
    np.testing.assert_allclose(model(given), model(inputs), atol=1e-6)


def test_a_stream_is_the_whole(kind, model):
    if kind not in ("last", "frames", "places", "places of a clip", "one vector each"):
        with pytest.raises(ValueError, match="one direction and no pooling but 'last'"):
            model.stream([])
        return
    (clip,) = tiny.clips(1, seed=7)
    streamed = list(model.stream(clip))
    if model.per_step:
        whole = model.classify(clip)
        assert tiny.said(streamed) == whole.labels
        np.testing.assert_allclose(tiny.numbers(streamed), tiny.numbers([whole]), atol=1e-5)
    else:  # after each frame, what the clip so far is
        so_far = model.classify([clip[: k + 1] for k in range(len(clip))])
        assert tiny.said(streamed) == tiny.said(so_far)
        np.testing.assert_allclose(tiny.numbers(streamed), tiny.numbers(so_far), atol=1e-5)


def test_a_stream_waits_for_nothing_that_is_to_come(tmp_path):
    model, (clip,) = tiny.model("frames"), tiny.clips(1, seed=7)
    PIL.Image.fromarray(clip[0]).save(tmp_path / "a.png")

    def camera():
        yield tmp_path / "a.png"
        yield np.zeros((30, 40, 3), "uint8")  # of another size: made smaller, as any picture
        yield "nothing.png"

    stream = model.stream(camera())
    assert next(stream).probability == pytest.approx(model.classify(clip[:1]).probability[0], abs=1e-5)
    assert next(stream).label in tiny.LABELS
    with pytest.raises(ValueError, match="nothing.png: there is no such file"):
        next(stream)
    with pytest.raises(TypeError, match=r"frames\[0\]: expected uint8"):
        next(model.stream([np.zeros((8, 8, 3))]))


def test_clips_of_all_that_people_have(tmp_path):
    model, (clip, other) = tiny.model("attention"), tiny.clips(2, seed=8)
    for k, frame in enumerate(clip):
        (tmp_path / "frames").mkdir(exist_ok=True)
        PIL.Image.fromarray(frame).save(tmp_path / "frames" / f"{k}.png")
    wanted = model.classify(clip)
    found = model.classify([tmp_path / "frames", clip, other])
    np.testing.assert_allclose(tiny.numbers(found[:2]), tiny.numbers([wanted] * 2), atol=1e-5)
    np.testing.assert_allclose(
        tiny.numbers([model.classify(str(tmp_path / "frames"))]), tiny.numbers([wanted]), atol=1e-5
    )
    assert wanted.importance.shape == (len(clip),) and wanted.importance.sum() == pytest.approx(1, abs=1e-5)
    scene = ks.data.moving_scenes(1)[0]
    assert model.classify(scene).label == model.classify(scene.frames[None])[0].label
    # However long: looked at in parts.
    long = np.concatenate([clip] * (300 // len(clip) + 1))
    assert len(tiny.model("frames").classify(long).labels) == len(long) > 256


def test_files_keep_everything(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = ks.models.load_model(tmp_path / "model.keras")
    one, other = loaded.get_config(), model.get_config()
    assert one.pop("encoder")["config"]["pooling"] == other.pop("encoder")["config"]["pooling"]
    assert one == other and loaded.encoder.image_size == tiny.SIZE
    clips = tiny.clips(3)
    np.testing.assert_allclose(tiny.numbers(loaded.classify(clips)), tiny.numbers(model.classify(clips)), atol=1e-6)
    assert len(loaded.trainable_weights) == len(model.trainable_weights)


def test_a_frozen_encoder_stays_as_it_is_and_is_compiled_from_a_file(tmp_path):
    model = tiny.model(trainable=False)
    before = [w.numpy() for w in model.encoder.weights]
    clips, labels = tiny.clips(6), ["left", "right", "up"] * 2
    model.compile(keras.optimizers.Adam(0.01))
    for cache in (None, str(tmp_path / "features")):
        data = ks.data.labelled_videos(clips, labels, 3, model=model, validation=0, cache=cache)
        losses = model.fit(data, epochs=2, verbose=0).history["loss"]
        assert losses[1] < losses[0]
    for one, other in zip(before, model.encoder.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    model.save(tmp_path / "model.keras")
    loaded = ks.models.load_model(tmp_path / "model.keras", compile=True)
    assert loaded.evaluate(data, verbose=0) == pytest.approx(model.evaluate(data, verbose=0), rel=1e-4)


def test_padding_counts_neither_in_the_loss_nor_in_the_accuracy():
    model, clips = tiny.model("frames", seed=4), tiny.clips(7, seed=9)
    rng = np.random.default_rng(0)
    labels = [[str(label) for label in rng.choice(tiny.LABELS, len(clip))] for clip in clips]
    model.compile()
    data = ks.data.labelled_videos(clips, labels, 7, model=model, validation=0, shuffle=False)
    loss, accuracy = model.evaluate(data, verbose=0)
    nats, right = [], []
    for result, true in zip(model.classify(clips), labels, strict=True):
        places = [tiny.LABELS.index(label) for label in true]
        nats += list(-np.log(result.probabilities[np.arange(len(true)), places]))
        right += [a == b for a, b in zip(result.labels, true)]
    assert loss == pytest.approx(np.mean(nats), rel=1e-4) and accuracy == pytest.approx(np.mean(right))


def test_it_learns_what_only_order_can_tell():
    """Dark comes before light, or light before dark: each frame, and all of them together, are the same."""
    rng = np.random.default_rng(1)
    clips, labels = [], []
    for _ in range(96):
        first = bool(rng.integers(2))
        shades = [rng.integers(0, 60), rng.integers(190, 250)]
        clip = np.full((6, *tiny.SIZE, 3), 128, "uint8")
        clip[1], clip[4] = shades if first else shades[::-1]
        clips.append(clip)
        labels.append("left" if first else "right")
    model = tiny.model(units=12)
    for layer in model.encoder.network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.5  # there are few steps
    model.compile(keras.optimizers.Adam(0.02))
    data = ks.data.labelled_videos(clips[:64], labels[:64], 16, model=model, validation=0)
    history = model.fit(data, epochs=14, verbose=0).history
    assert history["loss"][-1] < 0.2 < history["loss"][0]
    assert tiny.said(model.classify(clips[64:])) == labels[64:]
    turned = tiny.said(model.classify([clip[::-1] for clip in clips[64:]]))
    assert turned == [{"left": "right", "right": "left"}[label] for label in labels[64:]]


def test_mixed_precision_learns():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = tiny.model("frames", dtype="mixed_bfloat16")
    finally:
        keras.config.set_dtype_policy("float32")
    model.compile()
    clips = tiny.clips(4)
    data = ks.data.labelled_videos(clips, [["up"] * len(c) for c in clips], 4, model=model, validation=0)
    assert np.isfinite(model.fit(data, verbose=0).history["loss"]).all()
    assert model(clips[0][None]).dtype == tf.float32


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"encoder": keras.layers.Dense(2)}, TypeError, "encoder: expected a ks.models.ImageEncoder, received Dense"),
        ({"labels": ["left"]}, ValueError, "labels: expected two or more, received 1"),
        ({"labels": ["left", "left"]}, ValueError, "labels: 'left' is there twice"),
        ({"cell": "rnn"}, ValueError, "cell: expected one of"),
        ({"units": 0}, ValueError, "units: expected an int >= 1, received 0"),
        ({"frame_pooling": "max"}, ValueError, "frame_pooling: expected one of"),
        ({"place_units": 0}, ValueError, "place_units: expected an int >= 1, received 0"),
        ({"frame_dim": 2.5}, ValueError, "frame_dim: expected an int >= 1, received 2.5"),
        ({"pooling": "max"}, ValueError, "pooling: expected one of"),
        ({"pooling": "mean", "per_frame": True}, ValueError, "pooling: per_frame=True labels every frame"),
        ({"per_frame": 1}, TypeError, "per_frame: expected a bool, received 1"),
        ({"dropout": 1.0}, ValueError, r"dropout: expected a number in \[0, 1\), received 1.0"),
    ],
)
def test_bad_arguments(options, error, message):
    network = ks.models.small_image_network(tiny.SIZE, filters=(2, 2))
    given = {"encoder": ks.models.ImageEncoder(network), "labels": tiny.LABELS, "units": 3, **options}
    with pytest.raises(error, match=message):
        ks.models.VideoClassifier(**given)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (np.zeros((2, 8, 12, 3), "uint8"), ValueError, r"inputs: expected a clip \(B, T, H, W, 3\)"),
        ("clip.gif", TypeError, "inputs: expected a clip .* received str"),
        ({"video": np.zeros((1, 2, 8, 12, 3)), "tokens": np.zeros(1)}, ValueError, r"received \['tokens', 'video'\]"),
        ({"features": np.zeros((1, 2, 5, 4))}, ValueError, r"features: expected shape \(B, T, 24, 4\)"),
        ({"video": np.zeros((1, 2, 8, 12, 3)), "lengths": np.array([2.0])}, ValueError, "lengths: expected integers"),
    ],
)
def test_bad_inputs(inputs, error, message):
    with pytest.raises(error, match=message):
        tiny.model().read(inputs)


@pytest.mark.parametrize(
    ("clips", "error", "message"),
    [
        ([], ValueError, "clips: expected one clip at least"),
        (3, TypeError, "clips: expected a clip or a list of clips, received int"),
        (np.zeros((8, 12), "uint8"), ValueError, "clips: expected shape"),
        ([np.zeros((2, 8, 12, 3))], TypeError, r"clips\[0\]: expected uint8, received float64"),
        ([np.zeros((0, 8, 12, 3), "uint8")], ValueError, r"clips\[0\]: expected shape .* received \(0, 8, 12, 3\)"),
        ("nothing.gif", ValueError, "nothing.gif: there is no such file"),
    ],
)
def test_what_is_no_clip(clips, error, message):
    with pytest.raises(error, match=message):
        tiny.model().classify(clips)
