"""What sets can be written as shards: for each kind what writes it, and what reads it."""

import dataclasses
from collections.abc import Callable

from keras_seqcv.data.shard_captions import read_captions, write_captions
from keras_seqcv.data.shard_images import read_images, write_images
from keras_seqcv.data.shard_questions import read_questions, write_questions
from keras_seqcv.data.shard_text import read_text, write_text
from keras_seqcv.data.shard_texts import read_texts, write_texts
from keras_seqcv.data.shard_translations import read_translations, write_translations
from keras_seqcv.data.shard_videos import read_videos, write_videos


@dataclasses.dataclass(frozen=True)
class Kind:
    """How one kind of set is written and read.

    Args:
        write: function of a `ShardWriter` and the arguments of the reader in memory.
        read: function of `OpenShards`, `Reading` and options to a dataset, or two.
        all_shards: whether a worker has to have all shards: of running text the pieces of its rows may lie in any.
    """

    write: Callable
    read: Callable
    all_shards: bool = False


KINDS = {
    "captions": Kind(write_captions, read_captions),
    "questions": Kind(write_questions, read_questions),
    "images": Kind(write_images, read_images),
    "videos": Kind(write_videos, read_videos),
    "texts": Kind(write_texts, read_texts),
    "translations": Kind(write_translations, read_translations),
    "text": Kind(write_text, read_text, all_shards=True),
}
