"""The array simulator's own bits: error models, arrays, layers (built with -DFLARE_PYTHON=ON).

    from flare.arrays import Array, ErrorModel
    array = Array(weights, bits=8, sawl=8)               # int32, depth x columns
    sums, counters = array.matmul(x, errors=ErrorModel.neighbour(8, 1e-4), seed=1)
"""

from ._native import Array, Attention, ErrorModel, Linear, repeat_seed

__all__ = ["Array", "Attention", "ErrorModel", "Linear", "repeat_seed"]
