"""The Gaussian filters of DRAW as the paper has them, in NumPy: one picture, loops, float64."""

import numpy as np


def filters(parameters, size, height, width):
    """F_Y (N, H) and F_X (N, W). Pixels are counted from 1, filters too."""
    centre_x = (width + 1) / 2 * (parameters[0] + 1)
    centre_y = (height + 1) / 2 * (parameters[1] + 1)
    variance = np.exp(parameters[2])
    stride = (max(height, width) - 1) / (size - 1) * np.exp(parameters[3]) if size > 1 else 0.0
    found = []
    for centre, count in ((centre_y, height), (centre_x, width)):
        of_axis = np.zeros((size, count))
        for i in range(1, size + 1):
            mean = centre + (i - size / 2 - 0.5) * stride
            for a in range(1, count + 1):
                of_axis[i - 1, a - 1] = np.exp(-((a - mean) ** 2) / (2 * variance))
            of_axis[i - 1] /= of_axis[i - 1].sum()
        found.append(of_axis)
    return found


def read(picture, parameters, size):
    """(H, W, C) -> (N, N, C)."""
    rows, columns = filters(parameters, size, *picture.shape[:2])
    channels = [rows @ picture[..., c] @ columns.T for c in range(picture.shape[2])]
    return np.exp(parameters[4]) * np.stack(channels, -1)


def write(patch, parameters, height, width):
    """(N, N, C) -> (H, W, C)."""
    rows, columns = filters(parameters, len(patch), height, width)
    channels = [rows.T @ patch[..., c] @ columns for c in range(patch.shape[2])]
    return np.stack(channels, -1) / np.exp(parameters[4])
