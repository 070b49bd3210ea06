"""SavedModels as a server has them: every signature, from eight threads, without Keras; the requests of the page."""

import base64
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import keras_seqcv as ks
from keras_seqcv.export import signatures as signature_tools
from keras_seqcv.export import to_saved_model
from keras_seqcv.export.parity import Parity
from tests.export.serving_stand_in import Served
from tests.models import tiny_answerer, tiny_captioner, tiny_classifier, tiny_draw, tiny_translator, tiny_video
from tests.models.language_model_oracles import small

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "savedmodels"
PAGE = (SHIPPED / "README.md").read_text(encoding="utf-8")
SERVING = PAGE[PAGE.index("## Serving") :]
MODELS = {
    "language model": lambda: small(cell="lstm", layers=2),
    "captioner": tiny_captioner.captioner,
    "translator": tiny_translator.translator,
    "answerer": tiny_answerer.answerer,
    "classifier": tiny_classifier.classifier,
    "video": tiny_video.model,
    "draw": lambda: tiny_draw.model("told", steps=2),
}
VERBS = {"language model": "generate", "captioner": "caption", "translator": "translate", "answerer": "answer"}
VERBS |= {"classifier": "classify", "video": "classify", "draw": "draw"}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("language model", "captioner", "classifier"), id="some"),
        pytest.param(tuple(MODELS), id="all", marks=pytest.mark.long),
    ],
)
def exported(request, tmp_path_factory):
    """Kind -> folder and traced signatures; the comparison is left to the tests here."""
    folder, found = tmp_path_factory.mktemp("served"), {}
    compare = to_saved_model._compare
    try:
        for kind in request.param:
            traced = []
            to_saved_model._compare = lambda model, signatures, path, kept=traced: kept.append(signatures) or Parity()
            ks.export.saved_model(MODELS[kind](), folder / kind / "1", verbose=False)
            found[kind] = folder / kind / "1", traced[0]
    finally:
        to_saved_model._compare = compare
    return found


def served(models: dict, requests: list, threads: int = 8) -> dict:
    """What the stand-in for the server answers, in a process that has neither Keras nor this package."""
    told = {"models": {name: str(path) for name, path in models.items()}, "requests": requests, "threads": threads}
    child = subprocess.run(
        [sys.executable, "-I", str(ROOT / "tests" / "export" / "serving_stand_in.py")],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
        timeout=300,
    )
    assert child.returncode == 0, child.stderr[-3000:]
    found = json.loads(child.stdout)
    assert not {"keras", "keras_seqcv"} & set(found["modules"])
    assert found["together"] == found["alone"]
    return found


def plain(name, value):
    """A tensor as JSON."""
    value = np.asarray(value)
    if value.dtype.kind not in "OS":
        return value.tolist()

    def text(one):
        one = one if isinstance(one, bytes) else one.encode()
        return {"b64": base64.b64encode(one).decode()} if name == "image" else one.decode()

    return np.vectorize(text, otypes=[object])(value).tolist()


def of_rows(example, specs, rows) -> dict:
    """Some rows of those inputs that have rows."""
    return {name: v if specs[name].shape.rank == 0 else np.asarray(v)[rows] for name, v in example.items()}


def test_every_signature_from_eight_threads(exported):
    requests, expected = [], []
    for kind, (_, traced) in exported.items():
        for name in sorted(traced.exported):
            live = traced.live[VERBS[kind] if name == "serving_default" else name]
            specs = live.structured_input_signature[1] or {s.name: s for s in live.structured_input_signature[0]}
            examples = traced.examples[VERBS[kind] if name == "serving_default" else name][:2]
            for k, rows in enumerate([slice(None), [-1]]):
                rows = slice(None) if name in ("draw", "serving_default") and kind == "draw" else rows
                example = of_rows(examples[k % len(examples)], specs, rows)
                body = {"inputs": {key: plain(key, value) for key, value in example.items()}}
                if name != "serving_default":
                    body["signature_name"] = name
                requests.append([kind, json.dumps(body)])
                # Loops of `DRAW` are compiled one by one, which takes long: test_draw_export.py has the others.
                known = kind != "draw" or live is traced.live["draw"]
                expected.append((kind, name, signature_tools.call(live, example) if known else None))
    assert len({(kind, name) for kind, name, _ in expected}) == sum(len(t.exported) for _, t in exported.values())
    found = served({kind: path for kind, (path, _) in exported.items()}, requests)
    for (kind, name, outputs), answer in zip(expected, found["together"], strict=True):
        assert "error" not in answer, (kind, name, answer)
        if outputs is None:
            continue
        received = answer["outputs"]
        received = received if len(outputs) > 1 else {next(iter(outputs)): received}
        assert received.keys() == outputs.keys(), (kind, name)
        for key, value in outputs.items():
            if value.dtype.kind == "f":
                np.testing.assert_allclose(received[key], value, rtol=1e-3, atol=1e-4, err_msg=f"{kind} {name} {key}")
            else:
                assert received[key] == plain("text", value), (kind, name, key)


def shapes(signature) -> dict:
    return {name: info.tensor_shape for name, info in [*signature.inputs.items(), *signature.outputs.items()]}


def test_what_a_server_needs(exported):
    for kind, (folder, traced) in exported.items():
        check_table(kind, folder, traced)


def check_table(kind, folder, traced):
    table = Served(str(folder)).table
    names = {name for name in table if not name.startswith("__")}
    assert names == traced.live.keys() | {"serving_default"}
    assert next(iter(traced.live)) == VERBS[kind]
    for name in names:
        assert table[name].method_name == "tensorflow/serving/predict"
        for key, info in table[name].outputs.items():
            assert [d.size for d in info.tensor_shape.dim][:1] == [-1], (name, key)  # rows, in every output
            assert info.dtype != tf.string.as_datatype_enum or key in ("text", "label", "words")
    assert shapes(table["serving_default"]) == shapes(table[VERBS[kind]])
    operators = to_saved_model.operators_of(folder)
    assert not [one for one in operators if "PyFunc" in one or "Cudnn" in one]
    assert b"_XlaMustCompile" not in (folder / "saved_model.pb").read_bytes()


BAD = [
    ("language model", {"inputs": {"prompt": [""]}}, "every prompt needs at least one token"),
    ("language model", {"inputs": {"prompt": ["aX"]}}, "not in the vocabulary: character"),
    ("language model", {"inputs": {"prompt": []}}, "prompt: expected one row at least, received none"),
    ("language model", {"inputs": {"prompt": ["a"], "length": -2}}, "length must not be negative, received] [-2]"),
    ("language model", {"inputs": {"prompt": [3]}}, "not of expected type: string"),
    ("language model", {"inputs": {"prompt": ["a"], "length": [4]}}, "shape"),
    ("language model", {"instances": [{"prompt": "a", "length": 3, "temperature": 1, "seed": 1}]}, "shape"),
    ("language model", {"signature_name": "score", "inputs": ["a"]}, "scoring needs at least two tokens"),
    ("language model", {"signature_name": "speak", "inputs": ["a"]}, '"speak" not found'),
    ("captioner", {"inputs": []}, "image: expected one row at least"),
    ("captioner", {"inputs": ["no picture"]}, "Unknown image file format"),
    ("captioner", {"instances": [{"b64": "/9j/"}]}, "Invalid JPEG data"),
    ("translator", {"inputs": []}, "text: expected one row at least"),
    ("answerer", {"instances": []}, "No values in 'instances'"),
    ("classifier", {"inputs": ["good", ""]}, "text: expected one word at least in every row"),
    ("video", {"inputs": {"video": np.zeros((1, 2, 8, 12, 3), int).tolist(), "lengths": [3]}}, "from 1 to the steps"),
    ("video", {"inputs": {"video": np.zeros((1, 2, 8, 12, 3), int).tolist(), "lengths": [0]}}, "from 1 to the steps"),
    ("draw", {"inputs": {"n": 0, "seed": 1, "label": [1]}}, "n: expected a number from 1 on, received] [0]"),
    ("draw", {"inputs": {"n": 1, "seed": 1, "label": [3]}}, "label: expected ids from 0 to 2, received] [3]"),
    ("draw", {"inputs": {"n": 3, "seed": 1, "label": [1, 2]}}, "label: expected one, or as many as n"),
]


def test_bad_requests_get_an_error_in_words(exported):
    models = {kind: Served(str(path)) for kind, (path, _) in exported.items()}
    for kind, body, words in [row for row in BAD if row[0] in models]:
        if kind == "language model" and isinstance(body.get("inputs"), dict):
            body = {"inputs": {"length": 3, "temperature": 1.0, "seed": 0, **body["inputs"]}}
        assert words in models[kind].predict(json.dumps(body)).get("error", "no error"), (kind, body)
    for kind in {"language model", "captioner", "translator"} & models.keys():
        states = {k: v for k, v in models[kind].table["step"].inputs.items() if k != "tokens"}
        sizes = {k: [d.size if d.size > 0 else 1 for d in v.tensor_shape.dim] for k, v in states.items()}
        zeros = {k: np.zeros(s, tf.as_dtype(states[k].dtype).as_numpy_dtype).tolist() for k, s in sizes.items()}
        for token in (-1, 1000):
            answer = models[kind].predict(
                json.dumps({"signature_name": "step", "inputs": {"tokens": [token], **zeros}})
            )
            assert f"received] [{token}]" in answer["error"], (kind, answer)


# The page ----------------------------------------------------------------------------------------------------------

TOOL = Path(sys.executable).parent / "saved_model_cli"
CURL = f"""#!{sys.executable}
import json, os, sys
data, url = sys.argv[sys.argv.index("-d") + 1], sys.argv[-1]
if data.startswith("@"):
    data = sys.stdin.read() if data == "@-" else open(data[1:]).read()
with open(os.environ["CURL_LOG"], "a") as file:
    file.write(json.dumps([url, data]) + "\\n")
"""


@pytest.fixture(scope="module")
def page(exported, tmp_path_factory):
    """The page's requests, made by its own commands with a `curl` that writes them down, and the answers to them."""
    folder = tmp_path_factory.mktemp("page")
    tools = folder / "bin"
    tools.mkdir()
    (tools / "curl").write_text(CURL)
    (tools / "curl").chmod(0o755 | stat.S_IXUSR)
    (tools / "python").symlink_to(sys.executable)
    digit = ks.data.drawn_digits(8).images[7, ..., 0]
    PIL.Image.fromarray(digit).save(folder / "digit.png")
    PIL.Image.fromarray(tiny_captioner.pictures(1)[0]).save(folder / "scene.png")
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "CURL_LOG": str(folder / "log")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    for block in re.findall(r"```bash\n(.*?)```", SERVING, re.S):
        if "curl" in block:
            subprocess.run(["bash", "-euc", block], cwd=folder, env=environment, check=True, timeout=120)
    log = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
    models = {"shakespeare": SHIPPED / "shakespeare", "digit_reader": SHIPPED / "digit_reader"}
    models["captioner"] = exported["captioner"][0]
    requests = [[re.fullmatch(r"http://localhost:8501/v1/models/(\w+):predict", url)[1], body] for url, body in log]
    return requests, served(models, requests * 4)["together"][: len(requests)]


def test_the_page_has_the_requests_and_answers_of_the_models(page):
    requests, answers = page
    assert [name for name, _ in requests] == ["shakespeare", "shakespeare", "digit_reader", "captioner"]
    assert not [answer for answer in answers if "error" in answer]
    written, scored = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", SERVING, re.S))
    assert answers[0] == written
    for one, other in zip(answers[1]["predictions"], scored["predictions"], strict=True):
        assert one["lengths"] == other["lengths"]
        np.testing.assert_allclose(one["log_probabilities"], other["log_probabilities"], atol=2e-3)
    read = answers[2]["outputs"]
    assert read["label"] == ["7"] and np.shape(read["path"]) == (1, 10, 6, 2)
    (caption,) = answers[3]["predictions"]
    assert caption.keys() == {"text", "scores", "log_probabilities", "ids", "attention"} and len(caption["text"]) == 3


def test_shipped_saved_models_have_a_default(page):
    for name, verb in (("shakespeare", "generate"), ("digit_reader", "classify")):
        loaded = tf.saved_model.load(str(SHIPPED / name)).signatures
        assert loaded["serving_default"].structured_outputs.keys() == loaded[verb].structured_outputs.keys()


def test_the_command_line_tool_takes_the_pages_call(tmp_path):
    """`saved_model_cli run`, as it stands on the page."""
    block = next(b for b in re.findall(r"```bash\n(.*?)```", SERVING, re.S) if "saved_model_cli" in b)
    run = block[block.index("saved_model_cli run") :].replace("saved_model_cli", f"'{TOOL}'")
    done = subprocess.run(["bash", "-euc", run], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "ROMEO:\\nI will not see" in done.stdout
