"""What every command does alike: an expected failure is one line, and the first signal ends it in order."""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

from telemetry.errors import ConfigError, TelemetryError


class OneLineParser(argparse.ArgumentParser):
    """A parser whose complaints are one line, and whose flags are written in full."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Take what any parser takes; subcommands inherit the class."""
        super().__init__(*args, **{"allow_abbrev": False} | options)

    def error(self, message: str) -> NoReturn:
        """Raise the complaint as a ConfigError, instead of printing the usage and leaving."""
        flag, _, problem = message.removeprefix("argument ").partition(": ")
        raise ConfigError(flag, "", problem or "not understood")


def exit_code(program: str, command: Callable[[], int]) -> int:
    """Run a command; returns its exit code, 2 for bad configuration, 1 for another expected failure.

    Nobody who reads the output any more (``| head``) is such a failure too, and needs no words. Of a signal that
    nobody takes (Ctrl-C) the code is 128 and its number, as shells have it.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # else it writes lines of its own, e.g. after that of a failure
    try:
        code = command()
        sys.stdout.flush()  # here, where a reader that has left is no stack trace
        return code
    except TelemetryError as error:
        sys.stderr.write(f"{program}: error: {error}\n")
        return 2 if isinstance(error, ConfigError) else 1
    except BrokenPipeError:
        drop_output()
        return 1
    except KeyboardInterrupt as interrupt:
        sys.stderr.write(f"{program}: interrupted\n")
        return 128 + int(interrupt.args[0] if interrupt.args else signal.SIGINT)


def drop_output() -> None:
    """Let what is still written to standard output go nowhere, after its reader has left."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@contextlib.contextmanager
def stopping(stop: Callable[[], object]) -> Iterator[None]:
    """Call `stop` at the first SIGINT or SIGTERM, and end the process at the second; in the main thread only."""
    asked: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if asked:
            os._exit(128 + number)
        asked.append(number)
        stop()

    with _handling(on_signal):
        yield


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """End the block by a KeyboardInterrupt at SIGINT and at SIGTERM alike, so that it cleans up; main thread only."""

    def on_signal(number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt(number)

    with _handling(on_signal):
        yield


@contextlib.contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    previous = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)
