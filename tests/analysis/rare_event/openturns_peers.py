#!/usr/bin/python3
"""Reliability methods of OpenTURNS behind a pipe.

    openturns_peers.py            serves requests from standard input until it ends
    openturns_peers.py --version  prints the version of OpenTURNS; fails where it is not installed

A request is a line "METHOD DIMENSION SEED COV MAX_RUNS". Answered by any number of
    "points N\\n" and N x DIMENSION doubles; N doubles (margins, fails where <= 0) are then read back,
and one last line
    "result P LOW HIGH\\n" (95 % interval) or "refused REASON\\n".
COV is the coefficient of variation at which the sampling may stop. Methods: form (FORM, then importance sampling at its
design point), subset (1,000 points a level), nais (1,000 points a step).
"""
import math
import sys

import numpy as np
import openturns as ot


class OutOfRuns(Exception):
    pass


class Margin:
    """The margin of the other side of the pipe."""

    def __init__(self, dimension, most):
        self.dimension, self.left = dimension, most

    def __call__(self, points):
        points = np.ascontiguousarray(points, dtype=np.float64).reshape(-1, self.dimension)
        self.left -= len(points)
        if self.left < 0:
            raise OutOfRuns()
        sys.stdout.buffer.write(b"points %d\n" % len(points) + points.tobytes())
        sys.stdout.buffer.flush()
        return np.frombuffer(sys.stdin.buffer.read(8 * len(points))).reshape(-1, 1)


def event_of(margin):
    function = ot.PythonFunction(margin.dimension, 1, func=lambda x: margin([x])[0], func_sample=margin)
    output = ot.CompositeRandomVector(function, ot.RandomVector(ot.Normal(margin.dimension)))
    return ot.ThresholdEvent(output, ot.LessOrEqual(), 0.0)


def form(event, dimension, cov):
    search = ot.FORM(ot.AbdoRackwitz(), event, [0.0] * dimension)
    search.run()
    sampling = ot.PostAnalyticalImportanceSampling(search.getResult())
    return stopping_at(sampling, cov)


def stopping_at(sampling, cov):
    sampling.setBlockSize(50)
    sampling.setMaximumOuterSampling(1000000)
    sampling.setMaximumCoefficientOfVariation(cov)
    return sampling


def level_by_level(sampling):
    sampling.setBlockSize(100)
    sampling.setMaximumOuterSampling(10)
    return sampling


METHODS = {
    "form": form,
    "subset": lambda event, dimension, cov: level_by_level(ot.SubsetSampling(event)),
    "nais": lambda event, dimension, cov: level_by_level(ot.NAIS(event)),
}


def answer(method, dimension, seed, cov, most):
    ot.RandomGenerator.SetSeed(seed)
    margin = Margin(dimension, most)
    try:
        sampling = METHODS[method](event_of(margin), dimension, cov)
        sampling.run()
        result = sampling.getResult()
        p, width = result.getProbabilityEstimate(), result.getConfidenceLength(0.95)
    except Exception as error:  # whatever a method ends with, the next request is served
        reason = "out of runs" if margin.left < 0 else str(error).replace("\n", " ")[:100]
        return "refused " + reason
    if not (math.isfinite(p) and math.isfinite(width)) or p <= 0.0:
        return f"refused P = {p}"
    return f"result {p!r} {max(0.0, p - 0.5 * width)!r} {p + 0.5 * width!r}"


def main():
    if "--version" in sys.argv:
        print(ot.__version__)
        return
    ot.Log.Show(ot.Log.NONE)
    for line in iter(sys.stdin.buffer.readline, b""):
        method, dimension, seed, cov, most = line.split()
        last = answer(method.decode(), int(dimension), int(seed), float(cov), int(most))
        sys.stdout.buffer.write(last.encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
