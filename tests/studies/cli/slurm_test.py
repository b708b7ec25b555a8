"""`flare batch --slurm` on a Slurm of one node that the test starts: arrays, merging, a stop, a requeue, ranks of srun.

Needs root, slurmctld, slurmd and munged (Debian: slurm-wlm, munge), and that they come up here in one of three tries; else it is skipped, and
says so with their logs."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, os.path.dirname(__file__))
import cluster_fixture
from cluster_fixture import FLARE, ClusterTest

CONFIGURATION = """ClusterName=ci
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
MessageTimeout=30
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmdPidFile={folder}/slurmd.pid
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdLogFile={folder}/slurmd.log
SlurmctldLogFile={folder}/slurmctld.log
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0
ReturnToService=2
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=2000
PartitionName=all Nodes=ALL Default=YES
"""
NEEDED = ("slurmctld", "slurmd", "munged", "sbatch")


def missing():
    if os.geteuid() != 0:
        return "needs root"
    lacking = [program for program in NEEDED if shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin") is None]
    return f"not installed: {', '.join(lacking)}" if lacking else None


class SlurmDoesNotComeUp(Exception):
    """Says the logs."""


class OwnSlurm:
    """One node, this machine, in a folder of its own, with a munged of its own: another's socket may have nobody behind it."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="flare_slurm_"))
        host = os.uname().nodename.split(".")[0]
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        configuration = self.folder / "slurm.conf"
        configuration.write_text(CONFIGURATION.format(host=host, folder=self.folder))
        self.environment = {**os.environ, "SLURM_CONF": str(configuration), "PATH": os.environ["PATH"] + ":/usr/sbin"}
        self.started = []
        self.start_munged()
        self.start("slurmctld", "-D", "-f", str(configuration))
        self.start("slurmd", "-D", "-f", str(configuration))
        self.wait_until(lambda: "idle" in self.ask("sinfo", "-h", "-o", "%T"))

    def start_munged(self):
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        at = {name: f"--{name}-file={self.folder}/munged.{name}" for name in ("pid", "seed")}
        socket = self.folder / "munge.socket"
        # --force: the folder lies in one that everybody may write to.
        self.start("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={socket}", *at.values())
        self.wait_until(lambda: socket.exists() and "MUNGE" in self.ask("munge", "-n", "-S", str(socket)))

    def wait_until(self, is_up):
        end = time.monotonic() + 60
        while not self.answers(is_up):
            if time.monotonic() > end:
                logs = [f"{log.name}: {log.read_text(errors='replace')[-800:]}" for log in self.folder.glob("*.log")]
                self.stop()
                raise SlurmDoesNotComeUp("\n".join(logs))
            time.sleep(0.1)

    @staticmethod
    def answers(is_up):
        try:
            return is_up()
        except subprocess.TimeoutExpired:
            return False

    def start(self, *words):
        with (self.folder / f"{words[0]}.said.log").open("w") as said:
            self.started.append(subprocess.Popen(words, env=self.environment, stdout=subprocess.DEVNULL, stderr=said))

    def ask(self, *words):
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=60).stdout

    def stop(self):
        """Cancels what is left, and ends the daemons."""
        try:
            self.ask("scancel", "-u", "root")
        except subprocess.TimeoutExpired:
            pass  # nobody answers: the daemons end all the same
        for process in reversed(self.started):
            process.send_signal(signal.SIGTERM)
        for process in self.started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def own_slurm(tries=3):
    """The daemons are not what is tested: where they do not come up, nothing can be said."""
    for left in reversed(range(tries)):
        try:
            return OwnSlurm()
        except SlurmDoesNotComeUp as logs:
            if not left:
                raise unittest.SkipTest(f"Slurm does not come up here: {logs}")


@unittest.skipIf(missing(), missing())
class Slurm(ClusterTest):
    @classmethod
    def setUpClass(cls):
        cls.slurm = own_slurm()
        cls.addClassCleanup(cls.slurm.stop)

    def submit(self, *options):
        done = self.run_flare("batch", "column.toml", "--slurm", "--tasks", "2", "-o", "out.h5", "--submit", *options,
                              env=self.slurm.environment)
        self.assertIn("joins the parts", done.stdout)

    def wait_for_all(self, seconds=300, nudge=None):
        end, waiting = time.monotonic() + seconds, {}
        while self.slurm.ask("squeue", "-h").strip():
            self.assertLess(time.monotonic(), end, self.slurm.ask("squeue") + self.logs())
            # A requeued job would wait for two minutes. Within a second or two its node still refuses it: "Job credential revoked".
            for job in self.slurm.ask("squeue", "-h", "-t", "PD", "-o", "%i %r").splitlines():
                if "BeginTime" not in job:
                    waiting.pop(job.split()[0], None)
                elif time.monotonic() > waiting.setdefault(job.split()[0], time.monotonic()) + 3:
                    self.slurm.ask("scontrol", "update", f"JobId={job.split()[0]}", "StartTime=now")
            if nudge and nudge():
                nudge = None
            time.sleep(0.2)

    def logs(self):
        return "\n".join(log.read_text() for log in (self.folder / "out.h5.parts").glob("*.log"))

    def test_array_and_merge(self):
        self.alone()
        self.submit()
        self.wait_for_all()
        self.assertTrue((self.folder / "out.h5").exists(), self.logs())
        self.assert_same("alone.h5", "out.h5")

    def test_what_levels_ask_for_is_an_array_of_its_own_and_is_requeued(self):
        (self.folder / "again.toml").write_text(cluster_fixture.AGAIN)
        self.alone(study="again.toml")
        self.run_flare("batch", "again.toml", "--slurm", "--tasks", "5", "-o", "out.h5", "-s", "job.sh")
        script = self.folder / "job.sh"
        # The second task of that array stops once before its end, as one that is told to does.
        stops = '[ "$task" = 2 ] && [ ! -e "$parts/stopped" ] && touch "$parts/stopped" && return 3'
        text = script.read_text()
        self.assertIn("\nrest() {\n", text)
        script.write_text(text.replace("\nrest() {\n", f"\nrest() {{\n  {stops}\n"))
        subprocess.run(["bash", str(script)], cwd=self.folder, env=self.slurm.environment, check=True, capture_output=True)
        self.wait_for_all()
        parts = self.folder / "out.h5.parts"
        self.assertTrue((parts / "stopped").exists())
        self.assertEqual(len(list(parts.glob("rest_*.h5"))), 5, self.logs())
        self.assertIn("levels asked again", self.logs())
        self.assert_same("alone.h5", "out.h5")

    def test_a_task_that_is_told_to_stop_is_requeued_and_goes_on(self):
        self.alone()
        self.submit()

        def stop_a_shard():
            for job in self.slurm.ask("squeue", "-h", "-t", "R", "-o", "%i %o").splitlines():
                journals = list((self.folder / "out.h5.parts").glob("part_*.journal"))
                if journals and journals[0].stat().st_size > 20_000:
                    self.slurm.ask("scancel", "--batch", "--signal=TERM", job.split()[0])
                    return True
            return False

        self.wait_for_all(nudge=stop_a_shard)
        self.assertIn("stopped", self.logs())
        self.assert_same("alone.h5", "out.h5")

    def running_with(self, bytes_of_journal):
        """A job that has made something, or nothing."""
        journals = list((self.folder / "out.h5.parts").glob("*.journal"))
        if not any(journal.stat().st_size > bytes_of_journal for journal in journals if journal.exists()):
            return None
        running = self.slurm.ask("squeue", "-h", "-t", "R", "-o", "%A").split()
        return running[0] if running else None

    def test_a_node_that_goes_down_loses_nothing(self):
        self.alone()
        self.submit()
        node = os.uname().nodename.split(".")[0]
        fallen = []

        def fall():
            if not fallen and self.running_with(20_000):
                self.slurm.ask("scontrol", "update", f"NodeName={node}", "State=down", "Reason=a test")
                fallen.append(self.slurm.ask("squeue", "-h", "-t", "R"))
                self.slurm.ask("scontrol", "update", f"NodeName={node}", "State=resume")
                return True
            return False

        self.wait_for_all(nudge=fall)
        self.assertEqual(fallen, [""])  # nothing went on there
        self.assert_same("alone.h5", "out.h5")

    def test_suspended_jobs_go_on_with_the_same_numbers(self):
        self.alone()
        self.submit("--set=simulator.run_time_limit=\"1 s\"")
        held = []

        def hold():
            job = self.running_with(20_000)
            if job is None:
                return False
            self.slurm.ask("scontrol", "suspend", job)
            held.append(self.slurm.ask("squeue", "-h", "-t", "S", "-o", "%A"))
            time.sleep(2.5)  # more than a run may take
            self.slurm.ask("scontrol", "resume", job)
            return True

        self.wait_for_all(nudge=hold)
        self.assertTrue(held and held[0].strip())
        self.run_flare("run", "column.toml", "--set=simulator.run_time_limit=\"1 s\"", "-j1", "-o", "limited.h5")
        self.assertNotIn("timed out", self.logs())
        self.assert_same("limited.h5", "out.h5")

    def test_ranks_of_srun(self):
        if "pmix" not in self.slurm.ask("srun", "--mpi=list") + self.mpi_list():
            self.skipTest("this Slurm has no PMIx")
        self.alone()
        ranks = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", **self.slurm.environment}
        self.run_flare("run", "column.toml", "-o", "srun.h5", launcher=["srun", "--mpi=pmix", "-n2"], env=ranks)
        self.assert_same("alone.h5", "srun.h5")
        done = self.run_flare("run", "column.toml", "-o", "none.h5", launcher=["srun", "--mpi=none", "-n2"], env=ranks,
                              expect=2)
        self.assertIn("srun --mpi=pmix", done.stderr)

    def mpi_list(self):
        return subprocess.run(["srun", "--mpi=list"], env=self.slurm.environment, capture_output=True, text=True).stderr


if __name__ == "__main__":
    cluster_fixture.main()
