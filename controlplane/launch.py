"""``python launch.py PARENT PROGRAM ARGS…``: become PROGRAM, and die when PARENT does.

PR_SET_PDEATHSIG survives exec (prctl(2)), so a supervisor that is killed leaves no orphan. It must be set in
the child, after the fork; doing that in a process with threads (``preexec_fn``) can deadlock.

The signal is SIGKILL: who killed the supervisor wants the group gone, and its ports and sockets free for the
next one. Even a process that hangs then goes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    parent, *argv = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        sys.exit(f"{argv[0]}: the supervisor has gone")
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - that is its purpose
    except OSError as error:
        sys.exit(f"{argv[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
