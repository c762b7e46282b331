"""What a request may cost: bytes, seconds, depth, and how many counts at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of a service; beyond them a request is refused, and says which.

    Parameters
    ----------
    body_bytes : int
        The largest body of a request.
    seconds : float
        How long a client may take to send a request, and an answer may take to be worked out.
    depth : int
        How deep JSON may be nested.
    counts : int
        How many blood counts one request may hold: a whole answer has about 90 kB for each.
    connections : int
        How many clients are served at once; further ones are told to come again.

    Examples
    --------
    >>> Limits(counts=10).depth
    64
    """

    body_bytes: int = 4 << 20
    seconds: float = 20.0
    depth: int = 64  # as of the library's FHIR
    counts: int = 500
    connections: int = 200
