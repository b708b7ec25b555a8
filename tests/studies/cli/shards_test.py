"""Shards: what they share out, that merging adds nothing, that the numbers are those of one process; job scripts."""

import os
import re
import subprocess
import sys
from collections import Counter

sys.path.insert(0, os.path.dirname(__file__))
import h5py
import cluster_fixture
from cluster_fixture import FLARE, ClusterTest


def runs_of(path):
    """(stream, index, fingerprint) of every run that a part holds: a level asked again draws other samples at some point."""
    with h5py.File(path) as file:
        streams = [name.decode() for name in file["/runs/streams"]["name"]]
        return {(streams[row["stream"]], int(row["index"]), int(row["fingerprint"])) for row in file["/runs/runs"][()]}



def by_point(runs, what="tails"):
    """Runs of rare-event estimates, or plain samples ("points"), by SAWL and corner."""
    return Counter("/".join(stream.split("/")[:4]) for stream, *_ in runs if stream.startswith(what + "/"))


class Shards(ClusterTest):
    def most_runs(self, study):
        """What `check` says a study makes at most."""
        return int(re.search(r"runs +at least \d+, likely \d+, at most (\d+)", self.run_flare("check", study).stdout).group(1))

    def test_levels_are_shared_out_and_the_numbers_stay(self):
        study = self.folder / "again.toml"
        study.write_text(cluster_fixture.AGAIN)
        alone = self.run_flare("run", study, "-j1", "-o", "alone.h5")
        self.assertIn("4 levels asked again", alone.stderr)
        screening = self.shares(study, "s", "--stage", "screening")
        screened = [runs_of(self.folder / name) for name in screening]
        parts = self.shares(study, "p", "--with", *screening)
        before = set().union(*screened)
        own = [runs_of(self.folder / name) - before for name in parts]
        # What levels ask for once all of them are done is known from all parts, and only then.
        lacking = self.run_flare("run", study, "--stage", "rest", "--shard", "1/3", "--with", *parts[:2], "-o", "r1.h5", expect=2)
        self.assertIn("shard 3/3 is missing", lacking.stderr)
        rest = self.shares(study, "r", "--stage", "rest", "--with", *parts)
        own += [runs_of(self.folder / name) for name in rest]
        # Every level is one shard's alone, and all have some.
        for i in range(6):
            self.assertTrue(own[i])
            for j in range(i):
                self.assertFalse(own[i] & own[j])
        self.assertIn("shard rest 2/3 is missing", self.run_flare("merge", "m.h5", *parts, rest[0], expect=3).stderr)
        self.assertIn("give those, too", self.run_flare("merge", "m.h5", *rest, expect=2).stderr)
        done = self.run_flare("merge", "merged.h5", *parts, *rest, "-j1")
        self.assertNotIn("worker", done.stderr)
        self.assert_same("alone.h5", "merged.h5")
        # The first choice is all that "full = 1" runs: the merge has nothing to simulate.
        with h5py.File(self.folder / "merged.h5") as file:
            wanted = sum(len(group["runs"]) for group in sample_groups(file))
        made = before.union(*own)
        self.assertLessEqual(wanted, len(made))
        self.assertLessEqual(len(made), self.most_runs(study))
        self.assertLessEqual(max(by_point(made).values()), 960)  # the budget

    def test_a_level_asked_again_goes_another_way_within_the_budget(self):
        study = self.folder / "line.toml"
        study.write_text(cluster_fixture.COLUMN.replace("budget = 3000", "budget = 1300").replace('"auto"', '"line"')
                         .replace('["tt", "ss"]', '["tt"]'))
        self.run_flare("run", study, "--shard", "1/2", "-j1", "-o", "p1.h5")
        self.run_flare("run", study, "--shard", "2/2", "-j1", "-o", "p2.h5")
        rest = self.run_flare("run", study, "--stage", "rest", "--shard", "1/1", "--with", "p1.h5", "p2.h5", "-j1", "-o", "r.h5")
        self.assertIn("levels asked again", rest.stderr)
        made = set().union(*(runs_of(self.folder / name) for name in ("p1.h5", "p2.h5", "r.h5")))
        self.assertLessEqual(max(by_point(made).values()), 1300)
        done = self.run_flare("merge", "m.h5", "p1.h5", "p2.h5", "r.h5", "-j1", expect=None)
        self.assertIn("asked again", done.stderr)
        self.assertNotIn("worker", done.stderr)

    def shares(self, study, letter, *words):
        names = [f"{letter}{i}.h5" for i in (1, 2, 3)]
        for i, name in enumerate(names, 1):
            self.run_flare("run", study, "--shard", f"{i}/3", *words, "-j1", "-o", name)
        return names

    def test_what_auto_will_add_is_shared_out_too(self):
        # Four corners that screening can hardly tell apart: the first choice leaves one of them out.
        study = self.folder / "auto.toml"
        study.write_text(cluster_fixture.COLUMN.replace("full = 1", 'full = "auto"').replace('method = "auto"', 'method = "fit"')
                         .replace('process = ["tt", "ss"]', 'process = ["tt"]')
                         .replace('supply = ["0.9 V"]', 'supply = ["0.9 V", "0.901 V", "0.902 V", "0.903 V"]'))
        alone = self.alone(study="auto.toml")
        with h5py.File(alone) as file:
            full = file["/screening"]["full"]
            self.assertEqual(sum(full), len(full))  # what auto came to
        for i in (1, 2):
            self.run_flare("run", study, "--shard", f"{i}/2", "-j1", "-o", f"a{i}.h5")
        made = runs_of(self.folder / "a1.h5") | runs_of(self.folder / "a2.h5")
        self.run_flare("merge", "merged.h5", "a1.h5", "a2.h5", "-j1")
        self.assert_same(alone, "merged.h5")
        # All corners were run by the shards.
        self.assertEqual(len(by_point(made, "points")), len(full))

    def test_a_circuits_tails_are_run_by_its_shards(self):
        alone = self.alone(study="circuit.toml")
        for i in (1, 2, 3):
            self.run_flare("run", self.folder / "circuit.toml", "--shard", f"{i}/3", "-j1", "-o", f"c{i}.h5")
        parts = [runs_of(self.folder / f"c{i}.h5") for i in (1, 2, 3)]
        self.assertFalse(parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        self.run_flare("merge", "merged.h5", "c1.h5", "c2.h5", "c3.h5", "-j1")
        self.assert_same(alone, "merged.h5")
        with h5py.File(alone) as file:
            made = sum(len(group["runs"]) for group in sample_groups(file))
        self.assertEqual(made, sum(len(part) for part in parts))
        self.assertLessEqual(made, self.most_runs("circuit.toml"))
        for part in parts:
            self.assertLessEqual(sum(by_point(part).values()), 2000)  # the budget
        done = self.run_flare("run", "circuit.toml", "--shard", "4/4", expect=2)
        self.assertIn("a corner each", done.stderr)
        for stage in ("screening", "rest"):
            self.run_flare("run", "circuit.toml", "--stage", stage, "--shard", "1/2", expect=2)

    def test_more_shards_than_items_are_refused(self):
        done = self.run_flare("run", "column.toml", "--shard", "7/7", expect=2)
        self.assertIn("at most 6 items", done.stderr)
        self.run_flare("run", "column.toml", "--stage", "screening", "--shard", "6/6", expect=2)

    def test_affinity_sets_the_number_of_workers(self):
        script = (f"import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); "
                  f"os.execv({FLARE!r}, ['flare', 'run', 'column.toml', '-o', 'x.h5'])")
        with subprocess.Popen([sys.executable, "-c", script], cwd=self.folder, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as job:
            most = 0
            while job.poll() is None:
                children = subprocess.run(["pgrep", "-c", "-P", str(job.pid)], capture_output=True, text=True)
                most = max(most, int(children.stdout or 0))
        self.assertEqual(job.returncode, 0)
        self.assertEqual(most, 1)

    def test_a_sweeps_screening_is_shared_out(self):
        sweep = self.folder / "sweep.toml"
        sweep.write_text(cluster_fixture.COLUMN + '[[sweep]]\nkey = "column.swing"\nvalues = ["0.4 V", "0.35 V"]\n')
        self.alone(study="sweep.toml")
        for i in (1, 2):
            self.run_flare("run", sweep, "--stage", "screening", "--shard", f"{i}/2", "-j1", "-o", f"s{i}.h5")
        self.run_flare("run", sweep, "--stage", "screening", "-j1", "-o", "all.h5")
        self.assertEqual(runs_of(self.folder / "all.h5"),
                         runs_of(self.folder / "s1.h5") | runs_of(self.folder / "s2.h5"))
        for i in (1, 2):
            self.run_flare("run", sweep, "--shard", f"{i}/2", "--with", "s1.h5", "s2.h5", "-j1", "-o", f"p{i}.h5")
        self.run_flare("merge", "merged.h5", "p1.h5", "p2.h5", "-j1")
        self.assert_same("alone.h5", "merged.h5")

    def test_status_tells_parts(self):
        self.run_flare("run", "column.toml", "--stage", "screening", "--shard", "1/2", "-j1", "-o", "s1.h5")
        done = self.run_flare("status", "s1.h5", "s2.h5", expect=3)
        self.assertIn("share screening 1/2 done", done.stdout)
        self.assertIn("not begun", done.stdout)
        self.run_flare("status", "s1.h5")

    def test_job_scripts_are_bash(self):
        for system in ("--slurm", "--parallel", "--lsf", "--sge"):
            script = self.run_flare("batch", "column.toml", system, "--tasks", "4").stdout
            checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, checked.stderr)
            for untested in ("--lsf", "--sge"):
                self.assertEqual("Not tested" in script, system in ("--lsf", "--sge"), untested)
        self.assertIn("at most 6 items", self.run_flare("batch", "column.toml", "--slurm", "--tasks", "7", expect=2).stderr)
        self.assertIn("Not tested", self.run_flare("batch", "column.toml", "--condor", "--tasks", "4").stdout)

    def test_gnu_parallel_runs_its_script(self):
        if subprocess.run(["which", "parallel"], capture_output=True).returncode != 0:
            self.skipTest("GNU parallel is not installed")
        self.alone()
        odd = self.folder / "it's here"
        odd.mkdir()
        # More tasks than the screening has shares, and enough for an array of what is asked again.
        self.run_flare("batch", "column.toml", "--parallel", "--tasks", "6", "-o", odd / "out.h5", "-s", "job.sh")
        done = subprocess.run(["bash", "job.sh"], cwd=self.folder, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assert_same("alone.h5", odd / "out.h5")


def sample_groups(file):
    found = []
    file.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Group) and "runs" in item
                    and "parameters" in item else None)
    return found


if __name__ == "__main__":
    cluster_fixture.main()
