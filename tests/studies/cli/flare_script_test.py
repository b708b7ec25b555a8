#!/usr/bin/python3
"""The script at the top of the tree on machines that have nothing: what it says, and what it leaves alone.

The machine is a folder of programs of its own as PATH: apt, dpkg, cmake and ninja that only say what they were asked.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
TOOLS = ["bash", "sh", "env", "sed", "grep", "find", "dirname", "mktemp", "rm", "tail", "tr", "printf", "touch", "cat", "mkdir",
         "chmod", "sleep", "sudo"]

APT = """#!/bin/sh
echo "apt-get $*" >> "$CALLS"
case "$*" in
  *install*)
    [ -z "$APT_FAILS" ] || { echo "E: no such package" >&2; exit 100; }
    echo "dlstatus:1:50.0:Retrieving file 1 of 2" >&3
    echo "pmstatus:cmake:20.0:Unpacking cmake" >&3
    echo "pmstatus:cmake:100.0:Installed cmake" >&3
    echo "chatter of apt"
    ;;
esac
"""
NINJA = """#!/bin/sh
echo "ninja $*" >> "$CALLS"
[ -z "$NINJA_FAILS" ] || { echo "[1/2] compiling"; echo "broken.cpp:1: error: broken"; exit 1; }
echo "[0/1] Re-running CMake..."
for i in 1 2 3 4; do echo "[$i/4] compiling $i"; done
mkdir -p build/release/bin
printf '#!/bin/sh\\necho "program $*"\\n' > "$ROOT_OF_TEST/build/release/bin/flare"
chmod +x "$ROOT_OF_TEST/build/release/bin/flare"
"""
CMAKE = """#!/bin/sh
echo "cmake $*" >> "$CALLS"
mkdir -p build/release/bin
touch build/release/build.ninja
"""


class Script(unittest.TestCase):
    def setUp(self):
        self.keep = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.keep.name) / "tree"
        self.bin = pathlib.Path(self.keep.name) / "bin"
        self.calls = pathlib.Path(self.keep.name) / "calls"
        self.calls.write_text("")
        for folder in (self.bin, *(self.root / name for name in ("engine", "analysis", "flare_arch", "studies"))):
            folder.mkdir(parents=True)
        shutil.copy(ROOT / "flare", self.root / "flare")
        for name in ("CMakeLists.txt", "CMakePresets.json"):
            (self.root / name).write_text("")
        for tool in TOOLS:
            if shutil.which(tool):
                (self.bin / tool).symlink_to(shutil.which(tool))
        self.program("id", "#!/bin/sh\necho 0\n")

    def tearDown(self):
        self.keep.cleanup()

    def program(self, name, text):
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def debian(self):
        self.program("apt-get", APT)
        self.program("dpkg-query", "#!/bin/sh\nexit 1\n")
        self.program("ninja", NINJA)
        self.program("cmake", CMAKE)

    def flare(self, *arguments, **more):
        environment = {"PATH": str(self.bin), "CALLS": str(self.calls), "ROOT_OF_TEST": str(self.root), **more}
        made = subprocess.run(["bash", str(self.root / "flare"), *arguments], env=environment, capture_output=True, text=True,
                              cwd=self.root, timeout=60, check=False)
        return made.returncode, made.stdout, made.stderr

    def test_first_command_installs_and_builds_with_progress(self):
        self.debian()
        status, out, told = self.flare("run", "s.toml")
        self.assertEqual(status, 0, told)
        self.assertEqual(out, "program run s.toml\n")
        for said in ("installing g++", "installing: Unpacking cmake", "100 %  building: step 4 of 4, 0:00 left"):
            self.assertIn(said, told)
        self.assertNotIn("chatter", told)
        calls = self.calls.read_text()
        self.assertLess(calls.index("apt-get install"), calls.index("ninja"))

    def test_the_second_starts_at_once(self):
        self.debian()
        self.flare("run", "s.toml")
        self.calls.write_text("")
        self.assertEqual(self.flare("run", "s.toml"), (0, "program run s.toml\n", ""))
        self.assertEqual(self.calls.read_text(), "")

    def test_looking_installs_nothing(self):
        self.debian()
        for arguments, expected in ((["--help"], 0), (["help"], 0), ([], 0), (["check", "s.toml"], 2), (["--version"], 2)):
            status, out, told = self.flare(*arguments)
            self.assertEqual(status, expected, (arguments, told))
            self.assertIn("./flare build", told)
            self.assertIn("libngspice0-dev", told)
            if expected == 0:
                self.assertIn("./flare run studies/pick_sawl.toml", out)
        self.assertEqual(self.calls.read_text(), "")

    def test_looking_takes_the_program_that_is_there(self):
        self.debian()
        self.flare("run", "s.toml")
        self.calls.write_text("")
        newer = self.root / "engine/a.cpp"
        newer.write_text("")
        os.utime(newer, (4e9, 4e9))
        self.assertEqual(self.flare("check", "s.toml")[:2], (0, "program check s.toml\n"))
        self.assertEqual(self.calls.read_text(), "")

    def test_without_apt_usual_names_are_said(self):
        self.program("ninja", NINJA)
        status, _, told = self.flare("run", "s.toml")
        self.assertEqual(status, 2)
        self.assertIn("there is no apt here", told)
        self.assertIn("g++ 12 or newer", told)
        self.assertIn("CMake 3.22 or newer", told)
        self.assertNotIn("Ninja", told, "it is there")
        self.assertEqual(self.calls.read_text(), "")

    def test_apt_that_fails_says_its_own_words(self):
        self.debian()
        status, _, told = self.flare("run", "s.toml", APT_FAILS="1")
        self.assertEqual(status, 1)
        self.assertIn("E: no such package", told)
        self.assertNotIn("ninja -C", self.calls.read_text())

    def test_a_build_that_fails_shows_why(self):
        self.debian()
        status, _, told = self.flare("build", NINJA_FAILS="1")
        self.assertEqual(status, 1)
        self.assertIn("broken.cpp:1: error: broken", told)

    def test_the_containers_ask_for_its_packages(self):
        status, out, _ = self.flare("packages")
        self.assertEqual(status, 0)
        self.assertIn("libngspice0-dev", out.split())
        for name in ("Containerfile", "flare.def"):
            text = (ROOT / "studies/container" / name).read_text()
            self.assertIn("$(./flare packages)", text)
            for said in ("cmake --preset release", "cpack -G DEB", "gnuplot-nox libjs-d3"):
                self.assertIn(said, text)

    def test_no_install_is_obeyed(self):
        self.debian()
        status, _, told = self.flare("run", "s.toml", FLARE_NO_INSTALL="1")
        self.assertEqual(status, 2)
        self.assertIn("these Debian packages are missing: g++", told)
        self.assertEqual(self.calls.read_text(), "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
