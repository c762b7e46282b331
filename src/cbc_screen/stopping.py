"""The command when it is told to stop, or what it writes to is gone: clean up, say so in one line, and end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from cbc_screen.private_files import remove_unfinished

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
OF_SIGNALS = 128  # a shell's exit code of a command that a signal ended is this and the signal's number


class Stopped(BaseException):
    """A signal asks the process to end; not an `Exception`, so that nothing on the way takes it for a fault."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def name(self) -> str:
        """The name of the signal."""
        return signal.Signals(self.number).name

    @property
    def exit_code(self) -> int:
        """What the command returns to the shell."""
        return OF_SIGNALS + self.number


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Turn the first signal to end into `Stopped`; a second one removes unfinished files and ends at once.

    A signal that is ignored, as under `nohup`, stays ignored.
    """
    before = {}
    for number in _SIGNALS:
        with suppress(ValueError):  # not the main thread
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, _: FrameType | None) -> None:
    for other in _SIGNALS:
        if signal.getsignal(other) is _stop:
            signal.signal(other, _end)
    raise Stopped(number)


def _end(number: int, _: FrameType | None) -> None:
    remove_unfinished()
    os._exit(OF_SIGNALS + number)


def keep_standard_streams() -> None:
    """Give closed standard streams to the null device, so that no file of patients gets their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def let_go_of_standard_output() -> None:
    """Where writing to standard output has failed, send what still waits for it nowhere: it would fail again."""
    if sys.stdout is None or sys.stdout.closed:
        return
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        return
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        sys.stdout.flush()
