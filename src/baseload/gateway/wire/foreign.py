"""An answer of another backend's on its way to the exchange, said as the API says it."""

from __future__ import annotations

import logging

from baseload.gateway.exchange import Translator, Untranslatable
from baseload.gateway.wire.outlet import Lost, Outlet, User
from baseload.gateway.wire.parse import UNKNOWN, AnswerHead

log = logging.getLogger("baseload.gateway.wire")


class Foreign:
    """Between one upstream connection and its user. Bytes that are no answer end the connection."""

    __slots__ = ("_outlet", "_translate", "_understood", "_user")

    def __init__(self, user: User, translate: Translator, outlet: Outlet) -> None:
        self._user = user
        self._translate = translate
        self._outlet = outlet
        self._understood = False  # its body is another one now

    def connected(self, outlet: Outlet) -> bool:
        return self._user.connected(outlet)

    def unreachable(self) -> None:
        self._user.unreachable()

    def interim(self, head: AnswerHead) -> None:
        self._user.interim(head)

    def head(self, head: AnswerHead, piece: bytes, done: bool) -> None:
        headers = self._translate.head(head.status, head.headers)
        if headers is None:
            self._user.head(head, piece, done)
            return
        self._understood = True
        made = AnswerHead(head.status, headers, head.raw, old=head.old)
        made.clean, made.length, made.nominated = False, UNKNOWN, head.nominated
        translated, readable = self._translated(piece, done)
        if translated or readable:
            self._user.head(made, translated, done and readable)
        if not readable:
            self._unreadable(done)

    def data(self, piece: bytes, done: bool) -> None:
        if not self._understood:
            self._user.data(piece, done)
            return
        translated, readable = self._translated(piece, done)
        if translated or readable:
            self._user.data(translated, done and readable)
        if not readable:
            self._unreadable(done)

    def lost(self, why: Lost) -> None:
        self._user.lost(why)

    def hold(self) -> None:
        self._user.hold()

    def go_on(self) -> None:
        self._user.go_on()

    def _translated(self, piece: bytes, done: bool) -> tuple[bytes, bool]:
        """What the bytes have become, and whether all of them have."""
        try:
            return self._translate.feed(piece, done), True
        except Untranslatable as error:
            log.error("an upstream's answer cannot be read: %s", error)
            return error.before, False
        except Exception as error:  # noqa: BLE001 - never into a caller's request; its text may quote an answer
            log.error("an upstream's answer cannot be read", extra={"error": type(error).__name__})
            return b"", False

    def _unreadable(self, done: bool) -> None:
        """The user is told that the answer is lost."""
        if not done:  # else the connection is free already, and as good as before
            self._outlet.abort()
        self._user.lost("reset")
