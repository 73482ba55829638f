"""Runs MiniStack until the standard input ends, as it does when the test ends, in whichever way. Then it and the functions' processes,
which are of its group, are killed."""

import os
import runpy
import signal
import sys
import threading


def watch():
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


threading.Thread(target=watch, daemon=True).start()
sys.argv = ["ministack"]
runpy.run_module("ministack", run_name="__main__")
