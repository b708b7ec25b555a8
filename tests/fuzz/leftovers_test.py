"""A fuzzer that is killed leaves its folder until the next one starts, and no longer."""

import os
import subprocess
import time
import unittest
from pathlib import Path

FUZZ = str(Path(os.environ["FLARE_BIN"]) / "flare_fuzz")
ROOT = Path("/dev/shm" if os.path.exists("/dev/shm") else os.environ.get("TMPDIR", "/tmp"))


class Leftovers(unittest.TestCase):
    def test_the_folder_of_a_killed_fuzzer_is_cleared(self):
        with subprocess.Popen([FUZZ, "toml", "100000000"], stdout=subprocess.DEVNULL) as killed:
            folder = ROOT / f"flare_fuzz_toml_{killed.pid}"
            end = time.monotonic() + 60
            while not folder.exists():
                self.assertLess(time.monotonic(), end)
                time.sleep(0.01)
            # Of one that is under way nothing is taken.
            subprocess.run([FUZZ, "toml", "1"], check=True, stdout=subprocess.DEVNULL)
            self.assertTrue(folder.exists())
            killed.kill()
        subprocess.run([FUZZ, "toml", "1"], check=True, stdout=subprocess.DEVNULL)
        self.assertFalse(folder.exists())


if __name__ == "__main__":
    unittest.main()
