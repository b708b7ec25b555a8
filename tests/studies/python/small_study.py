"""The study that tests of results, pages and bad input start from: a source across a resistor, and what is asked of it."""
import pathlib
import subprocess

CELL = "cell\nv1 a 0 1\nr1 a 0 1k\n.end\n"
MEASURE = """seed = 3
[circuit]
netlist = "cell.cir"
analysis = "operating_point"
[[measure]]
name = "v"
vector = "v(a)"
"""
DIE = '[[die]]\nsource = "v1"\nsigma = "50 mV"\n'


def spec(name="", **keys):
    """A [[spec]] of v; keys as they stand there: min="0.7 V"."""
    lines = ([f'name = "{name}"'] if name else []) + ['measure = "v"'] + [f'{key} = "{value}"' for key, value in keys.items()]
    return "[[spec]]\n" + "\n".join(lines) + "\n"


def sweep(*values):
    return '[[sweep]]\nkey = "die[v1].sigma"\nvalues = [' + ", ".join(f'"{v}"' for v in values) + "]\n"


def write(folder, study, name="s.toml", cell=CELL):
    """The study and its netlist; the study's path."""
    (pathlib.Path(folder) / "cell.cir").write_text(cell)
    path = pathlib.Path(folder) / name
    path.write_text(study)
    return path


def run(flare, folder, *arguments):
    return subprocess.run([flare, *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False)


def must_run(flare, folder, *arguments):
    made = run(flare, folder, *arguments)
    assert made.returncode == 0, made.stdout + made.stderr
