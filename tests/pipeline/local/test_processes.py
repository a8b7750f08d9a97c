"""Check that a worker process that is lost ends the job, and that one that ends by itself does not."""

import os
import re
import signal
import threading

import pytest

from pipeline.failures import WORKER_ENDED, JobFailedError
from pipeline.local import processes
from pipeline.local.processes import worker_processes
from telemetry.cli.commands import interruptible

KILLED = "kill -KILL $$"
FAILS = pytest.raises(JobFailedError, match=re.escape(WORKER_ENDED))


def test_a_process_that_is_lost_while_the_job_waits_ends_the_job(monkeypatch, capfd):
    monkeypatch.setattr(processes, "PATIENCE_S", 0.01)
    with FAILS, interruptible(), worker_processes() as started:
        started.start(KILLED, os.environ)
        threading.Event().wait(30)
    assert capfd.readouterr() == ("", "")


def test_a_runner_that_fails_after_a_loss_failed_because_of_it():
    with FAILS, interruptible(), worker_processes() as started:
        started.start(KILLED, os.environ).join()
        raise RuntimeError("the channel was closed")


@pytest.mark.parametrize("command", [KILLED, "exit 0"])
def test_a_failure_that_has_a_reason_keeps_it(command):
    with pytest.raises(JobFailedError, match="the disk is full"), interruptible(), worker_processes() as started:
        started.start(command, os.environ).join()
        raise JobFailedError("the disk is full")


def test_a_process_that_ends_by_itself_is_not_lost():
    with worker_processes() as started:
        started.start("test $NAME = value", {"NAME": "value"}).join()
        assert not started.lost
    with pytest.raises(RuntimeError, match="a defect"), worker_processes() as started:
        started.start("exit 0", os.environ).join()
        raise RuntimeError("a defect")


def test_nothing_is_interrupted_after_the_block(monkeypatch):
    monkeypatch.setattr(processes, "PATIENCE_S", 3_600)
    with worker_processes() as started:
        started.start(KILLED, os.environ).join()
        assert started.lost
    timer = started._timer
    assert timer is not None
    assert timer.finished.is_set()
    assert not started.in_vain


def test_an_interrupt_of_the_user_stays_one():
    with pytest.raises(KeyboardInterrupt), interruptible(), worker_processes() as started:
        started.start("exit 0", os.environ).join()
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(30)


def test_a_process_that_does_not_end_is_killed_and_is_no_loss():
    with worker_processes() as started:
        worker = started.start("exec sleep 600", os.environ)
        worker.end(0.0)
        assert worker._process.returncode == -signal.SIGKILL
        assert not started.lost


def test_a_process_that_ends_in_time_is_not_killed():
    with worker_processes() as started:
        worker = started.start("read line; exit 0", os.environ)
        assert worker._process.stdin is not None
        worker._process.stdin.close()
        worker.end(60.0)
        assert worker._process.returncode == 0


def test_no_process_outlives_the_block():
    with pytest.raises(ZeroDivisionError), worker_processes() as started:
        workers = [started.start("exec sleep 600", os.environ) for _ in range(3)]
        raise ZeroDivisionError
    assert [worker._process.poll() for worker in workers] == [-signal.SIGKILL] * 3


def test_a_signal_waits_until_a_started_process_is_known(monkeypatch):
    plain = processes.WorkerProcess

    def interrupted(*args):
        worker = plain(*args)
        os.kill(os.getpid(), signal.SIGINT)
        return worker

    monkeypatch.setattr(processes, "WorkerProcess", interrupted)
    with pytest.raises(KeyboardInterrupt), interruptible(), worker_processes() as started:
        started.start("exec sleep 600", os.environ)
    (worker,) = started._started
    assert worker._process.poll() == -signal.SIGKILL
