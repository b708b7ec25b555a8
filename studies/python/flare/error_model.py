"""P(code | k): how reads of a bitline err, and integer products through arrays that do."""

import h5py
import numpy as np


class ErrorModel:
    """Reads of SAWL rows: `confusion[k, code]` is P(code | k on-cells), `reconstruct[code]` the on-cells a code stands for."""

    def __init__(self, confusion, reconstruct=None):
        self.confusion = np.asarray(confusion, dtype=float)
        if self.confusion.ndim != 2 or len(self.confusion) < 2:
            raise ValueError("a confusion matrix has a row a level, k = 0 ... SAWL, and a column a code")
        if not np.allclose(self.confusion.sum(axis=1), 1.0, atol=1e-9) or (self.confusion < 0).any():
            raise ValueError("every row of a confusion matrix sums to 1, without negative probabilities")
        self.sawl = len(self.confusion) - 1
        codes = self.confusion.shape[1]
        even = np.arange(codes) * (self.sawl / (codes - 1)) if codes > 1 else np.zeros(1)
        self.reconstruct = even if reconstruct is None else np.asarray(reconstruct, dtype=float)
        if self.reconstruct.shape != (codes,):
            raise ValueError(f"{codes} codes need as many values to stand for")
        self._cumulative = np.cumsum(self.confusion, axis=1)
        self._cumulative[:, -1] = 1.0

    @classmethod
    def of_group(cls, group):
        """Of a group of /error_models of a result file."""
        table = group["confusion"]
        return cls(table[()], table.attrs.get("reconstruct"))

    @classmethod
    def of_file(cls, path, group):
        with h5py.File(path, "r") as file:
            return cls.of_group(file[group])

    @classmethod
    def ideal(cls, sawl):
        return cls(np.eye(sawl + 1))

    def error_rates(self):
        """P(a code other than the level's most likely one | k)."""
        likely = self.confusion.argmax(axis=1)
        others = self.confusion.copy()
        others[np.arange(len(others)), likely] = 0.0
        return others.sum(axis=1)

    def draw(self, k, rng=None):
        """A code for every number of on-cells in `k`, drawn afresh."""
        rng = np.random.default_rng(rng)
        k = np.asarray(k)
        if k.size and (k.min() < 0 or k.max() > self.sawl):
            raise ValueError(f"levels go from 0 to {self.sawl}")
        code = np.zeros(k.shape, dtype=np.intp)
        u = rng.random(k.shape)
        for level in np.unique(k):
            at = k == level
            code[at] = np.searchsorted(self._cumulative[level], u[at], side="right")
        return np.minimum(code, self.confusion.shape[1] - 1)

    def __repr__(self):
        return f"ErrorModel(SAWL {self.sawl}, {self.confusion.shape[1]} codes, worst error {self.error_rates().max():.3g})"


def _planes(values, bits):
    """Bit planes in two's complement with their weights."""
    return [((values >> p) & 1, -(1 << p) if p == bits - 1 else 1 << p) for p in range(bits)]


def _checked(values, bits, name):
    values = np.asarray(values)
    if not np.issubdtype(values.dtype, np.integer):
        raise TypeError(f"{name} holds integers: quantise it first")
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    if values.size and (values.min() < low or values.max() > high):
        raise ValueError(f"{name} exceeds {bits} bits in two's complement, {low} ... {high}")
    return values.astype(np.int64)


def noisy_matmul(x, w, model, x_bits=8, w_bits=8, rng=None):
    """x @ w as an array computes it: inputs bit by bit, weights bit-sliced, fixed groups of SAWL rows a read, every read
    with an error drawn afresh.

    x: tokens x depth, w: depth x columns, integers in two's complement. Returns tokens x columns, float. Arrays of torch are
    taken and given back as such.
    """
    torch = type(x).__module__.split(".")[0] == "torch"
    if torch:
        import torch as library

        given = x
        x, w = x.detach().cpu().numpy(), w.detach().cpu().numpy()
    x, w = _checked(x, x_bits, "x"), _checked(w, w_bits, "w")
    if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[0]:
        raise ValueError(f"x {x.shape} and w {w.shape} do not fit: tokens x depth and depth x columns")
    rng = np.random.default_rng(rng)
    sums = np.zeros((x.shape[0], w.shape[1]))
    for x_plane, x_scale in _planes(x, x_bits):
        for begin in range(0, x.shape[1], model.sawl):
            rows = slice(begin, begin + model.sawl)
            for w_plane, w_scale in _planes(w, w_bits):
                k = x_plane[:, rows] @ w_plane[rows]
                sums += x_scale * w_scale * model.reconstruct[model.draw(k, rng)]
    return library.from_numpy(sums).to(given.device) if torch else sums
