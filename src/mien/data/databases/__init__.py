"""The databases, by name; one loader a file."""

from __future__ import annotations

import difflib

from mien.data.databases.affectnet import AFFECTNET
from mien.data.databases.base import Database
from mien.data.databases.cfee import CFEE
from mien.data.databases.ckplus import CKPLUS
from mien.data.databases.fer2013 import FER2013
from mien.data.databases.folder import FOLDER
from mien.data.databases.jaffe import JAFFE
from mien.data.databases.kdef import AKDEF, KDEF
from mien.data.databases.mug import MUG
from mien.data.databases.open_set import OPEN
from mien.data.databases.oulu import OULU
from mien.data.databases.rafd import RAFD
from mien.data.databases.rafdb import RAFDB
from mien.errors import MienError

__all__ = ["DATABASES", "Database", "database"]

DATABASES = {
    one.name: one
    for one in (RAFD, KDEF, AKDEF, OULU, CKPLUS, MUG, JAFFE, CFEE, RAFDB, FER2013, AFFECTNET, OPEN, FOLDER)
}


def database(name: str) -> Database:
    """The database of a name in whatever spelling; a `MienError` names them all."""
    word = _plain(name)
    known = {_plain(word): one for one in DATABASES.values() for word in (one.name, one.title, *one.aliases)}
    if word in known:
        return known[word]
    near = difflib.get_close_matches(word, known, n=1)
    hint = f"; did you mean {known[near[0]].name}?" if near else ""
    raise MienError(f"unknown database {name!r}{hint} Known: {', '.join(DATABASES)}")


def _plain(word: str) -> str:
    return "".join(sign for sign in word.lower() if sign.isalnum() or sign == "+")
