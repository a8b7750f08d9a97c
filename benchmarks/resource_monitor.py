"""Run a command as a child process, and write its time and memory to a file.

``python resource_monitor.py REPORT OPTIONS COMMAND...``: OPTIONS and REPORT are JSON, see
`benchmarks.measured_process`. Linux initialises the peak memory of a process with that of its parent, so the parent
must be small: this script imports only the standard library and is not imported as part of the package.
"""

import json
import os
import subprocess
import sys
import threading
import time

_KB = 1024 if sys.platform == "darwin" else 1  # ru_maxrss is in bytes there, in kB elsewhere


def main(report: str, options: str, *command: str) -> int:
    """Run the command until its end or its time limit, and return 0; the report has its exit code."""
    settings = json.loads(options)
    if settings["cpus"]:
        os.sched_setaffinity(0, settings["cpus"])
    memory: list[tuple[float, int]] = []
    ended = threading.Event()
    began = time.perf_counter()
    process = subprocess.Popen(command)
    timer = threading.Timer(settings["limit_s"], process.kill)
    timer.daemon = True
    timer.start()
    if settings["sample_s"]:
        arguments = (process.pid, settings["sample_s"], ended, began, memory)
        threading.Thread(target=_sample_memory, args=arguments, daemon=True).start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    ended.set()
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    with open(report, "w", encoding="utf-8") as file:
        json.dump(
            {
                "seconds": seconds,
                "returncode": process.returncode,
                "peak_kb": usage.ru_maxrss // _KB,
                "cpu_s": usage.ru_utime + usage.ru_stime,
                "memory": memory,
            },
            file,
        )
    return 0


def _sample_memory(
    pid: int, every_s: float, ended: threading.Event, began: float, memory: list[tuple[float, int]]
) -> None:  # fmt: skip
    while not ended.wait(every_s):
        try:
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                resident = [line.split()[1] for line in file if line.startswith("VmRSS:")]
        except OSError:  # the process has just ended, or there is no /proc
            return
        if resident:
            memory.append((round(time.perf_counter() - began, 2), int(resident[0])))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
