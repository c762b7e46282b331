"""The HTTP door: the library's own answers, for programs of any language; needs the extra `service`.

`make_app` gives the application, `cbc-screen serve` runs it. Nothing is kept between two requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cbc_screen.service.app import make_app
    from cbc_screen.service.limits import Limits

__all__ = ["Limits", "make_app"]


def __getattr__(name: str) -> Any:
    # FastAPI is imported only where a service is made.
    if name == "make_app":
        from cbc_screen.service.app import make_app

        return make_app
    if name == "Limits":
        from cbc_screen.service.limits import Limits

        return Limits
    raise AttributeError(f"module 'cbc_screen.service' has no attribute {name!r}")
