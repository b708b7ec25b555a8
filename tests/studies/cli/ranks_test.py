"""A study under mpirun: the same bits at any number of ranks, whoever is killed meanwhile."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, os.path.dirname(__file__))
import cluster_fixture
from cluster_fixture import FLARE, ClusterTest

ANY_PLACE = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def mpirun(ranks):
    return ["mpirun", "--oversubscribe", "-n", str(ranks)]


def processes_of(folder):
    """Numbers of flare_mpi processes whose command line names the folder, lower first: the lowest is rank 0."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            line = Path(f"/proc/{entry}/cmdline").read_bytes().decode(errors="replace")
            program = os.readlink(f"/proc/{entry}/exe")
        except OSError:
            continue
        if str(folder) in line and program.endswith("flare_mpi"):
            found.append(int(entry))
    return sorted(found)


def shared_files(process):
    """Files in /dev/shm that a process has mapped, whether or not they still have that name."""
    lines = Path(f"/proc/{process}/maps").read_text().splitlines()
    return {match[1] for line in lines if (match := re.search(r"(/dev/shm/\S+)", line))}


def left_in_shared_memory():
    """What ranks, or MPI for them, have put there."""
    ours = ("flare_ranks.", "vader_segment.", "sm_segment.")
    return {str(path) for path in Path("/dev/shm").iterdir() if path.name.startswith(ours)}


def rank_of(process):
    for line in Path(f"/proc/{process}/environ").read_bytes().split(b"\0"):
        if line.startswith(b"OMPI_COMM_WORLD_RANK="):
            return int(line.split(b"=")[1])
    return -1


class Ranks(ClusterTest):
    def run_ranks(self, ranks, *words, expect=0):
        return self.run_flare(*words, launcher=mpirun(ranks), expect=expect, env=ANY_PLACE)

    def test_any_number_of_ranks_gives_the_same_bits(self):
        self.alone()
        for ranks in (1, 2, 4):
            done = self.run_ranks(ranks, "run", "column.toml", "-o", f"{ranks}.h5")
            self.assertNotIn("segment", done.stderr)  # MPI finds at its end what it made
            self.assert_same("alone.h5", f"{ranks}.h5")

    def test_what_is_killed_goes_on_at_another_number(self):
        self.alone()
        for victim, other in ((0, 2), (1, 3), (None, 1)):
            out = self.folder / f"killed_{victim}.h5"
            with subprocess.Popen([*mpirun(3), FLARE, "run", "column.toml", "-o", str(out)], cwd=self.folder,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env={**os.environ, **ANY_PLACE}) as job:
                self.wait_until(lambda: (self.folder / f"{out.name}.journal").exists()
                                and (self.folder / f"{out.name}.journal").stat().st_size > 20_000)
                # What ranks share has no name any more while they run, so that no kill leaves it behind.
                shared = set().union(*(shared_files(process) for process in processes_of(out)))
                self.assertEqual([name for name in shared if os.path.exists(name)], [])
                if victim is None:
                    job.kill()
                else:
                    os.kill(next(p for p in processes_of(out) if rank_of(p) == victim), signal.SIGKILL)
                job.wait(60)
            # Nobody is left who could write to it.
            self.wait_until(lambda: not processes_of(out))
            self.assertEqual([name for name in shared if os.path.exists(name)], [])
            self.assertFalse(out.exists() and victim is not None and job.returncode == 0)
            self.run_ranks(other, "run", "column.toml", "-o", out.name)
            self.assert_same("alone.h5", out.name)

    def test_kills_while_mpi_begins_are_cleared_by_the_next_start(self):
        before, left = left_in_shared_memory(), set()
        for _ in range(10):
            out = self.folder / "begun.h5"
            with subprocess.Popen([*mpirun(2), FLARE, "run", "column.toml", "-o", str(out)], cwd=self.folder,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env={**os.environ, **ANY_PLACE}) as job:
                # Each rank has made a segment, or soon will have.
                self.wait_until(lambda: left_in_shared_memory() - before - left, pause=0.0)
                job.kill()
                for process in processes_of(out):
                    try:
                        os.kill(process, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            self.wait_until(lambda: not processes_of(out))
            left |= left_in_shared_memory() - before
        self.assertTrue(left)
        self.run_ranks(2, "run", "column.toml", "-o", "next.h5")
        self.assertEqual({name for name in left if os.path.exists(name)}, set())

    def test_a_folder_for_segments_that_the_user_names_is_used(self):
        done = self.run_flare("run", "column.toml", "-o", "x.h5", env=ANY_PLACE, expect=None,
                              launcher=[*mpirun(2), "--mca", "btl_vader_backing_directory", self.folder / "nowhere"])
        self.assertIn("nowhere", done.stdout + done.stderr)  # MPI cannot make its file there

    def test_a_stop_keeps_what_was_made(self):
        self.alone()
        out = self.folder / "stopped.h5"
        with subprocess.Popen([*mpirun(2), FLARE, "run", "column.toml", "-o", str(out)], cwd=self.folder,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={**os.environ, **ANY_PLACE}) as job:
            journal = self.folder / "stopped.h5.journal"
            self.wait_until(lambda: journal.exists() and journal.stat().st_size > 20_000)
            job.send_signal(signal.SIGTERM)
            job.wait(60)
        self.assertNotEqual(job.returncode, 0)
        self.run_flare("run", "column.toml", "-o", "stopped.h5")
        self.assert_same("alone.h5", "stopped.h5")

    def test_a_worker_killed_on_another_rank_is_replaced(self):
        self.alone()
        out = self.folder / "worker.h5"
        with subprocess.Popen([*mpirun(2), FLARE, "run", "column.toml", "-o", str(out)], cwd=self.folder,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={**os.environ, **ANY_PLACE}) as job:
            journal = self.folder / "worker.h5.journal"
            self.wait_until(lambda: journal.exists() and journal.stat().st_size > 20_000)
            shared = set().union(*(shared_files(process) for process in processes_of(out)))
            relay = next(p for p in processes_of(out) if rank_of(p) == 1)
            children = subprocess.run(["pgrep", "-P", str(relay)], capture_output=True, text=True).stdout.split()
            self.assertTrue(children)
            os.kill(int(children[0]), signal.SIGKILL)
            self.assertEqual(job.wait(120), 0)
        self.assert_same("alone.h5", "worker.h5")
        self.assertEqual([name for name in shared if os.path.exists(name)], [])

    def test_rank_0_leaves_the_core_to_others_while_a_rank_does_not_look(self):
        """Rank 1 is held for 2 s with the whole batch under way: rank 0 neither spins nor stands still."""
        out = self.folder / "held.h5"
        with subprocess.Popen([*mpirun(2), FLARE, "run", "column.toml", "--set=estimator.runs=100", "-o", str(out)],
                              cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={**os.environ, **ANY_PLACE}) as job:
            journal = self.folder / "held.h5.journal"
            self.wait_until(lambda: journal.exists() and journal.stat().st_size > 10_000)
            ranks = {rank_of(p): p for p in processes_of(out)}
            os.kill(ranks[1], signal.SIGSTOP)
            before, size = cpu_seconds(ranks[0]), journal.stat().st_size
            time.sleep(2.0)
            share = (cpu_seconds(ranks[0]) - before) / 2.0
            grown = journal.exists() and journal.stat().st_size > size
            os.kill(ranks[1], signal.SIGCONT)
            self.assertEqual(job.wait(120), 0)
        self.assertTrue(grown or out.exists())
        self.assertLess(share, 0.10)

    def test_a_launcher_that_does_not_fit_is_refused_in_words(self):
        # What an mpirun of another MPI looks like: four processes, each alone in its world.
        fake = {"PMI_SIZE": "4", **ANY_PLACE}
        done = self.run_flare("run", "column.toml", "-o", "x.h5", expect=2, env=fake)
        self.assertIn("started 4 processes", done.stderr)
        self.assertIn("1 of them", done.stderr)
        srun = {"SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "3"}
        done = self.run_flare("run", "column.toml", "-o", "x.h5", expect=2, env=srun)
        self.assertIn("srun --mpi=pmix", done.stderr)
        self.assertFalse((self.folder / "x.h5.journal").exists())

    def test_bad_input_ends_all_ranks(self):
        (self.folder / "bad.toml").write_text("title = 3\n")
        done = self.run_ranks(3, "run", "bad.toml", expect=2)
        self.assertIn("bad.toml", done.stdout + done.stderr)

    def test_ranks_with_different_arguments_are_refused(self):
        line = f"exec {FLARE} run column.toml -o x.h5 --shard $((OMPI_COMM_WORLD_RANK + 1))/2"
        done = subprocess.run([*mpirun(2), "sh", "-c", line], cwd=self.folder, capture_output=True, text=True,
                              timeout=60, env={**os.environ, **ANY_PLACE})
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("different arguments", done.stderr)

    def test_accuracy_is_shared_out(self):
        """Draws and dies are answered by all ranks, and it does not show in the numbers."""
        (self.folder / "model.toml").write_text(cluster_fixture.COLUMN + f"""
[accuracy]
model = "{cluster_fixture.ROOT}/data/models/digits_vit"
dataset = "{cluster_fixture.ROOT}/data/digits/digits.csv"
converter = "flash"
modes = ["read", "die"]
repeats = 3
examples = 30
""")
        self.alone(study="model.toml")
        for ranks in (2, 3):
            done = self.run_ranks(ranks, "run", "model.toml", "-o", f"{ranks}.h5")
            came = re.search(r"(\d+) blocks of answers came from other ranks", done.stderr)
            self.assertTrue(came, done.stderr)
            self.assertGreater(int(came[1]), 2)
            self.assert_same("alone.h5", f"{ranks}.h5")
            self.assertFalse((self.folder / f"{ranks}.h5.answers").exists())
        self.wait_until(lambda: not processes_of(self.folder / "model.toml"))

    def test_ranks_on_processors_of_two_kinds_are_refused(self):
        if " fma " not in Path("/proc/cpuinfo").read_text():
            self.skipTest("this processor has one variant of the mathematics library only")
        words = [FLARE, "run", "column.toml", "-o", "x.h5"]
        other = ["env", "GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2,-FMA4", *words]
        done = subprocess.run(["mpirun", "--oversubscribe", "-n", "1", *words, ":", "-n", "1", *other],
                              cwd=self.folder, capture_output=True, text=True, timeout=60,
                              env={**os.environ, **ANY_PLACE})
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("give different bits", done.stderr)
        self.assertFalse((self.folder / "x.h5.journal").exists())

    def wait_until(self, true, seconds=60, pause=0.02):
        end = time.monotonic() + seconds
        while not true():
            self.assertLess(time.monotonic(), end, "it does not come")
            time.sleep(pause)


def cpu_seconds(process):
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    cluster_fixture.main()
