"""Captions in the JSON of COCO."""

import json
from pathlib import Path


def coco_captions(text: str, path: Path) -> tuple[list[str], list[list[str]]]:
    """Returns the names of the pictures, in the order of the file, and the captions of each.

    Args:
        text: {"images": [{"id", "file_name"}, ...], "annotations": [{"image_id", "caption"}, ...]}; other keys are not
            read, but that an annotation's "id" must differ.
        path: the file, for error messages.

    Raises:
        ValueError: no such JSON: it names the file, and the line, or the number and id of the image or annotation.

    Example:
        >>> from keras_seqcv.data.caption_coco import coco_captions
        >>> images, annotations = [{"id": 7, "file_name": "dog.jpg"}], [{"image_id": 7, "caption": "a dog"}]
        >>> import json
        >>> coco_captions(json.dumps({"images": images, "annotations": annotations}), "captions.json")
        (['dog.jpg'], [['a dog']])
    """
    images, annotations = json_lists(text, path, ("images", "annotations"))
    names = _names(images, path)
    captions = _captions(annotations, names, path)
    empty = [f"{name} (id {key!r})" for key, name in names.items() if not captions[key]]
    if empty:
        raise ValueError(f"{path}: expected a caption of each image; {len(empty)} have none: {', '.join(empty[:5])}")
    if not names:
        raise ValueError(f"{path}: expected captions, received a list of no images")
    return list(names.values()), list(captions.values())


def json_lists(text: str, path: Path, keys) -> list[list]:
    """Returns the lists under these keys of a JSON object, or raises ValueError that names the file."""
    content = _parsed(text, path)
    if not isinstance(content, dict):
        wanted = " and ".join(f'"{key}"' for key in keys)
        raise ValueError(f"{path}: expected an object with {wanted}, received a JSON list or value")
    for key in keys:
        if not isinstance(content.get(key), list):
            received = "none" if key not in content else type(content[key]).__name__
            raise ValueError(f'{path}: expected a list under "{key}", received {received}')
    return [content[key] for key in keys]


def _parsed(text: str, path: Path):
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: not valid JSON: {error.msg}") from error
    except RecursionError:
        raise ValueError(f"{path}: nested too deeply") from None


def _names(images: list, path: Path) -> dict:
    """File name by id."""
    names, known = {}, set()
    for k, image in enumerate(images):
        where = f"{path}, image {k}"
        key, name = json_value(image, "id", (int, str), where), json_value(image, "file_name", str, where).strip()
        if not name:
            raise ValueError(f'{where} (id {key!r}): expected a "file_name", received an empty one')
        if key in names:
            raise ValueError(f"{where}: id {key!r} is that of an earlier image already")
        if name in known:
            raise ValueError(f"{where} (id {key!r}): {name} is the file of an earlier image already")
        names[key] = name
        known.add(name)
    return names


def _captions(annotations: list, names: dict, path: Path) -> dict:
    """List of captions by id of the image."""
    captions, known = {key: [] for key in names}, set()
    for k, annotation in enumerate(annotations):
        where = f"{path}, annotation {k}"
        if isinstance(annotation, dict) and "id" in annotation:
            number = json_value(annotation, "id", (int, str), where)
            where = f"{where} (id {number!r})"
            if number in known:
                raise ValueError(f"{where}: this id is that of an earlier annotation already")
            known.add(number)
        key, caption = (
            json_value(annotation, "image_id", (int, str), where),
            json_value(annotation, "caption", str, where),
        )
        if key not in captions:
            raise ValueError(f"{where}: expected the id of an image, received image_id {key!r}")
        if not caption.strip():
            raise ValueError(f"{where}: expected a caption of {names[key]}, received an empty one")
        captions[key].append(caption.strip())
    return captions


def json_value(entry, key: str, types, where: str):
    """Returns what is under a key of an entry, or raises ValueError that names where it stands."""
    if not isinstance(entry, dict):
        raise ValueError(f"{where}: expected an object, received {type(entry).__name__}")
    if key not in entry:
        raise ValueError(f'{where}: expected a "{key}", received the keys {sorted(entry)[:8]}')
    if not isinstance(entry[key], types) or isinstance(entry[key], bool):
        names = {str: "a str", list: "a list"}
        expected = "an int or str" if isinstance(types, tuple) else names[types]
        raise ValueError(f'{where}: expected {expected} under "{key}", received {type(entry[key]).__name__}')
    return entry[key]
