"""HL7 v2: how far an order has come, by the letters of ORC and OBR; of an order that was cancelled or held no result stands."""

from __future__ import annotations

from cbc_screen.knowledge.statuses import Statuses
from cbc_screen.vocabulary import ResultStatus

_LETTERS = {  # of table 0123 that mean another thing than those of a result
    "A": ResultStatus.PRELIMINARY,  # some results are there, and not all
    **dict.fromkeys("SRO", ResultStatus.PENDING),
    **dict.fromkeys("DW", ResultStatus.OTHER),
}
_CONTROL = {  # of table 0119: cancelled, ended or held
    **dict.fromkeys(("CA", "OC", "CR", "DC", "OD", "DR"), ResultStatus.CANCELLED),
    **dict.fromkeys(("HD", "OH", "HR"), ResultStatus.PENDING),
}
_STATE = {  # of table 0038
    **dict.fromkeys(("CA", "DC", "ER", "RP"), ResultStatus.CANCELLED),
    "HD": ResultStatus.PENDING,
}


def status_of_order(stated: str, statuses: Statuses) -> ResultStatus:
    """Return what OBR-25 says of results that say nothing themselves."""
    return _LETTERS.get(stated.upper()) or statuses.of(stated)


def voided_by_control(control: str, state: str) -> ResultStatus | None:
    """Return the status of every result where ORC-1 or ORC-5 says that its order was cancelled or held."""
    return _CONTROL.get(control.upper()) or _STATE.get(state.upper())
