"""The words in which scenes are told, and a speaker who finds names, places and relations that are true and clear."""

from collections.abc import Sequence

import numpy as np

from keras_seqcv.data.scene_objects import SceneObject, is_related, position

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six")
# What is said, and the words that `position` must hold for it to be true.
PLACES = {
    "at the top": {"top"},
    "at the bottom": {"bottom"},
    "on the left": {"left"},
    "on the right": {"right"},
    "in the middle": {"middle"},
    "in the top left": {"top", "left"},
    "in the top right": {"top", "right"},
    "in the bottom left": {"bottom", "left"},
    "in the bottom right": {"bottom", "right"},
    "in the top left corner": {"top", "left"},
    "in the top right corner": {"top", "right"},
    "in the bottom left corner": {"bottom", "left"},
    "in the bottom right corner": {"bottom", "right"},
}
RELATIONS = {
    "left of": "left",
    "to the left of": "left",
    "right of": "right",
    "to the right of": "right",
    "above": "above",
    "below": "below",
    "under": "below",
}
OPENINGS = ("there is", "we can see", "the picture shows")


def plural(shape: str) -> str:
    """The plural of a shape, or of "object"."""
    return shape + ("es" if shape.endswith("s") else "s")


def noun_phrase(size: str | None, color: str | None, shape: str | None, article: str = "a") -> str:
    """Joins what is given: "a large red circle", "an orange object", "the small star"."""
    words = " ".join(word for word in (size, color, shape or "object") if word)
    return ("an" if article == "a" and words[0] in "aeiou" else article) + " " + words


def is_at(thing: SceneObject, place: str, image_size: int) -> bool:
    """Whether one of `PLACES` is true of an object."""
    return PLACES[place] <= set(position(thing, image_size).split())


class Speaker:
    """Chooses at random among what can be said of a scene.

    Args:
        rng: where chance comes from; only `random` is called.
        objects: the objects of the scene.
        image_size: the side of the picture.
    """

    def __init__(self, rng: np.random.Generator, objects: Sequence[SceneObject], image_size: int):
        self.rng, self.objects, self.image_size = rng, objects, image_size

    def chance(self, probability: float = 0.5) -> bool:
        return self.rng.random() < probability

    def pick(self, options: Sequence):
        return options[int(self.rng.random() * len(options))]

    def shuffled(self, options: Sequence) -> list:
        return [options[i] for i in self.rng.random(len(options)).argsort()]

    def name(self, thing: SceneObject, article: str = "a", without: str = "") -> str | None:
        """A noun phrase that fits this object alone, and does not tell its `without`; None if there is none."""
        forms = []
        for told in (("color", "shape"), ("size", "shape"), ("shape",), ("size", "color"), ("color",)):
            attributes = [getattr(thing, word) if word in told else None for word in ("size", "color", "shape")]
            if without not in told and sum(other.matches(*attributes) for other in self.objects) == 1:
                forms.append(attributes)
        full = [thing.size, thing.color, thing.shape]
        if not without and (not forms or self.chance()):
            return noun_phrase(*full, article)
        # Names with the shape are more natural: "object" only now and then, or where nothing else will do.
        shaped = [form for form in forms if form[2]]
        chosen = shaped if shaped and self.chance(0.8) else forms
        return noun_phrase(*self.pick(chosen), article) if chosen else None

    def place(self, thing: SceneObject) -> str:
        """A true place; of an object in a corner, its corner or one of its two sides."""
        return self.pick([place for place in PLACES if is_at(thing, place, self.image_size)])

    def own_place(self, thing: SceneObject) -> str | None:
        """A place where nothing else is; None if there is none."""
        places = [place for place in PLACES if self.things_at(place) == [thing]]
        return self.pick(places) if places else None

    def things_at(self, place: str) -> list[SceneObject]:
        return [thing for thing in self.objects if is_at(thing, place, self.image_size)]

    def relation(self, first: SceneObject, second: SceneObject) -> str:
        """A true relation, along the axis on which the two are farther apart."""
        dx, dy = (a - b for a, b in zip(first.center, second.center))
        if abs(dx) > abs(dy):
            meant = "left" if dx < 0 else "right"
        else:
            meant = "above" if dy < 0 else "below"
        return self.pick([phrase for phrase, meaning in RELATIONS.items() if meaning == meant])

    def is_related(self, first: SceneObject, relation: str, second: SceneObject) -> bool:
        return is_related(first, relation, second, self.image_size)


def listed(items: Sequence[str]) -> str:
    """Joins by commas and a last "and"."""
    return " and ".join([*([", ".join(items[:-1])] if items[1:] else []), items[-1]])
