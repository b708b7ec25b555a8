#!/usr/bin/python3
"""Small image files and what Pillow makes of them: tests/flare_arch/golden/images.

    photo.jpg, grey.png, palette.png   files
    images.safetensors                 "photo", ...: their pixels; "photo_bicubic_11x7", ...: resized (width x height)

Needs Debian's python3-pil and python3-numpy. Pixels are rows x columns x channels, U8.
"""
import json
import pathlib
import struct

import numpy as np
from PIL import Image

FOLDER = pathlib.Path(__file__).parent / "images"
FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
SIZES = [(11, 7), (40, 31), (23, 29), (5, 60)]


def save(path, tensors):
    header, blobs, at = {}, [], 0
    for name, values in tensors.items():
        data = np.ascontiguousarray(values, dtype=np.uint8).tobytes()
        header[name] = {"dtype": "U8", "shape": list(values.shape), "data_offsets": [at, at + len(data)]}
        blobs.append(data)
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def photo():
    """23 x 31 pixels with slopes, edges and noise: a filter that is off by one shows."""
    random = np.random.default_rng(3)
    y, x = np.mgrid[0:31, 0:23]
    planes = [120 + 90 * np.sin(x / 3.0) * np.cos(y / 5.0), (x > 11) * 200.0 + y, (x * 9 + y * 5) % 256]
    return np.clip(np.stack(planes, axis=2) + random.normal(0, 12, (31, 23, 3)), 0, 255).astype(np.uint8)


def rows(image):
    array = np.asarray(image)
    return array.reshape(array.shape[0], -1)


def main():
    FOLDER.mkdir(exist_ok=True)
    Image.fromarray(photo()).save(FOLDER / "photo.jpg", quality=85)
    Image.fromarray(photo()[:, :, 0]).save(FOLDER / "grey.png")
    Image.fromarray(photo()).quantize(16).save(FOLDER / "palette.png")
    tensors = {}
    for name in ("photo.jpg", "grey.png", "palette.png"):
        image = Image.open(FOLDER / name)
        stem = name.split(".")[0]
        tensors[stem] = rows(image.convert("RGB"))
        tensors[stem + "_grey"] = rows(image.convert("L"))
    image = Image.open(FOLDER / "photo.jpg").convert("RGB")
    for name, kind in FILTERS.items():
        for width, height in SIZES:
            tensors[f"photo_{name}_{width}x{height}"] = rows(image.resize((width, height), kind))
    save(FOLDER / "images.safetensors", tensors)


if __name__ == "__main__":
    main()
