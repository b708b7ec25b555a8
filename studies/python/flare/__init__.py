"""Results of FLARE in Python: tables, samples and error models of a result file.

    import flare
    result = flare.open("pick_sawl.h5")
    result.verdict                        # a pandas frame, or a numpy record array without pandas
    result.samples("points/sram8t/sawl8/tt_0.90V_27C/samples/k8")
    model = result.error_model("sram8t", 8, "flash")
    y = flare.noisy_matmul(x, w, model)   # integer product through arrays that err

Pure Python over h5py and numpy; pandas and torch are used where they are installed.
"""

from .error_model import ErrorModel, noisy_matmul
from .result import Result, open  # noqa: A004

__all__ = ["ErrorModel", "Result", "noisy_matmul", "open"]
__version__ = "0.1.0"
