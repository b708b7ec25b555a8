#!/usr/bin/python3
"""Golden vectors of attention on gain cells, in numpy (float64) straight from the definition:

    make_gain_cell.py            writes gain_cell.safetensors
    make_gain_cell.py AUTHORS    writes gain_cell_authors.safetensors from the authors' .npz, too

The authors' vectors: the first of tests_divers/64x64_*_notquant.npz, GainCellAttention (MIT licence, Copyright (c) 2024 Nathan
Leroux); the licence's text stands in gain_cell_authors.LICENSE beside it.
"""
import pathlib
import sys

import numpy as np

GOLDEN = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(GOLDEN))
from make_golden import write_safetensors  # noqa: E402

LAW = (0.52136361, 13.61226063, -2.62044562, 46.05483778)


def attention(q, k, v, window, decay, tile=64):
    """Codes to sums of counters, and how far the nearest tie between two counts is, in counts."""
    tokens, width = q.shape
    yk, yv = (0.9 * c / 7 - 0.45 for c in (k, v))
    counts, margin = np.zeros((tokens, width), int), np.full((tokens, width), np.inf)
    for t in range(tokens):
        seen = np.arange(max(0, t - window + 1), t + 1)
        kept = np.exp(-decay * (t - seen))[:, None]
        s = sum(g * (kept * yk[seen])**i for i, g in enumerate(LAW)) @ (q[t] / 15)
        pulse = np.clip(s / 80, 0, 1)
        currents = sum(g * (kept * yv[seen])**i for i, g in enumerate(LAW))
        counter = seen % window // tile
        for c in np.unique(counter):
            a = 15 * np.clip(pulse[counter == c] @ currents[counter == c] / 40, -1, 1)
            counts[t] += np.rint(a).astype(int)
            margin[t] = np.minimum(margin[t], np.abs(a - np.floor(a) - 0.5))
    return counts, margin


def main():
    rng = np.random.default_rng(5)
    tensors = {}
    for name, tokens, width, window, decay in (("one", 1, 64, 128, 1.6e-4), ("odd", 65, 64, 128, 1.6e-4),
                                               ("sliding", 200, 64, 128, 1e-2), ("ragged", 129, 19, 70, 1e-3)):
        q, k, v = rng.integers(0, 16, (tokens, width)), *rng.integers(0, 8, (2, tokens, width))
        counts, margin = attention(q, k, v, window, decay)
        for part, values in (("query", q), ("key", k), ("value", v), ("counts_and_128", counts + 128),
                             ("near", margin < 1e-4)):
            tensors[f"{name}.{part}"] = values.astype(np.uint8)
        tensors[f"{name}.window"] = np.array([window], np.int64)
        tensors[f"{name}.decay"] = np.array([decay], np.float64)
    write_safetensors(GOLDEN / "gain_cell.safetensors", tensors)
    if len(sys.argv) > 1:
        authors = np.load(sys.argv[1])
        write_safetensors(GOLDEN / "gain_cell_authors.safetensors",
                          {k: authors[k][0].astype(np.float32) for k in ("Q", "K", "V", "S", "phi_S", "output")})


if __name__ == "__main__":
    main()
