"""A connection to an MQTT broker that reads and acknowledges many messages at a time."""

from __future__ import annotations

import select
import ssl
import struct
import time
from collections.abc import Sequence
from typing import NamedTuple

import paho.mqtt.client as paho

AHEAD = 1_000
"""Messages that are read before they are written to the disk."""
_PIECE = 1 << 16
_PUBLISH = 3
_SHORTEST, _LONGEST = 4, 21
"""The bytes of the shortest packet that has a message, less one; the shift of a length's last byte."""
_SENDING = 15.0
"""Seconds that a broker may take nothing before the connection counts as broken."""
_PUBACK = struct.Struct(">BBH")
"""The acknowledgement of a message of QoS 1 (MQTT 3.1.1, 3.4)."""


class Message(NamedTuple):
    """A message that was published. ``mid``: what it is acknowledged by; ``dup``: it may have come before."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    dup: bool


class Client(paho.Client):
    """Reads the socket in large pieces: paho asks for the first bytes of each packet one by one."""

    _piece, _at = b"", 0

    def published(self, most: int) -> list[Message]:
        """The PUBLISH packets of QoS 0 and 1 (MQTT 3.1.1, 3.3) that stand whole at the head of what was read.

        What remains is for paho: packets of other kinds, one that is cut off by the end of the piece or is broken.
        """
        found: list[Message] = []
        if self._in_packet["command"]:  # it is in the midst of a packet
            return found
        piece, at, end = self._piece, self._at, len(self._piece)
        while len(found) < most and end - at > _SHORTEST:
            head = piece[at]
            qos = head >> 1 & 3
            if head >> 4 != _PUBLISH or qos > 1:
                break
            length, start, shift = piece[at + 1] & 127, at + 2, 7
            while piece[start - 1] & 128 and start < end and shift <= _LONGEST:
                length |= (piece[start] & 127) << shift
                start, shift = start + 1, shift + 7
            stop = start + length
            if piece[start - 1] & 128 or stop > end or length < 2:
                break
            name = start + 2
            named = name + (piece[start] << 8 | piece[start + 1])
            body = named + 2 if qos else named
            if body > stop:
                break
            mid = piece[named] << 8 | piece[named + 1] if qos else 0
            found.append(
                Message(
                    piece[name:named].decode("utf-8", "replace"), piece[body:stop], mid, qos, head & 8 != 0
                )
            )
            at = stop
        self._at = at
        return found

    @property
    def buffered(self) -> bool:
        """Whether something was read from the socket that no packet was made of yet."""
        return self._at < len(self._piece)

    def _sock_recv(self, bufsize: int) -> bytes:
        if not self.buffered:
            self._piece, self._at = super()._sock_recv(max(_PIECE, bufsize)), 0
        some = self._piece[self._at : self._at + bufsize]
        self._at += len(some)
        return some


class Link:
    """A connection whose socket is read here, in turn with the disk: a thread of its own would cost more than it does.

    ``broken``: it ended before its time. What was not acknowledged then comes again.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._came: list[Message] = []
        self.said: str | None = None
        self.broken = False
        client.on_message = lambda _client, _data, one: self._came.append(
            Message(one.topic, bytes(one.payload), one.mid, one.qos, one.dup)
        )

    def turn(self, seconds: float) -> None:
        """Wait so long for the socket, and read the packets that are there."""
        client, socket = self._client, self._client.socket()
        if socket is None:
            self.broken = True
            return
        waiting = client.buffered or (isinstance(socket, ssl.SSLSocket) and socket.pending() > 0)
        writing = [socket] if client.want_write() else []
        ready, writable, _ = select.select([socket], writing, [], 0 if waiting else seconds)
        if writable:
            client.loop_write()
        before = -1
        while (ready or waiting) and before != len(self._came) < AHEAD:
            before = len(self._came)
            self._came += client.published(AHEAD - before)
            if len(self._came) < AHEAD and client.loop_read() != paho.MQTT_ERR_SUCCESS:
                self.broken = True
                return
        client.loop_misc()

    def waiting(self, seconds: float, most: int) -> list[Message]:
        """What has come, or what comes first within the time: one write to the disk for all."""
        end = time.monotonic() + seconds
        while not self._came and not self.broken and (left := end - time.monotonic()) > 0:
            self.turn(left)
        while len(self._came) < most and not self.broken:
            before = len(self._came)
            self.turn(0)
            if len(self._came) == before:
                break
        some, self._came = self._came[:most], self._came[most:]
        return some

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge all: those of QoS 1 in one write, where paho would make a write of each."""
        ours = [message for message in messages if message.qos == 1]
        if not self._client.want_write():
            self._send(b"".join(_PUBACK.pack(0x40, 2, message.mid) for message in ours))
            ours = []
        for message in (*ours, *(one for one in messages if one.qos == 2)):
            self._client.ack(message.mid, message.qos)

    def _send(self, packets: bytes) -> None:
        end = time.monotonic() + _SENDING
        while packets and not self.broken:
            socket = self._client.socket()
            if socket is None:
                self.broken = True
                return
            try:
                packets = packets[socket.send(packets) :]
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                select.select([], [socket], [], max(0.0, end - time.monotonic()))
                self.broken = time.monotonic() > end
            except OSError:
                self.broken = True
