"""Turn failures into exit codes, and signals into an orderly end, alike in every command."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

from telemetry.cli.exit_codes import FAILURE, NOTHING_USABLE, SIGNALLED, SUCCESS, USAGE
from telemetry.cli.standard_output import PROBLEM, drop_output, flush_output, output_failure, watch_output
from telemetry.errors import ConfigError, NothingUsableError, TelemetryError
from telemetry.extras import explain_missing


def exit_code(program: str, command: Callable[[], int]) -> int:
    """Run a command and return its exit code; report an expected failure in one line on standard error.

    A reader of the output that has left (``| head``) is a failure without a message. Standard output that cannot be
    written for another reason, such as a full disk, is a failure with one.

    Args:
        program: the name before ``: error:``.
        command: the command; returns its exit code.
    """
    # Otherwise gRPC's C library writes lines of its own, sometimes after the line about the failure.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    if sys.stdout is None:  # closed (>&-); the files that the command opens would take its place
        sys.stderr.write(f"{program}: error: {PROBLEM}: it is closed\n")
        return FAILURE
    watch_output()
    try:
        code = _run(program, command)
    except SystemExit:  # after --help and --version
        if flush_output():
            raise
        code = SUCCESS
    if flush_output() and not output_failure():
        return code
    if code == SUCCESS and output_failure():
        sys.stderr.write(f"{program}: error: {PROBLEM}: {output_failure()}\n")
    return code or FAILURE


def _run(program: str, command: Callable[[], int]) -> int:
    """Run a command and return its exit code; 0 after a failure of standard output, which the caller reports."""
    try:
        return command()
    except TelemetryError as error:
        sys.stderr.write(f"{program}: error: {error}\n")
        if isinstance(error, NothingUsableError):
            return NOTHING_USABLE
        return USAGE if isinstance(error, ConfigError) else FAILURE
    except ImportError as error:
        missing = explain_missing(error)
        if missing is None:
            raise
        sys.stderr.write(f"{program}: error: {missing}\n")
        return USAGE
    except BrokenPipeError:
        drop_output()
        return FAILURE
    except OSError:
        if not output_failure():
            raise
        drop_output()
        return SUCCESS
    except KeyboardInterrupt as interrupt:
        sys.stderr.write(f"{program}: interrupted\n")
        return SIGNALLED + int(interrupt.args[0] if interrupt.args else signal.SIGINT)


@contextlib.contextmanager
def stopping(stop: Callable[[], object]) -> Iterator[None]:
    """Call `stop` at the first SIGINT or SIGTERM, and end the process at the second; in the main thread only."""
    asked: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if asked:
            os._exit(SIGNALLED + number)
        asked.append(number)
        stop()

    with _handling(on_signal):
        yield


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt in the block at SIGINT and SIGTERM, so that it cleans up; in the main thread only.

    The block ends with KeyboardInterrupt, too, if a library has made another exception of it, or has ignored it. An
    expected failure stays one.
    """
    received: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt(number)

    try:
        with _handling(on_signal):
            yield
    except TelemetryError:
        raise
    except BaseException:
        if received:
            raise KeyboardInterrupt(received[0]) from None
        raise
    if received:
        raise KeyboardInterrupt(received[0])


@contextlib.contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    previous = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)
