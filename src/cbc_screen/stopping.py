"""The command when it is told to stop, or what it writes to is gone: clean up, say so in one line, and end."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from types import FrameType

from cbc_screen.private_files import remove_unfinished

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
SECONDS_TO_CLEAN_UP = 10.0
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
    """Turn the first signal to end into `Stopped`; a second one ends the process at once, and so does a long wait.

    A signal that is ignored, as under `nohup`, stays ignored. Outside the main thread nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    caught = {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}
    with _Watch() if os.name == "posix" else nullcontext():
        for number in caught:
            signal.signal(number, _stop)
        try:
            yield
        finally:
            for number, handler in caught.items():
                # Once stopped the process ends: a signal that comes still later alters nothing of its exit code.
                stopped = signal.getsignal(number) is _do_nothing
                signal.signal(number, signal.SIG_IGN if stopped else handler)


def _stop(number: int, _: FrameType | None) -> None:
    for other in _SIGNALS:
        if signal.getsignal(other) is _stop:
            signal.signal(other, _do_nothing)  # cleaning up is not to be interrupted; the watch ends the process
    raise Stopped(number)


def _do_nothing(_: int, __: FrameType | None) -> None:
    return None


class _Watch:
    """Sees signals where Python's own handlers cannot run: while the main thread waits for the system."""

    def __enter__(self) -> None:
        self._signals, self._written = os.pipe()
        os.set_blocking(self._written, False)
        self._before = signal.set_wakeup_fd(self._written, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._watch, name="cbc-signals", daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._before)
        os.close(self._written)
        self._thread.join()
        os.close(self._signals)

    def _watch(self) -> None:
        """Wait for a first signal, and then for a second one, or for the end of the command."""
        number = self._next(None)
        if number is None:
            return
        until = time.monotonic() + SECONDS_TO_CLEAN_UP
        if self._next(until) is None and time.monotonic() < until:
            return
        remove_unfinished()
        os._exit(OF_SIGNALS + number)

    def _next(self, until: float | None) -> int | None:
        """Return the next signal to end; None at the end of the command, or when the time is over."""
        while True:
            left = None if until is None else max(0.0, until - time.monotonic())
            ready, _, _ = select.select([self._signals], [], [], left)
            found = os.read(self._signals, 1) if ready else b""
            if not found:
                return None
            if found[0] in _SIGNALS:
                return found[0]


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
