"""The pictures of this application: digits, drawn or from files, as they are or put somewhere into larger pictures."""

import numpy as np

import keras_seqcv as ks

TASKS = ("plain", "translated", "cluttered", "several")
CLUTTER = 4  # pieces in a picture, as in the paper
_FAINT = 25  # how bright a pixel is that counts, as for `ks.data.scattered_digits`


def pictures(args) -> tuple:
    """`LabelledImages` for training and for the test, and what is done to those for training, anew in each epoch."""
    if args.data:
        digits, others = (ks.data.read_labelled_images(args.data, split) for split in ("train", "test"))
    else:
        digits = ks.data.drawn_digits(args.count, seed=args.seed)
        others = ks.data.drawn_digits(args.test_count, seed=args.seed + 1)
    if args.task == "plain":
        return digits, others, ks.data.PictureShifts(args.shift) if args.shift else None
    size, clutter = tuple(args.image_size), CLUTTER if args.task == "cluttered" else 0
    if args.task == "several":
        options = {"seed": args.seed, "image_size": size, "per_image": tuple(args.per_image)}
        digits, changed = ks.data.scattered_digits(digits, args.count, **options), digits
    else:
        digits, changed = in_the_middle(digits, size), digits
        options = {"image_size": size, "clutter": clutter}
    test = ks.data.scattered_digits(others, args.test_count, **{**options, "seed": args.seed + 1})
    return digits, test, Anew(changed.images, clutter)


def in_the_middle(digits, size):
    """Each digit once, in the middle of a larger picture."""
    height, width, _ = digits.image_shape
    if size[0] < height or size[1] < width:
        raise ValueError(f"--image-size: expected {(height, width)}, that of the digits, or more, received {size}")
    rows, columns = (((n - k) // 2, n - k - (n - k) // 2) for n, k in zip(size, (height, width)))
    images = np.pad(digits.images, [(0, 0), rows, columns, (0, 0)])
    return ks.data.LabelledImages(images, digits.labels, digits.names)


class Anew:
    """Puts what is in each picture somewhere else, each place as likely as the others, and clutter around it.

    Args:
        digits: (N, H', W', C) uint8, of which pieces are taken. clutter: how many for a picture. side: of a piece.
    """

    def __init__(self, digits, clutter, side=8):
        self.digits, self.clutter, self.side = digits, clutter, side

    def __call__(self, images, chance):
        """Pictures (B, H, W, C) uint8, and random numbers -> others of the same shape."""
        moved = np.zeros_like(images)
        boxes = zip(*(_span(images.max((axis, 3)) >= _FAINT) for axis in (2, 1)))
        for old, new, (rows, columns) in zip(images, moved, boxes, strict=True):
            part = old[slice(*rows), slice(*columns)]
            self._put(chance, new, part)
        for new in moved:
            for piece in self._pieces(chance):
                self._put(chance, new, piece)
        return moved

    def _pieces(self, chance):
        for k in chance.integers(len(self.digits), size=self.clutter):
            yield _somewhere(chance, self.digits[k], (self.side, self.side))

    def _put(self, chance, picture, part):
        there = _somewhere(chance, picture, part.shape)
        np.maximum(there, part, out=there)


def _span(bright):
    """Of rows of bool (B, N): from the first that is true to behind the last; all where none is."""
    count = bright.shape[1]
    some = bright.any(1)
    first = np.where(some, bright.argmax(1), 0)
    return np.stack([first, np.where(some, count - bright[:, ::-1].argmax(1), count)], 1)


def _somewhere(chance, picture, size):
    """A part of a picture, as a view."""
    top, left = (int(chance.integers(0, n - k + 1)) for n, k in zip(picture.shape, size[:2], strict=False))
    return picture[top : top + size[0], left : left + size[1]]
