"""Lifeboat: its own drills, by its own command, with the lab's plan and with ones that look less and more often.

Each drill has a lab of its own: the first failover is the one that people meet."""

import json
import signal
import subprocess
from pathlib import Path

from host import BenchError
from keeper import die_with_parent
from trial import Run

# The drill that is each of the bench's disasters.
DRILLS = {"kill": "primary-killed", "host-loss": "host-lost"}

# What each plan says otherwise than the lab's, which looks every 0.5 s.
SETUPS = {
    # It detects after 20 s to 32 s, which its objective must allow; and how far the replica is behind is known as of a
    # sample up to 10 s before the first that failed.
    "10 s probes": {
        "  interval: 500ms": "  interval: 10s",
        "  timeout: 400ms": "  timeout: 2s",
        "  rto: 30s": "  rto: 60s",
        "  rpo: 5s": "  rpo: 15s",
        "    time: 2s": "    time: 15s",
    },
    "0.5 s probes": {},
    # The shortest that we would dare.
    "0.2 s probes": {
        "  interval: 500ms": "  interval: 200ms",
        "  timeout: 400ms": "  timeout: 150ms",
        "  holdDown: 1s": "  holdDown: 400ms",
    },
}

# The lab comes up, once; then each drill.
MOST_SET_UP_SECONDS, MOST_DRILL_SECONDS = 900, 240


class Lifeboat:
    """The command, and the plans it is given."""

    def __init__(self, root: Path, base: Path, program: Path | None):
        self.root, self.base = root, base
        self.command = [str(program)] if program else ["cargo", "run", "--quiet", "--bin", "lifeboat", "--"]

    def version(self) -> str:
        """What it calls itself."""
        return self._run("--version", within=MOST_SET_UP_SECONDS).split()[-1]

    def scenarios(self) -> set[str]:
        """Which of the bench's disasters it has a drill for."""
        told = self._run("lab", "drill", "--list", "--json", within=60)
        drills = {json.loads(line)["scenario"] for line in told.splitlines() if line.strip()}
        return {scenario for scenario, drill in DRILLS.items() if drill in drills}

    def drill(self, name: str, scenario: str, runs: int, say) -> list[Run]:
        """Runs a disaster's drill so many times, each on a new lab. Raises `BenchError`."""
        plan = str(self._plan(name))
        measured = []
        for _ in range(runs):
            within = MOST_SET_UP_SECONDS + MOST_DRILL_SECONDS
            told = self._run("lab", "drill", DRILLS[scenario], "--json", "--plan", plan, within=within)
            drills = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
            drill = next((drill for drill in drills if "result" in drill), None)
            if drill is None:
                raise BenchError("a drill left no result")
            if drill["shortcomings"]:
                say(f"Lifeboat, {name}, {scenario}: {'; '.join(drill['shortcomings'])}; see {drill['evidence']}")
            measured.append(_run_of(drill["result"]["client"]))
        return measured

    def _plan(self, name: str) -> Path:
        lab = self.root / "plans/lab.yaml"
        text = lab.read_text()
        for line, other in SETUPS[name].items():
            if text.count(f"\n{line}\n") != 1:
                raise BenchError(f"{lab} has no single line `{line.strip()}` any more: correct SETUPS in {__file__}")
            text = text.replace(f"\n{line}\n", f"\n{other}\n")
        plan = self.base / f"{name.replace(' ', '-')}.yaml"
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
