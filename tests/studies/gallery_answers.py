#!/usr/bin/python3
"""Results of the gallery against answers that were obtained in another way.

    gallery_answers.py FOLDER      with NAME.h5 of the gallery's studies and pick_sawl_quick.h5; status 1 where one differs
"""
import math
import pathlib
import sys
from statistics import NormalDist

import h5py

FOLDER = pathlib.Path(sys.argv[1])
BOLTZMANN = 1.380649e-23


def rows(name, table):
    with h5py.File(FOLDER / f"{name}.h5") as file:
        return file[table][()]


def sigma_of(p):
    return -NormalDist().inv_cdf(p)


def close(what, found, low, high, expected, besides=0.0):
    """Whether `expected` lies in the 95 % interval, widened by half of it: of two dozen intervals one misses by chance."""
    slack = 0.5 * (high - low) + besides
    right = low - slack <= expected <= high + slack
    print(f"{'ok   ' if right else 'WRONG'} {what}: {found:.6g} [{low:.6g}, {high:.6g}], expected {expected:.6g}")
    return right


def spec(name, spec_name=None):
    for row in rows(name, "specs"):
        if spec_name is None or row["spec"].decode() == spec_name:
            return row
    raise KeyError(spec_name)


def lognormal_corner():
    # 1 / (2 pi R C) is lognormal with 5 %; the limits are 5.75 and 5.25 sigma away.
    tail = NormalDist().cdf
    exact = sigma_of(tail(-math.log(1 / 0.75) / 0.05) + tail(-math.log(1.3) / 0.05))
    row, limit = spec("rc_corner"), rows("rc_corner", "limits")[0]
    # What interpolation between 100 points a decade leaves is below both slacks.
    return [close("corner of an RC", row["sigma"], row["sigma_low"], row["sigma_high"], exact, 0.005),
            close("the lowest that holds 4 sigma, kHz", limit["limit"] / 1e3, limit["limit_low"] / 1e3, limit["limit_high"] / 1e3,
                  1e3 * math.exp(-0.2), 0.1)]


def noise_of_a_capacitor():
    # sqrt(k T / C) with a lognormal C of 3 %; the netlist's C is 159.155 pF.
    row = spec("ktc_noise")
    nominal = math.sqrt(BOLTZMANN * 300.15 / 159.155e-12)
    exact = 2 * math.log(row["max"] / nominal) / 0.03
    return [close("kT/C noise", row["sigma"], row["sigma_low"], row["sigma_high"], exact, 0.005)]


def read_stack_is_the_column():
    # One level as a plain netlist against the study of the whole column at the same corner.
    row = spec("read_stack")
    column = [r for r in rows("pick_sawl_quick", "verdict") if r["sawl"] == 8][0]
    return [close("read stack", row["sigma"], row["sigma_low"], row["sigma_high"], column["sigma"],
                  0.5 * (column["sigma_high"] - column["sigma_low"]) + 0.02)]


def a_sweeps_point_is_its_study():
    row = spec("inverter_trip")
    points, answers = rows("inverter_sweep", "sweep/points"), rows("inverter_sweep", "sweep/answers")
    found = []
    for point in points:
        if point["technology.parameters.wn"] != 120 or point["corners.supply"] != 0.9:
            continue
        answer = [a for a in answers if a["point"] == point["point"]][0]
        found.append(close("inverter in the sweep", answer["sigma"], answer["sigma_low"], answer["sigma_high"], row["sigma"], 0.02))
    return found


def comparator_is_the_converters():
    # Offsets searched by halving, 60 of them, against those of converters.toml at the same input level of 0.525 V: 8.8 mV, by
    # a secant through the differential output. Limits of a standard deviation: chi-square with 59 degrees of freedom.
    with h5py.File(FOLDER / "comparator.h5") as file:
        offsets = [float(row[0]) for row in file["points/strongarm_offset/tt_0.90V_27C/samples/measures"][()]]
    mean = sum(offsets) / len(offsets)
    sigma = 1e3 * math.sqrt(sum((x - mean) ** 2 for x in offsets) / (len(offsets) - 1))
    return [close("sigma of a comparator's offset, mV", sigma, sigma * math.sqrt(59 / 82.1), sigma * math.sqrt(59 / 39.7), 8.8)]


def main():
    right = (lognormal_corner() + noise_of_a_capacitor() + read_stack_is_the_column() + a_sweeps_point_is_its_study()
             + comparator_is_the_converters())
    return 0 if len(right) == 6 and all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
