"""The array simulator's own bits: error models, arrays, layers (built with -DFLARE_PYTHON=ON).

    from flare.arrays import Array, ErrorModel
    array = Array(weights, bits=8, sawl=8)               # whole numbers, depth x columns
    sums, counters = array.matmul(x, errors=ErrorModel.neighbour(8, 1e-4), seed=1)

`errors` may be a flare.ErrorModel, too, as result.error_model(...) gives it: its matrix alone, so that every read errs afresh.
ErrorModel.from_file keeps what is frozen on a die apart.
"""

try:
    from ._native import Array, Attention, ErrorModel, Linear, repeat_seed
except ImportError as error:
    raise ImportError("flare.arrays needs the native module: build with -DFLARE_PYTHON=ON and put build/.../python first on "
                      f"PYTHONPATH ({error})") from error

__all__ = ["Array", "Attention", "ErrorModel", "Linear", "repeat_seed"]
