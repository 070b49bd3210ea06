"""All readers of the package, by name."""

from tests.fuzz import model_readers, picture_readers, record_readers, text_readers

READERS = {
    reader.name: reader
    for part in (model_readers, text_readers, picture_readers, record_readers)
    for reader in part.READERS
}
