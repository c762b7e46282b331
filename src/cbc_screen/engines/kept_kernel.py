"""The kernel for one record as it was kept, so that a process need not build it again."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.keys import KeyedLimits
from cbc_screen.kernel.one_record import Print, RecordKernel
from cbc_screen.kernel.printed import Printed, ProgramPart
from cbc_screen.kernel_inputs import InputScope
from cbc_screen.knowledge import kept


@lru_cache(maxsize=32)
def record_kernel(chosen: Configuration) -> RecordKernel:
    """Return the kernel for one record: from what was kept, or else built and kept."""
    if chosen.stamp:  # a user's own files are many, and read each time
        return _built(chosen)
    name = f"record-{hashlib.sha256(repr(chosen).encode()).hexdigest()[:16]}"
    limits = kept.load(name)
    if not isinstance(limits, KeyedLimits):
        limits = _built(chosen).limits
        kept.save(name, KeyedLimits(limits.grid, limits.columns, limits.by_key, limits.pregnancy_ages))
    return RecordKernel(limits, _printed(name, chosen))


def _printed(name: str, chosen: Configuration) -> Print:
    def printed(scope: InputScope, reported: bool, part: ProgramPart) -> Printed:
        entry = f"{name}-{scope:d}{reported:d}-{part}"
        found = kept.load(entry)
        if not isinstance(found, Printed):
            found = _built(chosen).printed(scope, reported, part)
            kept.save(entry, found)
        return found

    return printed


def _built(chosen: Configuration) -> RecordKernel:
    from cbc_screen.kernel.configure import build_kernel
    from cbc_screen.knowledge import load_knowledge

    return build_kernel(load_knowledge(), chosen).record
