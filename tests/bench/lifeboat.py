"""Lifeboat: its own drills, by its own command, with the lab's plan and with one that looks every 10 s."""

import json
import signal
import subprocess
from pathlib import Path

from host import BenchError
from keeper import die_with_parent
from trial import Run

# The drill that is each of the bench's disasters.
DRILLS = {"kill": "primary-killed", "host-loss": "host-lost"}

SETUPS = ("10 s probes", "0.5 s probes")

# What a plan that looks every 10 s says otherwise than the lab's. It detects after 20 s to 32 s, which its objective
# must allow; and how far the replica is behind is known as of a sample up to 10 s before the first that failed.
SLOWLY = {
    "  interval: 500ms": "  interval: 10s",
    "  timeout: 400ms": "  timeout: 2s",
    "  rto: 30s": "  rto: 60s",
    "  rpo: 5s": "  rpo: 15s",
    "    time: 2s": "    time: 15s",
}

# The lab comes up, once; then each drill.
MOST_SET_UP_SECONDS, MOST_DRILL_SECONDS = 900, 240


class Lifeboat:
    """The command, and the plans it is given."""

    def __init__(self, root: Path, base: Path, program: Path | None):
        self.root, self.base = root, base
        self.command = [str(program)] if program else ["cargo", "run", "--quiet", "--package", "lifeboat", "--"]

    def version(self) -> str:
        """What it calls itself."""
        return self._run("--version", within=MOST_SET_UP_SECONDS).split()[-1]

    def scenarios(self) -> set[str]:
        """Which of the bench's disasters it has a drill for."""
        told = self._run("drill", "--list", "--json", within=60)
        drills = {json.loads(line)["scenario"] for line in told.splitlines() if line.strip()}
        return {scenario for scenario, drill in DRILLS.items() if drill in drills}

    def drill(self, name: str, scenario: str, runs: int, say) -> list[Run]:
        """Runs a disaster's drill so many times on one lab. Raises `BenchError`."""
        within = MOST_SET_UP_SECONDS + runs * MOST_DRILL_SECONDS
        plan = str(self._plan(name))
        told = self._run("drill", DRILLS[scenario], "--json", "--runs", str(runs), "--plan", plan, within=within)
        measured = []
        for line in told.splitlines():
            drill = json.loads(line) if line.startswith("{") else {}
            if "result" not in drill:
                continue
            if drill["shortcomings"]:
                say(f"Lifeboat, {name}, {scenario}: {'; '.join(drill['shortcomings'])}; see {drill['evidence']}")
            measured.append(_run_of(drill["result"]["client"]))
        if len(measured) != runs:
            raise BenchError(f"{len(measured)} of {runs} drills left a result")
        return measured

    def _plan(self, name: str) -> Path:
        lab = self.root / "plans/lab.yaml"
        if name == "0.5 s probes":
            return lab
        text = lab.read_text()
        for line, slow in SLOWLY.items():
            if text.count(f"\n{line}\n") != 1:
                raise BenchError(f"{lab} has no single line `{line.strip()}` any more: correct SLOWLY in {__file__}")
            text = text.replace(f"\n{line}\n", f"\n{slow}\n")
        plan = self.base / "probes-every-10s.yaml"
        plan.write_text(text)
        self._run("plan", "check", str(plan), within=60)
        return plan

    def _run(self, *arguments: str, within: float) -> str:
        log = self.base / "lifeboat.log"
        with open(log, "ab") as said:
            process = subprocess.Popen(
                [*self.command, *arguments],
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                preexec_fn=die_with_parent,
            )
            try:
                told, _ = process.communicate(timeout=within)
            except BaseException as broken:
                # Its keeper takes the lab down; ours ends whatever that leaves.
                process.send_signal(signal.SIGINT)
                process.wait(timeout=30)
                if isinstance(broken, subprocess.TimeoutExpired):
                    late = f"`lifeboat {arguments[0]}` did not end within {within:.0f} s; see {log}"
                    raise BenchError(late) from None
                raise
        # A drill that missed an objective ends with 1 and has its figures all the same.
        if process.returncode not in (0, 1) or (process.returncode == 1 and '"result"' not in told):
            raise BenchError(f"`lifeboat {' '.join(arguments[:2])}` ended with {process.returncode}; see {log}")
        return told


def _run_of(client: dict) -> Run:
    """A drill's client, which is the model of the bench's own."""
    outage = client["outage"]
    if outage is None or outage["firstAfter"] is None:
        raise BenchError("the client never wrote again")
    return Run(outage["milliseconds"], client["lost"]["rows"]["count"], client["splitBrain"]["count"])
