"""Starts ministack with its seams filled; the lab's gateway is this program.

Run by the interpreter of the lab's virtual environment. Everything is told by the environment:
GATEWAY_PORT, BIND_HOST and the like are ministack's own; LIFEBOAT_LAB_RDS (URL of the RDS
endpoint), LIFEBOAT_LAB_ZONES (file that mirrors Route 53) and LIFEBOAT_LAB_NAME_SERVERS (names of
the servers that zones are delegated to) are ours.
"""

import sys

from ministack import app

from seams import fill
from seams.symbols import SeamError


# How long a thread of Python keeps the others waiting, in seconds. With Python's own 5 ms each call of AWS would wait that
# long behind every other one that is under way.
TURN = 0.0005


def main() -> int:
    sys.setswitchinterval(TURN)
    try:
        fill()
    except SeamError as error:
        print(f"the lab's gateway cannot start: {error}", file=sys.stderr)
        return 3
    app.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
