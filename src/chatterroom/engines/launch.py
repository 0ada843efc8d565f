"""Become another program that dies with its parent: `launch.py PARENT_PID SIGNAL PROGRAM ARGS…`.

A program of its own rather than a `preexec_fn`, which is not safe in a parent with threads. It
runs by path under `python -I -S`, so it imports nothing of this package.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Ask the kernel for the signal on the parent's death (Linux), then become the program."""
    parent_pid, signal_number, *command = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
    # A parent that died before the request was made would never cause the signal.
    if os.getppid() != int(parent_pid):
        sys.exit("the parent process has ended")
    os.execv(command[0], command)  # noqa: S606 - becoming another program is the point


if __name__ == "__main__":
    main(sys.argv[1:])
