#!/usr/bin/python3
"""The yardstick of array_bench: error-injected bit-serial products in numpy, through a confusion matrix.

    array_numpy.py TOKENS DEPTH COLUMNS SAWL ERROR_RATE

8 x 8 bits, two's complement, fixed groups of SAWL rows, every read draws a code. Prints reads per second.
Counting by matrix product and drawing by comparing one uniform with the cumulative probabilities of the level
is the fastest plain numpy way we know.
"""
import sys
import time

import numpy as np


def main():
    tokens, depth, columns, sawl = map(int, sys.argv[1:5])
    rate = float(sys.argv[5])
    rng = np.random.default_rng(1)
    x = rng.integers(-128, 128, (tokens, depth))
    w = rng.integers(-128, 128, (depth, columns))
    planes = [(((w >> q) & 1).astype(np.float32), -(1 << 7) if q == 7 else 1 << q) for q in range(8)]
    start = time.perf_counter()
    reads = 0
    out = np.zeros((tokens, columns))
    for p in range(8):
        bits = ((x >> p) & 1).astype(np.float32)
        scale = -(1 << 7) if p == 7 else 1 << p
        for begin in range(0, depth, sawl):
            rows = slice(begin, begin + sawl)
            for plane, weight in planes:
                k = bits[:, rows] @ plane[rows]
                u = rng.random(k.shape, dtype=np.float32)
                code = k + (u < rate / 2) - (u > 1 - rate / 2)  # neighbour errors
                np.clip(code, 0, sawl, out=code)
                out += scale * weight * code
                reads += code.size
    print(f"{reads / (time.perf_counter() - start):.4g}")


if __name__ == "__main__":
    main()
