"""python -m cbc_screen: the command."""

from __future__ import annotations

from cbc_screen.cli import main

if __name__ == "__main__":
    main(prog_name="cbc-screen")
