"""What the READMEs quote, and the runs it comes from.

A source is a command and what is quoted of it: named pieces of Markdown, and figures. To quote something new, add it to
the dictionary that the source's function returns and put its name between marks in a README (renew_quotes says how).
"""

import hashlib
import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "build/release/bin"


@dataclass
class Quoted:
    """What a run said: text by name, figures by their name in data/figures."""

    texts: dict = field(default_factory=dict)
    figures: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """A command whose output is quoted.

    cheap: `check` makes the run again and compares; else it compares `identity`.
    read: makes the run in a folder and reads it; the result file of a study is taken from there where it is complete.
    identity: what the run depends on besides the program, hashed.
    code: folders whose sources make the numbers.
    """

    name: str
    command: str
    cheap: bool
    read: Callable[[Path], Quoted]
    identity: Callable[[], str]
    code: tuple

    def code_hash(self) -> str:
        files = [f for folder in self.code for f in (ROOT / folder).rglob("*") if f.suffix in (".cpp", ".hpp")]
        return hash_files(files)


def hash_files(files) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def output_of(program: str, *arguments) -> str:
    """stdout of one of the built programs; its stderr goes where ours goes."""
    command = [str(PROGRAMS / program), *map(str, arguments)]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"renew_quotes: '{' '.join(command)}' ended with status {ended.returncode}:\n{ended.stdout}")
    return ended.stdout


def found(pattern: str, text: str) -> list:
    """All matches of a pattern that must be there."""
    matches = re.findall(pattern, text)
    if not matches:
        raise SystemExit(f"renew_quotes: no '{pattern}' in this output, mend quote_sources.py:\n{text}")
    return matches


def table_with(head: str, printed: str) -> str:
    """A table as the program prints it, from the line of its heads on, without its indentation."""
    lines = printed.splitlines()
    first = next(i for i, line in enumerate(lines) if line.split()[:1] == [head])
    last = next(i for i in range(first, len(lines) + 1) if i == len(lines) or not lines[i].strip())
    return "\n".join(line.strip() for line in lines[first:last])


def study_run(study: str, out: Path, overrides=()) -> str:
    """What `flare run` prints of a study; a complete result in `out` is read, not made again."""
    sets = [word for override in overrides for word in ("--set", override)]
    return output_of("flare", "run", study, "-o", out, *sets)


def rows(file: Path, table: str) -> np.ndarray:
    with h5py.File(file) as f:
        return f[table][:]


def accuracy_row(file: Path, converter: str) -> str:
    """Cells of a Markdown table: float, without errors, then every SAWL with the deviation of its repeats."""
    accuracy = rows(file, "accuracy")
    of = lambda row: f"{100 * row['accuracy_mean']:.1f}"  # noqa: E731
    plain = [row for row in accuracy if row["sawl"] == 0]
    cells = [f"{of(row)} %" for quantizer in (b"float", b"emsbq") for row in plain if row["quantizer"] == quantizer]
    for row in accuracy:
        if row["sawl"] == 0 or row["adc"].decode() != converter or row["mode"] != b"read":
            continue
        spread = f"{100 * row['accuracy_std']:.1f}"
        cells.append(of(row) + (f" ± {spread}" if float(spread) > 0 else "") + " %")
    return " | ".join(cells)


def read_current(folder: Path) -> Quoted:
    study_run("studies/read_current.toml", folder / "read_current.h5")
    texts = {}
    for row in rows(folder / "read_current.h5", "failures"):
        interval = f"[{row['sigma_low']:.2f}, {row['sigma_high']:.2f}]"
        process = row["corner"].decode().split("_")[0]
        texts[process] = f"{row['sigma']:.2f} sigma {interval} from {row['runs']} runs"
    return Quoted(texts)


def pick_sawl_quick(folder: Path) -> Quoted:
    printed = study_run("studies/pick_sawl_quick.toml", folder / "pick_sawl_quick.h5")
    return Quoted({"table": fenced(table_with("cell", printed))})


def fenced(text: str) -> str:
    return f"```\n{text}\n```"


def tail_runs(file: Path, sawl: int) -> str:
    """Runs behind all tails of a corner, and the half-widths of their intervals, over the corners run in full."""
    runs, widths = [], []
    with h5py.File(file) as f:
        for corner in f[f"points/sram8t/sawl{sawl}"].values():
            counts = []
            corner["tail_samples"].visititems(
                lambda name, node: counts.append(len(node)) if name.endswith("/runs") else None
            )
            runs.append(sum(counts))
            tails = corner["tails"][:]
            estimated = tails[tails["status"] == b"estimated"]
            widths.extend((estimated["sigma_high"] - estimated["sigma_low"]) / 2)
    return (
        f"{min(runs):,} to {max(runs):,} runs at half-widths of {min(widths):.2f} to {max(widths):.2f} sigma"
    )


def pick_sawl(folder: Path) -> Quoted:
    result = folder / "pick_sawl.h5"
    printed = study_run("studies/pick_sawl.toml", result)
    output_of("flare", "report", result, "-o", folder / "report")
    return Quoted(
        {
            "table": fenced(table_with("cell", printed)),
            "verdict": "> " + found(r"(?m)^sram8t with flash: pick .*$", printed)[0],
            "accuracy": accuracy_row(result, "flash"),
            "tail_runs": tail_runs(result, 8),
        },
        {
            "carriers.svg": folder / "report/carriers_sram8t_8_flash.svg",
            "error_over_sawl.svg": folder / "report/error_over_sawl.svg",
        },
    )


def sigma_of(row) -> str:
    """Sigma of a point of the map: bold where it holds, > of a bound, italic of a fitted law, a dash where nobody knows."""
    if row["status"] == b"refused":
        return "–"
    if row["status"] == b"extrapolated":
        return f"*{row['sigma']:.1f}*"
    bound = ("> " if row["p_error"] == row["p_high"] else "< ") if row["status"] == b"bound" else ""
    return f"**{bound}{row['sigma']:.2f}**" if row["passes"] else f"{bound}{row['sigma']:.2f}"


def table_of_map(points) -> str:
    """Sigma at the worst corner: a row a cell and SAWL, a column a converter; its fitted form stands in its place."""
    plain = lambda row: row["adc"].decode().removesuffix("_fit")  # noqa: E731
    adcs = list(dict.fromkeys(map(plain, points)))
    by_column = {}
    for row in points:
        by_column.setdefault((row["cell"].decode(), int(row["sawl"])), {})[plain(row)] = sigma_of(row)
    lines = [f"| cell | SAWL | {' | '.join(adcs)} |", "|---|---|" + "---|" * len(adcs)]
    for (cell, sawl), sigmas in sorted(by_column.items(), key=lambda c: (-c[0][0].startswith("sram"), c[0])):
        lines.append(f"| `{cell}` | {sawl} | {' | '.join(sigmas.get(adc, '') for adc in adcs)} |")
    return "\n".join(lines)


def sawl_enob(folder: Path) -> Quoted:
    """Its converters' results stand beside the study, since it names them so: they and the map are made there."""
    study = ROOT / "studies/sawl_enob.toml"
    for part in ("_flash", "_sar"):
        study_run(f"studies/sawl_enob{part}.toml", study.with_name(f"sawl_enob{part}.h5"))
    result = folder / "sawl_enob.h5"
    printed = study_run("studies/sawl_enob.toml", result)
    output_of("flare", "report", result, "-o", folder / "map")
    return Quoted(
        {"table": table_of_map(rows(result, "map")), "cheapest": "> " + found(r"(?m)^Cheapest that .*$", printed)[0]},
        {"sawl_enob_sram8t.svg": folder / "map/sawl_enob_sram8t.svg"},
    )


SMALLEST = ("column.cell=sram8t_min", "estimator.method=fit")


def pick_sawl_min(folder: Path) -> Quoted:
    result = folder / "pick_sawl_min.h5"
    study_run("studies/pick_sawl.toml", result, SMALLEST)
    sigmas = ", ".join(f"{row['sigma']:.1f}" for row in rows(result, "verdict") if row["adc"] == b"flash")
    return Quoted({"sigmas": f"{sigmas} sigma", "accuracy": accuracy_row(result, "flash")})


SIZE_COLUMN = ("size", "studies/size_column.toml", "--vary", "column.sizes.wa=200 nm..900 nm", "--vary", "column.sizes.la=100 nm..500 nm",
               "--vary", "column.sizes.wd=200 nm..900 nm", "--vary", "column.sizes.ld=100 nm..500 nm")


def size_column(folder: Path) -> Quoted:
    kept = folder / "size_column.txt"
    if not kept.exists():
        kept.write_text(output_of("flare", *SIZE_COLUMN))
    return Quoted({"table": fenced(kept.read_text().strip("\n"))})


def three_sigma(folder: Path) -> Quoted:
    quoted = Quoted()
    for study, table in (
        ("column_3_sigma", "points/sram8t_min/sawl2/tt_0.90V_27C/tails"),
        ("level_3_sigma", "failures"),
    ):
        study_run(f"studies/checks/{study}.toml", folder / f"{study}.h5")
        for row in rows(folder / f"{study}.h5", table):
            what = f"{row['k']}_{row['direction'].decode()}" if "k" in row.dtype.names else "level"
            interval = f"[{row['sigma_low']:.2f}, {row['sigma_high']:.2f}]"
            quoted.texts[what] = f"{row['sigma']:.2f} {interval} | {row['runs']}"
    return quoted


def sparsity(folder: Path) -> Quoted:
    images = ("sparsity", "data/models/digits_vit", "data/digits/digits.csv", "--images", "0")
    printed = output_of("flare", *images, "--figures", folder / "as_they_are")
    output_of("flare", *images, "--depth", "1024", "--figures", folder / "tall")
    boost = {
        # Columns: ideal, 1/(1-s), then next fit with slices of 8 and 16.
        encoding: found(rf"(?m)^all +{encoding} +[\d.]+ +[\d.]+ \| +[\d.]+ +([\d.]+)", printed)[0]
        for encoding in ("twos_complement", "sign_magnitude")
    }
    return Quoted(
        {"boost": f"{boost['twos_complement']} (two's complement) and {boost['sign_magnitude']} (sign-magnitude)"},
        {
            "sparsity.svg": folder / "as_they_are/sparsity.svg",
            "boost.svg": folder / "as_they_are/boost.svg",
            "boost_1024_rows.svg": folder / "tall/boost.svg",
        },
    )


def netlists_cards(folder: Path) -> Quoted:
    del folder
    printed = output_of("netlists_cards")
    quoted = Quoted()
    for device in ("nfet", "pfet"):
        # A ratio to another length or corner has a name of its own; the unit ends the line.
        values = [
            found(rf"(?m)^{figure} +{device} +tt +27 degC +30 nm +(\S+ \S+)$", printed)[0]
            for figure in ("on_current", "off_current", "saturated_threshold", "dibl", "subthreshold_swing")
        ]
        quoted.texts[device] = " | ".join(values)
    return quoted


def netlists_column(folder: Path) -> Quoted:
    del folder
    printed = output_of("netlists_column")
    whole = dict(found(r"(\w+): whole cells and read ports differ by at most (\S+) mV", printed))
    places = [float(x) for x in found(r"near end (\S+), middle (\S+), far end (\S+) mV", printed)[0]]
    lumped = [abs(float(x)) for x in found(r"real rows minus lumped ones (\S+) mV", printed)]
    dummies = {c: (on, off) for c, on, off in found(r"(\w+): spread .* (\S+) mV with .* (\S+) mV without", printed)}
    energy = {c: e for c, *e in found(r"(\w+) +k 8: bitline (\S+) fJ, word lines (\S+) fJ, .* (\S+) fF", printed)}
    both = lambda i: f"{energy['sram8t'][i]} against {energy['sram8t_min'][i]}"  # noqa: E731
    return Quoted(
        {
            "ports": f"{whole['tt']} mV tt, {whole['ss']} mV ss/0.81 V/-40 degC, {whole['ff']} mV ff/0.99 V/125 degC",
            "lumped": f"{max(lumped):.3f} mV",
            "places": f"{max(places) - min(places):.3f} mV",
            "pattern": f"{max(float(on) for on, _ in dummies.values()):.3f} mV",
            "no_dummies": f"{dummies['tt'][1]} mV tt, {dummies['ff'][1]} mV ff hot",
            "capacitance": f"{both(2)} fF",
            "bitline_energy": f"{both(0)} fJ",
            "wordline_energy": f"{both(1)} fJ",
        }
    )


def netlists_sizing(folder: Path) -> Quoted:
    del folder
    printed = output_of("netlists_sizing", "--gtest_filter=-*WorstCornerIs*")
    texts = {
        f"{access}_{driver}".replace("/", "x"): f"{cell} % | {last} | {sigma}"
        for access, driver, cell, last, sigma in found(
            r"(\d+/\d+) +(\d+/\d+) .* cell (\S+ / \S+) % +last/first (\S+ / \S+) +sigma (\S+ / \S+)", printed
        )
    }
    sawls = {int(n): f"{a} / {b}" for n, a, b in found(r"sawl +(\d+): sigma (\S+) nominal, (\S+) worst", printed)}
    texts["sawls"] = ", ".join(sawls[n] for n in (2, 4, 16, 32))
    texts["boosted"] = found(r"above the supply: (\S+)", printed)[0] + f" instead of {sawls[8].split()[2]}"
    return Quoted(texts)


def estimators(folder: Path) -> Quoted:
    del folder
    return Quoted({"table": output_of("estimator_validation", "--set", "table", "--jobs", "2", "--markdown").strip()})


def study_identity(study: str, overrides=()) -> Callable[[], str]:
    sets = [word for override in overrides for word in ("--set", override)]
    return lambda: output_of("flare", "check", study, "--identity", *sets).strip()


def files_identity(*patterns: str) -> Callable[[], str]:
    """Hash of all files that match; a pattern that nothing matches is a mistake, or a file that moved."""

    def identity() -> str:
        files = []
        for pattern in patterns:
            matching = [file for file in ROOT.glob(pattern) if file.is_file()]
            if not matching:
                raise SystemExit(f"renew_quotes: no file {pattern}; mend quote_sources.py")
            files += matching
        return hash_files(files)

    return identity


DECODER = "data/models/char_decoder"
DECODER_FILES = files_identity(f"{DECODER}/*/*.safetensors", f"{DECODER}/*/config.json", f"{DECODER}/*/vocab.json",
                               f"{DECODER}/losses.json", "data/text/*.txt")
ON_CELLS = ("--attention", "cell", "--adapt-text", "data/text/shakespeare_train.txt")


def scored(folder: Path, model: str, *arguments) -> tuple:
    """Rows of `flare perplexity` on the held-out text, and what it prints."""
    out = folder / "perplexity.h5"
    held_out = ("--text", "data/text/shakespeare_validation.txt")
    printed = output_of("flare", "perplexity", "--model", f"{DECODER}/{model}", *held_out, *arguments, "-o", out)
    return rows(out, "perplexity"), printed


def loss(row) -> str:
    return f"{row['loss_mean']:.3f}"


def recovered(folder: Path, *arguments) -> str:
    """Mean, spread and least of what adaptation brings back over five seeds."""
    printed = scored(folder, "linear", *ON_CELLS, "--recovery", 5, *arguments)[1]
    mean, spread, least = found(r"recovered (\S+) % \+- (\S+) % \(5 seeds\), lowest (\S+) %", printed)[0]
    return f"{mean} ± {spread} % (at least {least} %)"


def perplexity(folder: Path) -> Quoted:
    one = lambda *arguments: scored(folder, *arguments)[0][0]  # noqa: E731
    adapted, reset = ("--adapt",), ("--adapt", "--reset-scalers")
    with_seeds = ("--characters", 20000)
    on_cell = one("linear", *ON_CELLS, *adapted)
    texts = {
        "mapped": f"{json.loads((ROOT / DECODER / 'losses.json').read_text())['linear, mapped']:.3f}",
        "softmax": loss(one("softmax")),
        "linear": loss(one("linear", "--attention", "linear")),
        "cell": loss(one("linear", *ON_CELLS)),
        "adapted": loss(on_cell),
        "passes": f"{on_cell['passes']}",
        "reset": loss(one("linear", *ON_CELLS, "--reset-scalers")),
        "reset_adapted": loss(one("linear", *ON_CELLS, *reset)),
        "tuned": loss(one("cell", *ON_CELLS)),
        "recovered": recovered(folder, *with_seeds, "--figures", folder),
        "recovered_reset": recovered(folder, *with_seeds, "--reset-scalers"),
        "recovered_exponential": recovered(folder, *with_seeds, "--cells", "shape:exponential"),
    }
    return Quoted(texts, {"perplexity_recovery.svg": folder / "perplexity_recovery.svg"})


GAIN_CELL = "studies/gain_cell.toml"
# A window of 128 tokens of 6.25 us lasts 0.8 ms, as long as 1,024 of the published chip's; one of 39 us 5 ms.
SHORT_TOKEN, LONG_TOKEN = ("--token-time", "6.25 us"), ("--token-time", "39 us")


def before_after(pairs) -> list:
    """Rows of a sweep come in pairs, not adapted and adapted."""
    return list(zip(pairs[::2], pairs[1::2]))


def with_spread(row) -> str:
    return loss(row) + (f" ± {row['loss_sigma']:.3f}" if row["repeats"] > 1 else "")


def table_of_laws(swept) -> str:
    names = {"shape:cubic": "x³", "shape:quintic": "x⁵", "shape:sigmoid": "sigmoid(10x)", "shape:exponential": "e^{3x}"}
    linear = swept[0]["loss_mean"]
    lines = ["| law | not adapted | adapted | brought back |", "|---|---|---|---|"]
    for before, after in before_after(swept):
        lost = before["loss_mean"] - linear
        back = f"{100 * (before['loss_mean'] - after['loss_mean']) / lost:.0f} %" if lost > 1e-9 else ""
        cell = before["cell"].decode()
        lines.append(f"| {names.get(cell, cell)} | {loss(before)} | {loss(after)} | {back} |")
    return "\n".join(lines)


def table_of_leakage(swept) -> str:
    """A row a window, a column a decay per token: lost current, then the losses."""
    by_window = {}
    for before, after in before_after(swept):
        cell = f"{100 * before['leak']:.1f} %: {loss(before)} → {loss(after)}"
        by_window.setdefault(int(before["window"]), []).append(cell)
    columns = ("1.6e-4", "1e-3", "3e-3", "1e-2", "3e-2")
    if any(len(cells) != len(columns) for cells in by_window.values()):
        raise SystemExit("renew_quotes: the leakage sweep has other decays; mend quote_sources.py")
    head = [f"| window | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    return "\n".join(head + [f"| {window} | {' | '.join(cells)} |" for window, cells in by_window.items()])


def table_of_mismatch(swept) -> str:
    lines = ["| mismatch, times the simulated | not adapted | adapted | added, adapted |", "|---|---|---|---|"]
    none = swept[1]["loss_mean"]
    for before, after in before_after(swept):
        added = f"{after['loss_mean'] - none:+.3f}"
        lines.append(f"| {before['mismatch']:.0f} | {with_spread(before)} | {with_spread(after)} | {added} |")
    return "\n".join(lines)


def table_of_temperature(short, long) -> str:
    """A row a corner: losses where the window lasts 0.8 ms, and 5 ms."""
    lines = ["| corner | lost in 0.8 ms | not adapted | adapted | lost in 5 ms | not adapted | adapted |",
             "|---|---|---|---|---|---|---|"]
    for pair in zip(before_after(short), before_after(long)):
        cells = [f"{100 * b['leak']:.0f} % | {loss(b)} | {loss(a)}" for b, a in pair]
        process, supply, temperature = re.fullmatch(r"(\w+)_([\d.]+)V_(-?\d+)C", pair[0][0]["corner"].decode()).groups()
        lines.append(f"| {process} {supply} V {temperature} °C | {' | '.join(cells)} |")
    return "\n".join(lines)


def quantity(value: float, unit: str) -> str:
    """Three digits with the prefix that makes 1 to 999 of them."""
    for prefix, scale in (("", 1.0), ("m", 1e-3), ("u", 1e-6), ("n", 1e-9), ("p", 1e-12)):
        if value >= scale:
            return f"{value / scale:.3g} {prefix}{unit}"
    raise SystemExit(f"renew_quotes: {value} {unit} is too small to be told")


def perplexity_sweeps(folder: Path) -> Quoted:
    cells = folder / "gain_cell.h5"
    study_run(GAIN_CELL, cells)
    figures = ("--figures", folder)
    sweep = lambda name, *arguments: scored(folder, "linear", *ON_CELLS, "--sweep", name, *figures, *arguments)[0]  # noqa: E731
    measured = ("--characters", 20000, "--cells", f"{cells}:gain_cell_6t")
    nominal = ("--characters", 20000, "--cells", f"{cells}:gain_cell_6t/tt_0.90V_27C")
    long = sweep("temperature", *measured, *LONG_TOKEN)
    texts = {
        "laws": table_of_laws(sweep("laws", "--characters", 20000)),
        "leakage": table_of_leakage(sweep("leakage", "--characters", 20000)),
        "mismatch": table_of_mismatch(sweep("mismatch", *nominal, *SHORT_TOKEN)),
        "temperature": table_of_temperature(sweep("temperature", *measured, *SHORT_TOKEN), long),
    }
    scored(folder, "linear", *ON_CELLS, "--characters", 20000, "--reset-scalers", "--adapt", *figures)
    scored(folder, "linear", *ON_CELLS, *nominal, *SHORT_TOKEN)
    own, paper, whole = rows(folder / "perplexity.h5", "perplexity_cost")[:3]
    texts["cost"] = (
        f"{quantity(own['energy'], 'J')} a token for 12 heads where the paper's is {quantity(paper['energy'], 'J')}, and "
        f"{quantity(whole['energy'], 'J')} with its digital part; {quantity(own['time'], 's')} where the paper has {quantity(whole['time'], 's')}"
    )
    drawn = [f"perplexity_{name}.svg" for name in ("laws", "leakage", "mismatch", "temperature", "trace")]
    return Quoted(texts, {name: folder / name for name in drawn})


def decoder_seeds(folder: Path) -> Quoted:
    """Losses of all the seeds that were trained, as the models' training.json has them."""
    del folder
    document = json.loads((ROOT / DECODER / "cell/training.json").read_text())
    over = document["over_seeds"]
    of = lambda name: f"{over[name]['mean']:.3f} ± {over[name]['sigma']:.3f}"  # noqa: E731
    return Quoted({name: of(stage) for name, stage in STAGES.items()} | {"count": str(len(document["seeds"]))})


STAGES = {"softmax": "softmax", "mapped": "linear, mapped", "linear": "linear", "cell": "cell, as linear",
          "adapted": "cell, adapted", "reset": "cell, scalers reset", "reset_adapted": "cell, reset and adapted",
          "tuned": "cell, tuned"}


ALL = ("engine", "analysis", "flare_arch", "studies")
NETLISTS = files_identity("netlists/**/*", "tests/netlists/*.cpp", "studies/column/column.cpp")
SOURCES = [
    Source("read_current", "flare run studies/read_current.toml", True, read_current,
           study_identity("studies/read_current.toml"), ALL),
    Source("pick_sawl_quick", "flare run studies/pick_sawl_quick.toml", True, pick_sawl_quick,
           study_identity("studies/pick_sawl_quick.toml"), ALL),
    Source("three_sigma", "flare run studies/checks/{column,level}_3_sigma.toml", True, three_sigma,
           lambda: "+".join(study_identity(f"studies/checks/{s}_3_sigma.toml")() for s in ("column", "level")), ALL),
    Source("netlists_cards", "netlists_cards", True, netlists_cards, NETLISTS, ()),
    Source("netlists_column", "netlists_column", True, netlists_column, NETLISTS, ()),
    Source("netlists_sizing", "netlists_sizing", True, netlists_sizing, NETLISTS, ()),
    Source("sparsity", "flare sparsity data/models/digits_vit data/digits/digits.csv --images 0 [--depth 1024]", False,
           sparsity, files_identity("data/models/digits_vit/*", "data/digits/digits.csv"), ("flare_arch", "studies")),
    Source("pick_sawl", "flare run studies/pick_sawl.toml", False, pick_sawl,
           study_identity("studies/pick_sawl.toml"), ALL),
    Source("pick_sawl_min", " --set ".join(("flare run studies/pick_sawl.toml", *SMALLEST)), False, pick_sawl_min,
           study_identity("studies/pick_sawl.toml", SMALLEST), ALL),
    Source("sawl_enob", "flare run studies/sawl_enob{_flash,_sar,}.toml", False, sawl_enob,
           files_identity("studies/sawl_enob.toml", "studies/sawl_enob_*.toml", "netlists/**/*"), ALL),
    Source("size_column", "flare size studies/size_column.toml --vary column.sizes.{wa,la,wd,ld}=...", False, size_column,
           study_identity("studies/size_column.toml"), ALL),
    Source("perplexity", "flare perplexity --model data/models/char_decoder/MODEL [--adapt] [--recovery 5]", False,
           perplexity, DECODER_FILES, ("flare_arch", "studies")),
    Source("perplexity_sweeps", f"flare run {GAIN_CELL}; flare perplexity --model {DECODER}/linear --sweep NAME", False,
           perplexity_sweeps, lambda: f"{DECODER_FILES()}+{study_identity(GAIN_CELL)()}", ("flare_arch", "studies")),
    Source("decoder_seeds", "data/models/train_char_decoder.py --score --others", True, decoder_seeds,
           files_identity(f"{DECODER}/*/training.json"), ()),
    Source("estimators", "estimator_validation --set table --markdown", False, estimators,
           files_identity("tests/analysis/rare_event/estimator_validation.cpp", "tests/analysis/rare_event/rare_event_*.*pp",
                          "tests/analysis/rare_event/problem*.*pp"), ("analysis",)),
]
