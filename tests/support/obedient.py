"""A service that does what it is told, as a user's own code may do anything: its question is Python code."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.services.server import Handler, serve
from engine.services.service import Message, Service


class Code(Message):
    code: str = "result = 'done'"


class Said(Message):
    result: str


SERVICE = Service("obedient", "the obedient process", Code, Said)


def answer(request: Code) -> Said:
    names: dict[str, str] = {}
    exec(request.code, names)
    return Said(result=names["result"])


HANDLER = Handler(SERVICE, answer, remedy="ask for less")

COMMAND = [sys.executable, "-P", str(Path(__file__).resolve())]
"""Starts it, in an environment in which `engine` can be imported."""

if __name__ == "__main__":
    serve(lambda: HANDLER)
