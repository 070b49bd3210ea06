"""Running a `.tflite` file: named signatures with arrays, and the verbs of models that were exported."""

import json
import operator
from pathlib import Path

import keras
import numpy as np

from keras_seqcv.answer import Answer, answer_of, question_ids
from keras_seqcv.caption import Caption
from keras_seqcv.continuation import checked_stops, continuation, cut
from keras_seqcv.drawing import Drawing
from keras_seqcv.export import litert_drawings, litert_labels, litert_readings
from keras_seqcv.export.attached_files import detach
from keras_seqcv.export.litert_trial import try_in_a_child
from keras_seqcv.export.shared_interpreter import SharedInterpreter
from keras_seqcv.hypotheses import read_hypotheses
from keras_seqcv.translation import Translation, source_of

VOCABULARY = "vocabulary.json"
SOURCE = "source_vocabulary.json"
ANSWERS = "answers.json"


def load_tflite(path, num_threads: int = 1, trial: bool = True) -> "LiteRTModel":
    """Load a LiteRT file.

    A wrong number in such a file can end the process that runs it. So each model is run first with zeros in a process
    of its own, with little memory and time: a few tenths of a second, once for each content.

    Threads may share what is loaded: one runs at a time, others wait, and nothing goes over from call to call. A thread
    that shall not wait takes a copy (`copy.copy`), which has an interpreter of its own and the same weights. What is
    loaded can be pickled, and used in a process that was forked.

    Args:
        path: a file written by `tflite`, or any other `.tflite` file with signatures.
        num_threads: threads for each run.
        trial: False for a file that is known to be whole, or that needs more than 4 s or 1 GB for zeros.

    Returns:
        A `LiteRTModel`.

    Raises:
        ValueError: there is no such file, or it is empty, damaged, no LiteRT model, or without signatures; it needs
            operators that the interpreter does not have; it crashes, or takes more than 4 s or 1 GB and 16 times its
            size, when it runs with zeros.
        ImportError: no interpreter is installed.

    Example:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((3,), name="x"), keras.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = ks.export.tflite(model, f"{folder}/dense.tflite", verbose=False)
        ...     lite = ks.export.load_tflite(f"{folder}/dense.tflite")
        >>> lite.run("serving_default", x=np.ones((1, 3), "float32"))["output_0"].shape
        (1, 2)
    """
    path = Path(path)
    if isinstance(num_threads, bool) or not isinstance(num_threads, int) or num_threads < 1:
        raise ValueError(f"num_threads must be an integer of at least 1, received {num_threads!r}")
    if not path.is_file():
        raise ValueError(f"{path} {'is not a file' if path.exists() else 'does not exist'}: expected a .tflite file")
    data = path.read_bytes()
    if data[4:8] != b"TFL3":
        raise ValueError(f"{path} is not a LiteRT model ({len(data)} bytes, without the mark TFL3 at byte 4)")
    content, files = detach(data, path)[:2]
    try:
        if trial:
            try_in_a_child(content)
        return LiteRTModel(content, files, path, num_threads)
    except (RuntimeError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path} is damaged, or cannot be loaded: {error}") from error


class LiteRTModel:
    """A LiteRT model in memory. Made by `load_tflite`.

    Args:
        content: the model without attached files.
        files: name -> content of the attached files.
        path: for error messages.
        num_threads: threads for each run.

    Attributes:
        signatures: name -> {"inputs": {name: (shape, dtype)}, "outputs": {name: (shape, dtype)}}; a dimension that may
            vary is None.
        files: the attached files.
        vocabulary: of a language model or captioner, else None.

    Example:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((3,), name="x"), keras.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = ks.export.tflite(model, f"{folder}/dense.tflite", verbose=False)
        ...     lite = ks.export.load_tflite(f"{folder}/dense.tflite")
        >>> lite.signatures["serving_default"]["inputs"]
        {'x': ((1, 3), dtype('float32'))}
    """

    def __init__(self, content: bytes, files: dict[str, bytes], path, num_threads: int = 1):
        self._path = path
        self.files = files
        self._shared = SharedInterpreter(content, num_threads)
        self.signatures = self._shared.signatures
        self.vocabulary = _vocabulary(files[VOCABULARY]) if VOCABULARY in files else None
        self._source_vocabulary = None

    def __repr__(self) -> str:
        return f"<LiteRTModel {self._path}: {', '.join(self.signatures)}>"

    def __reduce__(self):
        # By what it was made of: an interpreter cannot be copied. A copy has one of its own.
        return LiteRTModel, (self._shared.content, self.files, self._path, self._shared.num_threads)

    def run(self, signature: str, **inputs) -> dict[str, np.ndarray]:
        """Run one signature.

        Args:
            signature: name.
            **inputs: arrays by name; dimensions that may vary take any size. Python numbers become scalars of the right
                dtype.

        Returns:
            Output arrays by name.

        Raises:
            ValueError: unknown signature, missing or unknown input, wrong shape or dtype.
        """
        if signature not in self.signatures:
            raise ValueError(f"{self._path} has the signatures {sorted(self.signatures)}, received {signature!r}")
        specs = self.signatures[signature]["inputs"]
        if set(inputs) != set(specs):
            raise ValueError(f"signature {signature!r} takes the inputs {sorted(specs)}, received {sorted(inputs)}")
        arrays = {name: _checked(name, value, *specs[name]) for name, value in inputs.items()}
        try:
            return self._shared.run(signature, arrays)
        except RuntimeError as error:
            raise ValueError(f"signature {signature!r} of {self._path} failed: {error}") from error

    def generate(self, prompt, length=200, temperature=1.0, greedy=False, seed=None, stop=None) -> str | list[str]:
        """Write on, as `LanguageModel.generate` does, with the same text for the same seed.

        Args:
            prompt: str of at least one token, or a list; each of a list is continued as if it were the only one.
            length: int, tokens to write, at most what the file was made for.
            temperature: float > 0; below 1 the text is more usual, above 1 more surprising.
            greedy: take the likeliest token always.
            seed: None, or an int in [-2**31, 2**31).
            stop: None, a str or a list of str: the text ends before the first of them that is written.

        Returns:
            The prompt with what was written behind it: str, or a list of str for a list.

        Raises:
            ValueError: the file is not that of a language model, or an argument is not as above.
        """
        if "generate" not in self.signatures or self.vocabulary is None:
            raise ValueError(f"{self._path} has no signature 'generate' or no vocabulary: it does not write text")
        if not isinstance(prompt, str):
            return [self.generate(one, length, temperature, greedy, seed, stop) for one in prompt]
        longest = self.signatures["generate"]["outputs"]["ids"][0][1]
        length = operator.index(length)
        if length < 0 or (longest is not None and length > longest):
            raise ValueError(f"length: expected 0 to {longest}, for which the file was made, received {length}")
        if not 0 < temperature < float("inf"):
            raise ValueError(f"temperature: expected a number > 0 (or greedy=True), received {temperature!r}")
        seed = int(np.random.randint(2**31, dtype="int64")) if seed is None else operator.index(seed)
        if not -(2**31) <= seed < 2**31:
            raise ValueError(f"seed: expected an int in [-2**31, 2**31), received {seed}")
        stops = checked_stops(stop)
        ids = np.asarray(self.vocabulary.encode(prompt), "int32")
        if not ids.size:
            raise ValueError(f"prompt: expected at least one token, received {prompt!r}")
        scalars = {"length": length, "temperature": 0.0 if greedy else float(temperature), "seed": seed}
        written = self.run("generate", prompt=ids[None], **scalars)["ids"][0, :length]
        return prompt + cut(continuation(self.vocabulary, prompt, int(ids[-1]), written), stops)

    def caption(self, image) -> Caption:
        """Describe a picture, as `ImageCaptioner.caption` does, with the beams and the length of the file.

        Args:
            image: (H, W, 3) uint8, of the size that the file takes; `ks.data.load_image(path, size)` makes it.

        Returns:
            A `ks.models.Caption`.

        Raises:
            ValueError: the file is not that of a captioner, or the picture has another shape or type.
        """
        if "caption" not in self.signatures or self.vocabulary is None:
            raise ValueError(f"{self._path} has no signature 'caption' or no vocabulary: it does not describe pictures")
        found = self.run("caption", image=np.asarray(image)[None])
        parts = (found[name] for name in ("ids", "scores", "log_probabilities"))
        return read_hypotheses(Caption, self.vocabulary, *parts, found.get("attention"))[0]

    def translate(self, text: str) -> Translation:
        """Translate a text, as `Translator.translate` does, with the beams and the length of the file.

        Args:
            text: str.

        Returns:
            A `ks.models.Translation`.

        Raises:
            TypeError, ValueError: the file is not that of a translator, or a text without words.
        """
        if "translate" not in self.signatures or self.vocabulary is None or SOURCE not in self.files:
            raise ValueError(f"{self._path} has no signature 'translate' or no vocabularies: it does not translate")
        if self._source_vocabulary is None:
            self._source_vocabulary = _vocabulary(self.files[SOURCE])
        ids, words = source_of(self._source_vocabulary, text)
        found = self.run("translate", tokens=ids[None])
        parts = (found[name] for name in ("ids", "scores", "log_probabilities"))
        return read_hypotheses(Translation.maker(words), self.vocabulary, *parts, found.get("alignment"))[0]

    def answer(self, image, question: str) -> Answer:
        """Answer a question about a picture, as `VisualQuestionAnswerer.answer` does.

        Args:
            image: (H, W, 3) uint8, of the size that the file takes; `ks.data.load_image(path, size)` makes it.
            question: str.

        Returns:
            A `ks.models.Answer`.

        Raises:
            TypeError, ValueError: the file does not answer questions, the picture has another shape or type, or the
                question has no word that is known.
        """
        if "answer" not in self.signatures or self.vocabulary is None or ANSWERS not in self.files:
            raise ValueError(f"{self._path} has no signature 'answer', or no vocabulary: it does not answer questions")
        tokens = question_ids(self.vocabulary, question)
        found = self.run("answer", image=np.asarray(image)[None], tokens=tokens[None])
        words, maps = [self.vocabulary.tokens[i] for i in tokens], found.get("attention")
        answers = json.loads(self.files[ANSWERS])
        parts = (found[name][0] for name in ("ids", "scores"))
        return answer_of(answers, *parts, question, words, None if maps is None else maps[0])

    def classify(self, inputs, samples=None, seed=None):
        """Label texts, features, clips or pictures, as the models' `classify` does.

        Args:
            inputs: a text (str), a list of texts, or a list of lists of words; features (T, D), or a list of them; a
                clip (T, H, W, 3) uint8 of the size that the file takes, `ks.data.load_video(path, size)`, or a list; or
                for a `GlimpseClassifier`'s file a picture (H, W, C) uint8 of its size, or several.
            samples: for a `GlimpseClassifier`'s file, how many draws are averaged, int >= 0. None: as it was made.
            seed: likewise, of the draws, int. None: 0.

        Returns:
            A `ks.models.Classification`, with pooling "attention" with the importance of each word; a
            `StepClassification` of a model that labels every step; or a `Reading`; a list of them for several.

        Raises:
            TypeError, ValueError: the file is not that of a classifier, or an input is not as above.
        """
        if litert_readings.reads(self):
            return litert_readings.classify(self, inputs, samples, 0 if seed is None else seed)
        if samples is not None or seed is not None:
            raise ValueError(f"{self._path} draws nothing: `samples` and `seed` are for files that read by glimpses")
        return litert_labels.classify(self, inputs)

    def draw(self, n=None, seed=0, label=None, noise=None) -> Drawing:
        """Draw pictures, as `DRAW.draw` does: the same for the same seed, and for the same noise.

        Args:
            n: int >= 1, how many; None: one, or as many as there is noise for.
            seed: int in [-2**31, 2**31).
            label: of a file with labels what to draw: one of them, or its number, or a sequence of N.
            noise: (N, T, Z), instead of a seed.

        Returns:
            A `ks.models.Drawing`.

        Raises:
            TypeError, ValueError: the file is not that of a `DRAW`, or an argument is not as above.
        """
        return litert_drawings.draw(self, n, seed, label, noise)

    def stream(self, steps):
        """Label frames, words or features as they come, as `stream` of the Keras model does.

        Args:
            steps: iterable of frames (H, W, 3) uint8 of the size that the file takes, of words, or of features (D,).

        Returns:
            Generator of a `ks.models.Classification` after each step.

        Raises:
            ValueError: the file has no signature "step", at the call; a step that is not as above, when it comes.
        """
        return litert_labels.stream(self, steps)


def _vocabulary(text: bytes):
    """The vocabulary that `to_json` wrote. By Keras's register of classes, for an export knows no kind of data."""
    try:
        content = json.loads(text)
        vocabulary = keras.saving.get_registered_object(f"keras_seqcv>{content['class_name']}")
        if not (hasattr(vocabulary, "encode") and hasattr(vocabulary, "decode")):
            raise ValueError(f"{content['class_name']} is not a vocabulary of keras_seqcv")
        return vocabulary.from_config(content["config"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{VOCABULARY} in it cannot be read: {error}") from error


def _checked(name: str, value, shape: tuple, dtype: np.dtype) -> np.ndarray:
    array = np.asarray(value)
    # The interpreter would resize a fixed dimension without a word, and crash later.
    if array.ndim != len(shape) or any(size not in (None, given) for size, given in zip(shape, array.shape)):
        raise ValueError(f"input {name!r} must have shape {shape} (None: any size), received {array.shape}")
    if 0 in array.shape:
        raise ValueError(f"input {name!r} must not be empty, received shape {array.shape}")
    if array.dtype == dtype:
        return np.ascontiguousarray(array).reshape(array.shape)
    # Python numbers and default NumPy integers are welcome where nothing is lost.
    if not (array.dtype.kind in "iu" and dtype.kind in "iuf") and not (array.dtype.kind == "f" and dtype.kind == "f"):
        raise ValueError(f"input {name!r} must be {dtype}, received {array.dtype}")
    converted = array.astype(dtype)
    if array.dtype.kind in "iu" and not np.array_equal(converted, array):
        raise ValueError(f"input {name!r} must fit {dtype}, received {array}")
    return converted
