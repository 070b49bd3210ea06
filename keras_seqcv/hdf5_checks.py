"""What is asked of an HDF5 file before its arrays are read."""

# Arrays of a file may be so much larger than it: more is a declared shape with nothing behind it.
_FREE_BYTES = 2**26
_MOST_GROWTH = 100
_MOST_OBJECTS = 1_000_000


def check_hdf5(file, size: int) -> None:
    """Raises ValueError for an HDF5 file that points to other files, or promises more than it has.

    Args:
        file: `h5py.File`, open for reading.
        size: of the file, in bytes.

    Raises:
        ValueError: a soft or external link, data in another file, or data sets that are together more than 64 MB and a
            hundred times the file.

    Example:
        >>> import h5py
        >>> from keras_seqcv.hdf5_checks import check_hdf5
        >>> with h5py.File("link.h5", "w") as file:
        ...     file["weights"] = h5py.ExternalLink("/etc/passwd", "/")
        >>> with h5py.File("link.h5") as file:
        ...     check_hdf5(file, 800)
        Traceback (most recent call last):
        ...
        ValueError: '/weights' is an ExternalLink, expected a group or an array of this file
    """
    import h5py  # Keras brings it

    seen, waiting, total = set(), [file["/"]], 0
    while waiting:
        group = waiting.pop()
        for name in group:
            place = f"{group.name.rstrip('/')}/{name}"
            kind = group.get(name, getclass=True, getlink=True)
            if kind is not h5py.HardLink:
                raise ValueError(f"{place!r} is an {kind.__name__}, expected a group or an array of this file")
            address = h5py.h5o.get_info(group.id, name.encode()).addr
            if address in seen:  # two names of one object, or a group that holds itself
                continue
            seen.add(address)
            if len(seen) > _MOST_OBJECTS:
                raise ValueError(f"expected at most {_MOST_OBJECTS} groups and arrays, it has more")
            found = group[name]
            if isinstance(found, h5py.Group):
                waiting.append(found)
            elif isinstance(found, h5py.Dataset):
                total += _checked_bytes(found, place)
                if total > _FREE_BYTES + _MOST_GROWTH * size:
                    raise ValueError(f"its arrays would have {total} bytes and more, the file has {size}")


def _checked_bytes(array, place: str) -> int:
    if array.external or array.is_virtual:
        raise ValueError(f"{place!r} has its data in another file")
    return array.nbytes
