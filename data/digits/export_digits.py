#!/usr/bin/python3
"""Writes digits.csv from the copy of the UCI handwritten digits that Debian's python3-sklearn carries.

One line per image: split (train or test), label (0-9), then the 64 pixels row by row (0-16).
The split is stratified by label and fixed by SPLIT_SEED: 500 test images, the rest for training.

    /usr/bin/python3 data/digits/export_digits.py
"""
import pathlib

import numpy as np
from sklearn.datasets import load_digits

SPLIT_SEED = 20260
TEST_IMAGES = 500


def split_mask(labels):
    """True for test images: the same share of every label, chosen by a seeded permutation."""
    rng = np.random.default_rng(SPLIT_SEED)
    is_test = np.zeros(len(labels), bool)
    quota = np.bincount(labels) * TEST_IMAGES / len(labels)
    count = np.floor(quota).astype(int)
    for label in np.argsort(count - quota, kind="stable")[: TEST_IMAGES - count.sum()]:
        count[label] += 1
    for label in range(10):
        members = np.flatnonzero(labels == label)
        is_test[rng.permutation(members)[: count[label]]] = True
    return is_test


def main():
    digits = load_digits()
    pixels = digits.data.astype(int)
    is_test = split_mask(digits.target)
    out = pathlib.Path(__file__).parent / "digits.csv"
    with out.open("w") as f:
        f.write("split,label," + ",".join(f"p{r}{c}" for r in range(8) for c in range(8)) + "\n")
        for image, label, test in zip(pixels, digits.target, is_test):
            f.write(("test" if test else "train") + f",{label}," + ",".join(map(str, image)) + "\n")
    print(f"{out}: {len(pixels)} images, {is_test.sum()} of them for testing")


if __name__ == "__main__":
    main()
