"""The one exception for people."""

from __future__ import annotations


class MienError(Exception):
    """Something the user can put right, said in one line. The command line prints it and exits with 2."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(str(message).split()))
