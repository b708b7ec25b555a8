"""Reads the tree as text and lists what breaks its rules: which folder may include which (layers.txt), how long a
source file is, and what the READMEs say of files. Needs nothing but Python's standard library.

    structure.py [ROOT]     prints the findings, one a line; exit status 1 where there are any
"""

import fnmatch
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

PARTS = ("engine", "analysis", "flare_arch", "studies")
LONGEST = 450  # lines of a source file
SOURCE = (".cpp", ".hpp")


@dataclass
class Layers:
    """The ordered folders, what each sees, and the exceptions."""

    sees: dict = field(default_factory=dict)  # folder -> prefixes; in order, lower first
    pending: set = field(default_factory=set)  # (file, included file or "450 lines")
    mistakes: list = field(default_factory=list)

    def order(self, folder):
        return list(self.sees).index(folder)

    def allows(self, folder, other):
        """May a file of `folder` include one of `other`? Both listed."""
        if folder == other:
            return True
        prefixes = self.sees[folder]
        return self.order(other) < self.order(folder) and any(is_within(other, p) for p in prefixes)


def is_within(folder, top):
    return folder == top or folder.startswith(top + "/")


def read_layers(text):
    layers = Layers()
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        if line.startswith("pending "):
            file, _, what = (word.strip() for word in line[len("pending "):].partition(">"))
            layers.pending.add((file, what))
            continue
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != 3 or not cells[0] or not cells[2]:
            layers.mistakes.append(f"layers.txt:{number}: expected FOLDER | what it sees | why")
        elif cells[0] in layers.sees:
            layers.mistakes.append(f"layers.txt:{number}: {cells[0]} stands there twice")
        else:
            layers.sees[cells[0]] = cells[1].split()
    return layers


def source_files(root, tops):
    for top in tops:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in SOURCE:
                yield path.relative_to(root).as_posix()


def includes(text):
    """(line, file) of every include in quotes."""
    return [(n, m.group(1)) for n, line in enumerate(text.splitlines(), 1)
            if (m := re.match(r'\s*#\s*include\s*"([^"]+)"', line))]


def types_defined(text):
    """(line, name with its namespaces) of the types that a file defines for the whole program to see."""
    inside = []
    for number, line in enumerate(text.splitlines(), 1):
        if m := re.match(r"(?:inline )?namespace(?: ([\w:]+))? \{$", line):
            inside.append(m.group(1))
        elif line.startswith("}  // namespace") and inside:
            inside.pop()
        elif None not in inside and (m := re.match(r"(?:struct|class|enum class) (\w+)\b(?!::)[^;(]*\{", line)):
            yield number, "::".join([*inside, m.group(1)])


def parent(file):
    return str(PurePosixPath(file).parent)


def test_layer(layers, folder):
    """The listed folder whose rules a folder under tests/ follows; None where it mirrors none."""
    if folder in layers.sees:
        return folder
    mirrored = folder[len("tests/"):]
    return mirrored if mirrored in layers.sees else None


def is_shared(layers, folder):
    """tests/PART, above the mirrored folders: its headers are judged where they are included."""
    top = folder[len("tests/"):]
    return any(is_within(f, top) and f != top for f in layers.sees)


class Tree:
    def __init__(self, root, layers):
        self.layers = layers
        self.sources = {f: (root / f).read_text(encoding="utf-8") for f in source_files(root, PARTS + ("tests",))}
        self.findings = []
        self.broken = set()  # (file, what), as in Layers.pending

    def report(self, key, text):
        self.broken.add(key)
        if key not in self.layers.pending:
            self.findings.append(text)

    def check(self):
        self.findings += self.layers.mistakes
        self.check_folders()
        self.check_names()
        for file, text in self.sources.items():
            self.check_includes(file, text)
            lines = len(text.splitlines())
            if lines > LONGEST and not file.startswith("tests/"):
                self.report((file, f"{LONGEST} lines"), f"{file}: {lines} lines; at most {LONGEST}: split it by subject")
        for file, what in sorted(self.layers.pending - self.broken):
            self.findings.append(f"layers.txt: pending {file} > {what} no longer holds: remove the line")
        return self.findings

    def check_folders(self):
        there = {parent(f) for f in self.sources}
        for folder in sorted(there):
            if folder.startswith("tests/"):
                if test_layer(self.layers, folder) is None and not is_shared(self.layers, folder):
                    self.findings.append(f"{folder}: mirrors no folder of layers.txt and is not listed there")
            elif folder not in self.layers.sees:
                self.findings.append(f"{folder}: is not in layers.txt")
        for folder in self.layers.sees:
            if is_within(folder, "netlists"):
                continue
            if folder not in there:
                self.findings.append(f"layers.txt: {folder} has no source file: remove the line")

    def check_names(self):
        """Two types of one name in one program: the linker keeps one's functions and uses them on both (basic.def.odr)."""
        defined = {}
        for file, text in self.sources.items():
            if file.startswith("tests/"):
                continue
            for number, name in types_defined(text):
                if name in defined:
                    self.findings.append(f"{file}:{number}: {name} is defined in {defined[name]}, too: rename one, or put "
                                         "it into an unnamed namespace")
                defined.setdefault(name, f"{file}:{number}")

    def check_includes(self, file, text):
        folder = parent(file)
        is_test = file.startswith("tests/")
        layer = test_layer(self.layers, folder) if is_test else folder
        for number, included in includes(text):
            place = f"{file}:{number}"
            if included not in self.sources:
                self.findings.append(f'{place}: "{included}" is no file of the tree; includes give the path from the root')
            elif layer in self.layers.sees:
                for target, way in self.reached(included) if is_test else [(included, "")]:
                    self.judge(file, place, layer, target, way)

    def judge(self, file, place, layer, target, way):
        other = parent(target)
        if other.startswith("tests/") and not layer.startswith("tests/"):
            other = test_layer(self.layers, other)
            if other is None:
                return  # shared: what it includes is judged instead
        elif other.startswith("tests/"):
            return
        if other in self.layers.sees and not self.layers.allows(layer, other):
            self.report((file, target), f"{place}: includes {target}{way}; {layer} may not include {other}")

    def reached(self, included):
        """An included file, and through headers of tests whatever those include: (file, " by way of ...")."""
        found, seen = [], set()
        queue = [(included, "")]
        while queue:
            file, way = queue.pop()
            if file in seen or file not in self.sources:
                continue
            seen.add(file)
            found.append((file, way))
            if file.startswith("tests/"):
                queue += [(f, f" by way of {file}") for _, f in includes(self.sources[file])]
        return found


def code_spans(text):
    """(line, text) of what stands in backticks or in a fenced block."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced:
            yield number, line
        else:
            for span in re.findall(r"`([^`]+)`", line):
                yield number, span


PATH = re.compile(r"(?<![\w./*<{$-])(?:\./)?([\w.-]+(?:/[\w.*-]+)+/?)(?![\w<{$*])")


def names_a_file(root, folder, path):
    """A file, a folder, a pattern that something matches, or a file without its ending (a program, a pair)."""
    for base in (root, root / folder):
        if (base / path).exists():
            return True
        there = base / PurePosixPath(path).parent
        last = PurePosixPath(path).name
        if there.is_dir() and any(fnmatch.fnmatch(p.name, last) or p.name.split(".")[0] == last for p in there.iterdir()):
            return True
    return False


def readme_findings(root):
    """Paths that READMEs give and that are not there, and source files that no README names."""
    findings = []
    tops = {p.name for p in root.iterdir() if p.is_dir() and p.name != "build" and not p.name.startswith(".git")}
    readmes = [root / "README.md"] + sorted(r for top in tops for r in (root / top).rglob("README.md"))
    spans = {}
    for readme in (r for r in readmes if r.exists()):
        folder = readme.parent.relative_to(root).as_posix()
        below = {p.name for p in readme.parent.iterdir() if p.is_dir()}
        for number, span in code_spans(readme.read_text(encoding="utf-8")):
            spans.setdefault(folder.split("/")[0], []).append(span)
            for path in PATH.findall(span):
                if path.split("/")[0] in tops | below and not names_a_file(root, folder, path.rstrip("/.")):
                    findings.append(f"{readme.relative_to(root)}:{number}: `{path}` is not there")
    for part in PARTS:
        words = set(re.findall(r"\w+", " ".join(spans.get(part, []))))
        for stem in sorted({PurePosixPath(f).stem for f in source_files(root, (part,))} - words):
            findings.append(f"{part}: `{stem}` stands in no README below {part}/: say what it holds")
    return findings


def check(root):
    layers = read_layers((root / "tests/structure/layers.txt").read_text(encoding="utf-8"))
    return Tree(root, layers).check() + readme_findings(root)


if __name__ == "__main__":
    found = check(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]))
    print("\n".join(found))
    sys.exit(1 if found else 0)
