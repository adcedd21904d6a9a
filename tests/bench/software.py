"""What the peers need, put under `target/bench`: Debian's packages, unpacked and not installed, and Patroni from PyPI.

Nothing of the system changes: no package is installed, no service started, no file written outside of that folder.
"""

import os
import pwd
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# PostgreSQL with what it serves clients by, for every peer: unpacked, it finds its parts relative to its programs.
POSTGRES = ("postgresql-{major}", "postgresql-client-{major}", "libpq5")

# Of each peer; names of packages that Debian has for its own PostgreSQL.
PACKAGES = {
    "patroni": ("etcd-server", "haproxy"),
    "pg_auto_failover": ("pg-auto-failover-cli", "postgresql-{major}-auto-failover"),
    "repmgr": ("repmgr-common", "postgresql-{major}-repmgr"),
}

# The programs whose versions a table names, and the packages that have them.
VERSIONED = {
    "patroni": {"etcd": "etcd-server", "HAProxy": "haproxy"},
    "pg_auto_failover": {"pg_auto_failover": "pg-auto-failover-cli"},
    "repmgr": {"repmgr": "postgresql-{major}-repmgr"},
}

# Of what else a package needs, these are left out: what must fit the system's other programs, what builds programs, and
# the compiler of queries, which is large and which nothing here makes PostgreSQL use.
LEFT_OUT = re.compile(r"^(libc6|libc-bin|libgcc-s1|libstdc\+\+6|.*-dev|libllvm.*|libz3-4)$")

# The most packages that are fetched for one peer.
MOST_PACKAGES = 40


def account() -> str | None:
    """Whom the peers run as. PostgreSQL refuses to run as root: then it is its own account."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"


class Missing(Exception):
    """What is not there, why, and what to do about it."""


@dataclass(frozen=True)
class Software:
    """Programs under `target/bench`."""

    base: Path
    major: str = ""

    @property
    def root(self) -> Path:
        """Where Debian's packages are unpacked."""
        return self.base / "root"

    @property
    def python(self) -> Path:
        """The Python that has psycopg and Patroni."""
        return self.base / "venv/bin/python"

    def postgres(self, program: str) -> Path:
        """A program of PostgreSQL's."""
        return self.root / f"usr/lib/postgresql/{self.major}/bin" / program

    def program(self, name: str) -> Path:
        """Another unpacked program."""
        for folder in ("usr/bin", "usr/sbin"):
            if (path := self.root / folder / name).exists():
                return path
        return self.postgres(name)

    def environment(self, home: Path) -> dict[str, str]:
        """A clean environment in which the unpacked programs find their libraries and each other."""
        libraries = [str(folder) for folder in sorted(self.root.glob("usr/lib/*-linux-gnu*"))]
        path = [self.postgres("").parent / "bin", self.base / "venv/bin", self.root / "usr/bin", self.root / "usr/sbin"]
        return {
            "PATH": ":".join([*map(str, path), "/usr/bin", "/bin"]),
            "LD_LIBRARY_PATH": ":".join(libraries),
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(home),
            # Where pg_auto_failover's servers have their socket; else it would be the system's folder.
            "PG_REGRESS_SOCK_DIR": str(home),
            "LC_ALL": "C.UTF-8",
        }

    def versions(self, peer: str) -> dict[str, str]:
        """The versions of PostgreSQL and of a peer, without Debian's revisions."""
        packages = {"PostgreSQL": "postgresql-{major}"} | VERSIONED[peer]
        told = {name: self._version(package.format(major=self.major)) for name, package in packages.items()}
        if peer == "patroni":
            [info] = self.base.glob("venv/lib/python*/site-packages/patroni-*.dist-info")
            told["Patroni"] = info.name.removeprefix("patroni-").removesuffix(".dist-info")
        return told

    def _version(self, package: str) -> str:
        archive = max(self.base.glob(f"packages/{package}_*.deb"), key=lambda path: path.stat().st_mtime)
        # NAME_EPOCH%3aVERSION-REVISION_ARCHITECTURE.deb
        return archive.name.split("_")[1].rpartition("%3a")[2].partition("-")[0]


def prepare_client(base: Path, requirements: Path, say) -> Software:
    """Makes the Python environment with psycopg and Patroni, unless it is there already.

    Raises `Missing` when it cannot be made.
    """
    software = Software(base)
    wanted = requirements.read_text()
    made_from = base / "venv/requirements.txt"
    if made_from.exists() and made_from.read_text() == wanted:
        return software
    say("installing Patroni and psycopg into target/bench/venv")
    base.mkdir(parents=True, exist_ok=True)
    _run([_python(), "-m", "venv", "--clear", str(base / "venv")], base / "venv.log", 120)
    pip = [str(base / "venv/bin/pip"), "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    _run([*pip, "--require-hashes", "-r", str(requirements)], base / "pip.log", 600)
    made_from.write_text(wanted)
    return software


def _python() -> str:
    """A Python that makes environments and that whom the peers run as may use: root's own may be in root's home."""
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        command = [python, "-c", "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))"]
        try:
            if subprocess.run(command, user=account(), cwd="/", capture_output=True, timeout=20).returncode == 0:
                return python
        except (OSError, subprocess.TimeoutExpired):
            continue
    raise Missing(
        f"no Python 3.11 or newer with venv that {account() or 'you'} may run; on Debian: apt-get install python3-venv"
    )


def prepare_peer(software: Software, peer: str, say) -> Software:
    """Fetches and unpacks what a peer needs, unless it is there already.

    Raises `Missing` when this is no Debian, or a package is not to be had.
    """
    if not all(shutil.which(program) for program in ("apt-get", "apt-cache", "dpkg")):
        raise Missing("its packages are Debian's, and apt-get, apt-cache or dpkg is not here; use a Debian machine")
    major = software.major or _major()
    software = Software(software.base, major)
    marker = software.base / f"packages/{peer}-{major}.unpacked"
    if marker.exists():
        return software
    folder = marker.parent
    folder.mkdir(parents=True, exist_ok=True)
    named = [name.format(major=major) for name in (*POSTGRES, *PACKAGES[peer])]
    wanted = sorted({*named, *_needed(named)})
    if len(wanted) > MOST_PACKAGES:
        raise Missing(f"{len(wanted)} packages would be fetched, which is more than the {MOST_PACKAGES} expected")
    say(f"fetching {len(wanted)} of Debian's packages for {peer}")
    log = folder / f"{peer}.log"
    _run(["apt-get", "download", "-o", "APT::Sandbox::User=root", *wanted], log, 300, folder)
    for name in wanted:
        archive = next(folder.glob(f"{name}_*.deb"), None)
        if archive is None:
            raise Missing(f"apt-get did not fetch {name}; see {log}")
        _run(["dpkg", "-x", str(archive), str(software.root)], log, 120)
    marker.touch()
    return software


def _major() -> str:
    """The major version of Debian's own PostgreSQL, for which its extensions are built."""
    told = _output(["apt-cache", "depends", "postgresql"])
    found = re.search(r"Depends: postgresql-(\d+)\s", told)
    if not found:
        raise Missing("apt knows no package `postgresql`: run `apt-get update` as root, then this again")
    return found.group(1)


def _needed(names: list[str]) -> list[str]:
    """What this system lacks of what these packages need, by apt's own reckoning. Only asks; installs nothing."""
    told = _output(["apt-get", "--simulate", "--no-install-recommends", "install", *names])
    found = re.findall(r"^Inst (\S+)", told, re.MULTILINE)
    return [name for name in found if not LEFT_OUT.match(name)]


def _output(command: list[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"}
    )
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())[-300:]
        raise Missing(f"`{' '.join(command[:2])}` says: {said}; `apt-get update` as root may help")
    return done.stdout


def _run(command: list[str], log: Path, within: float, folder: Path | None = None) -> None:
    with open(log, "ab") as said:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=within, cwd=folder
            )
        except subprocess.TimeoutExpired:
            raise Missing(f"`{Path(command[0]).name}` did not end within {within:.0f} s; see {log}") from None
    if done.returncode != 0:
        raise Missing(f"`{Path(command[0]).name} {command[1]}` failed; see {log}")
