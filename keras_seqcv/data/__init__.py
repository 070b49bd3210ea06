"""Vocabularies, texts, drawn scenes, and their way into `model.fit`."""

from keras_seqcv.data.caption_files import CaptionSet, read_captions
from keras_seqcv.data.captions import captions
from keras_seqcv.data.drawn_digits import drawn_digits
from keras_seqcv.data.image_set_files import read_labelled_images
from keras_seqcv.data.image_sets import LabelledImages
from keras_seqcv.data.labelled_clips import LabelledVideos, read_labelled_videos
from keras_seqcv.data.labelled_files import LabelledTexts, read_labelled_texts, read_tagged_texts
from keras_seqcv.data.labelled_images import labelled_images
from keras_seqcv.data.labelled_sequences import labelled_sequences
from keras_seqcv.data.labelled_texts import labelled_texts
from keras_seqcv.data.labelled_videos import labelled_videos
from keras_seqcv.data.moving_scenes import MovingScene, MovingScenes, moving_scenes
from keras_seqcv.data.number_sentences import number_sentences
from keras_seqcv.data.opinions import opinions
from keras_seqcv.data.parallel_texts import TextPairs, read_translations
from keras_seqcv.data.picture_shifts import PictureShifts
from keras_seqcv.data.question_files import QuestionSet, read_questions
from keras_seqcv.data.questions import questions
from keras_seqcv.data.scattered_digits import scattered_digits
from keras_seqcv.data.scene_objects import SceneObject
from keras_seqcv.data.scene_questions import Question
from keras_seqcv.data.scenes import Scene, Scenes, scenes
from keras_seqcv.data.shard_set import write_shards
from keras_seqcv.data.sharded import sharded
from keras_seqcv.data.text import load_text
from keras_seqcv.data.text_streams import text_streams
from keras_seqcv.data.tfds_text import load_tfds_text
from keras_seqcv.data.translations import translations
from keras_seqcv.data.video_changes import VideoChanges
from keras_seqcv.data.video_files import load_video
from keras_seqcv.data.vocabulary import Bytes, Characters, Subwords, Vocabulary, Words, vocabulary_from_json
from keras_seqcv.image_files import load_image

__all__ = [
    "Bytes",
    "CaptionSet",
    "Characters",
    "LabelledImages",
    "LabelledTexts",
    "LabelledVideos",
    "MovingScene",
    "MovingScenes",
    "PictureShifts",
    "Question",
    "QuestionSet",
    "Scene",
    "SceneObject",
    "Scenes",
    "Subwords",
    "TextPairs",
    "VideoChanges",
    "Vocabulary",
    "Words",
    "captions",
    "drawn_digits",
    "labelled_images",
    "labelled_sequences",
    "labelled_texts",
    "labelled_videos",
    "load_image",
    "load_text",
    "load_tfds_text",
    "load_video",
    "moving_scenes",
    "number_sentences",
    "opinions",
    "questions",
    "read_captions",
    "read_labelled_images",
    "read_labelled_texts",
    "read_labelled_videos",
    "read_questions",
    "read_tagged_texts",
    "read_translations",
    "scattered_digits",
    "scenes",
    "sharded",
    "text_streams",
    "translations",
    "vocabulary_from_json",
    "write_shards",
]
