"""A result file: HDF5 with a table an answer, as studies/README.md describes it."""

import os

import h5py
import numpy as np

from .error_model import ErrorModel

try:
    import pandas
except ImportError:  # frames become record arrays
    pandas = None


def _text(value):
    return value.decode("utf-8") if isinstance(value, bytes) else value


def _texts(values):
    return [_text(v) for v in np.ravel(values)]


def frame(table):
    """A compound dataset as a pandas frame (units in `.attrs["units"]`), or a record array without pandas."""
    rows = table[()]
    columns = {}
    for name in rows.dtype.names:
        column = rows[name]
        columns[name] = np.array(_texts(column), dtype=object) if column.dtype.kind in "OS" else column
    units = dict(zip(rows.dtype.names, _texts(table.attrs.get("units", [])), strict=False))
    if pandas is not None:
        made = pandas.DataFrame(columns)
        made.attrs["units"] = units
        return made
    kinds = [(n, c.dtype) for n, c in columns.items()]
    made = np.recarray(len(rows), dtype=kinds)
    for name, column in columns.items():
        made[name] = column
    return made


class Result:
    """One result file, read only. `part` is the group all paths are relative to: the file, or a point of a sweep."""

    def __init__(self, file, part="/"):
        self._file = file
        self._part = part.rstrip("/") + "/"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        self._file.close()

    @property
    def attributes(self):
        """Of the file: format, complete, study, seed, versions."""
        return {k: _text(v) if isinstance(v, (bytes, str)) else v for k, v in self._file.attrs.items()}

    @property
    def complete(self):
        return bool(self._file.attrs["complete"])

    def tables(self):
        """Paths of all tables."""
        found = []

        def visit(name, node):
            if isinstance(node, h5py.Dataset) and node.dtype.names:
                found.append(name)

        self._file[self._part].visititems(visit)
        return sorted(found)

    def table(self, path):
        """Any table by its path, e.g. "points/sram8t/sawl8/tt_0.90V_27C/levels". KeyError where there is none."""
        return frame(self._file[self._part + path.lstrip("/")])

    def _optional(self, path):
        return self.table(path) if self._part + path in self._file else None

    @property
    def verdict(self):
        """Of a column a row a cell, SAWL and converter; of a circuit a row a spec. None where the file has neither."""
        verdict = self._optional("verdict")
        return self._optional("specs") if verdict is None else verdict

    @property
    def failures(self):
        """Of a circuit: a row a corner and spec."""
        return self._optional("failures")

    @property
    def limits(self):
        """Limits that the study asked for."""
        return self._optional("limits")

    @property
    def screening(self):
        return self._optional("screening")

    @property
    def accuracy(self):
        return self._optional("accuracy")

    @property
    def sweep(self):
        """Every answer of a sweep beside the values of its point; None where the study has no sweep."""
        if self._part + "sweep/points" not in self._file:
            return None
        points, answers = self.table("sweep/points"), self.table("sweep/answers")
        if pandas is not None:
            return points.merge(answers, on="point")
        order = [list(points["point"]).index(p) for p in answers["point"]]
        names = [n for n in points.dtype.names if n != "point"]
        kinds = [(n, points.dtype[n]) for n in names] + answers.dtype.descr
        made = np.recarray(len(answers), dtype=kinds)
        for name in names:
            made[name] = points[name][order]
        for name in answers.dtype.names:
            made[name] = answers[name]
        return made

    def point(self, number):
        """Point `number` of a sweep, as a result of its own."""
        path = f"{self._part}sweep/results/{number}"
        if path not in self._file:
            raise KeyError(f"{self._file.filename}: there is no point {number} of a sweep")
        return Result(self._file, path)

    def sample_groups(self):
        """Paths of all groups of samples."""
        found = []

        def visit(name, node):
            if isinstance(node, h5py.Group) and "parameters" in node and "measures" in node:
                found.append(name)

        self._file[self._part].visititems(visit)
        return sorted(found)

    def samples(self, path):
        """Samples of a group: index, outcome, measures and, in sigma, every variable; `weight` where runs have one."""
        group = self._file[self._part + path.strip("/")]
        columns = {name: group["runs"][name] for name in group["runs"].dtype.names}
        outcomes = _texts(group.attrs["outcomes"])
        columns["outcome"] = np.array([outcomes[o] for o in columns["outcome"]], dtype=object)
        for part in ("measures", "parameters"):
            names = _texts(group[part].attrs["names"])
            values = group[part][()]
            columns.update({name: values[:, i] for i, name in enumerate(names)})
        if pandas is not None:
            return pandas.DataFrame(columns)
        made = np.recarray(len(columns["index"]), dtype=[(n, c.dtype) for n, c in columns.items()])
        for name, column in columns.items():
            made[name] = column
        return made

    def error_models(self):
        """Names (cell, SAWL, converter, corner) of all error models."""
        names = []
        root = self._file.get(self._part + "error_models")
        for cell in root or []:
            for sawl in root[cell]:
                for adc in root[cell][sawl]:
                    names += [(cell, int(sawl[4:]), adc, corner) for corner in root[cell][sawl][adc]]
        return names

    def error_model(self, cell, sawl, adc, corner=None):
        """An error model; without a corner that of the verdict, the worst."""
        if corner is None:
            rows = self.table("verdict")
            keep = (rows["cell"] == cell) & (rows["sawl"] == sawl) & (rows["adc"] == adc)
            corners = list(rows["corner"][keep])
            if not corners:
                raise KeyError(f"the verdict has no {cell}, SAWL {sawl}, {adc}; there are {self.error_models()}")
            corner = corners[0]
        return ErrorModel.of_group(self._file[f"{self._part}error_models/{cell}/sawl{sawl}/{adc}/{corner}"])


def open(path):  # noqa: A001 - flare.open
    """Opens a result file. ValueError for a file that is none."""
    file = h5py.File(os.fspath(path), "r")
    kind = _text(file.attrs.get("format", ""))
    if kind != "flare/1":
        file.close()
        raise ValueError(f"{path}: format '{kind}' is not flare/1; give a file written by flare run")
    return Result(file)
