"""The test's end of a process with a VortexPY client in it."""

import itertools
import json
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.interop.originals.environments import make_environment
from tests.interop.originals.notation import TIMED_OUT, from_notation, to_notation
from tests.interop.originals.releases import CURRENT, HTTP, Release
from tests.support.ports import HOST
from tests.support.processes import LoggedProcess
from tests.support.waiting import PATIENCE_SECONDS, wait_until

VORTEXPY_TIMEOUT_SECONDS = 30.0
MAX_LOST = 3
"""How many replies to the same request a client may lose."""


class OriginalFailed(AssertionError):
    """The client process could not do what it was asked to do."""


@dataclass(frozen=True)
class Received:
    """An envelope as the original client saw it.

    Attributes:
        tuples: None when there was no payload.
        failure: What a PayloadResponse failed with, `TIMED_OUT`, or None.
    """

    filt: Mapping[str, Any]
    result: Any = None
    date: datetime | None = None
    tuples: list[Any] | None = None
    payload_filt: Mapping[str, Any] | None = None
    failure: str | None = None

    @property
    def told(self) -> Any:
        """What went wrong, None for success; VortexPY 0.x leaves the result to its user."""
        if self.failure is not None:
            return self.failure
        return None if self.result in (None, True) else self.result

    @classmethod
    def read(cls, answer: dict[str, Any]) -> "Received":
        """Make one from what the process wrote."""
        if "failure" in answer:
            return cls({}, failure=answer["failure"])
        return cls(
            filt=from_notation(answer["filt"]),
            result=from_notation(answer["result"]),
            date=from_notation(answer["date"]),
            tuples=from_notation(answer["tuples"]) if answer["payload"] else None,
            payload_filt=from_notation(answer["payload_filt"]) if answer["payload"] else None,
        )


class OriginalClient(LoggedProcess):
    """VortexPY as a client of the server on `port`.

    Args:
        kind: ``"websocket"`` or ``"http"``.
        port: Where the server is, or will be.
        directory: For the log.
        name: Vortex name of the client.
        release: Which VortexPY; one that is not installed yet is installed now.
    """

    def __init__(
        self,
        kind: str,
        port: int,
        directory: Path,
        *,
        name: str = "original",
        release: Release = CURRENT,
    ) -> None:
        self.kind = kind
        self.release = release
        module = "tests.interop.originals.client_process"
        command = [str(make_environment(release)), "-m", module, kind, HOST, str(port), name]
        super().__init__(f"{release}-{kind}-{port}", command, directory)
        self._numbers = itertools.count(1)
        self._writing = threading.Lock()
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start the process; it connects when told to."""
        super().start(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def stop(self, *, seconds: float = 15.0) -> int:
        """End it at once: the original takes its time to shut down, and nobody looks at that."""
        if self.process is None:
            return 0
        assert self.process.stdin and self.process.stdout and self._reader
        self.kill()
        code = self.wait(seconds=seconds)
        self.process.stdin.close()
        self._reader.join(seconds)
        self.process.stdout.close()
        return code

    def connect(self, **arguments: Any) -> dict[str, Any]:
        """Connect, wait until the server's information has come, and give `state`."""
        return self.call("connect", **arguments)

    def state(self) -> dict[str, Any]:
        """What the client knows of the server and how much has arrived."""
        return self.call("state")

    @property
    def uuid(self) -> str:
        """The client's own vortex uuid."""
        uuid: str = self.state()["uuid"]
        return uuid

    @property
    def servers(self) -> list[list[str]]:
        """Name and uuid of the servers the client is connected to."""
        servers: list[list[str]] = self.state()["servers"]
        return servers

    def request(
        self, filt: Mapping[str, Any], tuples: Sequence[Any] | None = None, **options: Any
    ) -> Received:
        """Send with a ``PayloadResponse`` and give what it called back or failed with."""
        answer = self.call("request", **self._message(filt, tuples), **options)
        return Received.read(answer)

    def request_again(
        self, filt: Mapping[str, Any], tuples: Sequence[Any] | None = None
    ) -> Received:
        """Request what may be done more than once, until there is a reply.

        Over HTTP these clients lose a reply that they decode before the info of its response. They
        may where it came in another chunk, being long or behind a push (PROTOCOL 6.7).
        """
        reply = self.request(filt, tuples)
        for _ in range(MAX_LOST):
            if self.kind != HTTP or reply.failure != TIMED_OUT:
                break
            reply = self.request(filt, tuples)
        return reply

    def send(self, filt: Mapping[str, Any], tuples: Sequence[Any] | None = None) -> None:
        """Send and wait for nothing."""
        self.call("send", **self._message(filt, tuples))

    def listen(self, filt: Mapping[str, Any]) -> "Listening":
        """Register a ``PayloadEndpoint`` in the client."""
        return Listening(self, self.call("listen", filt=to_notation(dict(filt))))

    def observe(self, observable: str, **options: Any) -> "Observing":
        """Make a ``TupleDataObserverClient`` in the client."""
        return Observing(self, self.call("make_observer", observable=observable, **options))

    def call(self, do: str, **arguments: Any) -> Any:
        """Let the process obey one command and give its answer."""
        self.require_running()
        assert self.process and self.process.stdin
        number = next(self._numbers)
        answers = self._answers[number] = queue.Queue()
        command = json.dumps({"id": number, "do": do, **arguments})
        with self._writing:
            self.process.stdin.write(command.encode() + b"\n")
            self.process.stdin.flush()
        try:
            answer = answers.get(timeout=VORTEXPY_TIMEOUT_SECONDS + PATIENCE_SECONDS)
        except queue.Empty:
            raise OriginalFailed(f"{self.name} did not answer {do}\n{self.log[-4000:]}") from None
        finally:
            del self._answers[number]
        if "error" in answer:
            raise OriginalFailed(f"{self.name} failed to {do}\n{answer['error']}")
        return answer["ok"]

    def _message(self, filt: Mapping[str, Any], tuples: Sequence[Any] | None) -> dict[str, Any]:
        return {
            "filt": to_notation(dict(filt)),
            "tuples": None if tuples is None else to_notation(list(tuples)),
        }

    def _read(self) -> None:
        assert self.process and self.process.stdout
        for line in self.process.stdout:
            answer = json.loads(line)
            waiting = self._answers.get(answer["id"])
            if waiting is not None:
                waiting.put(answer)


class Listening:
    """An endpoint in the client process."""

    def __init__(self, client: OriginalClient, number: int) -> None:
        self._client, self._number = client, number

    @property
    def received(self) -> list[Received]:
        """Everything received so far."""
        answers = self._client.call("received", listener=self._number)
        return [Received.read(answer) for answer in answers]

    def wait_for(self, count: int) -> list[Received]:
        """Wait until it has received that many envelopes, and give all."""

        def enough() -> list[Received]:
            received = self.received
            return received if len(received) >= count else []

        return wait_until(enough, f"{count} envelopes at {self._client.name}")


class Observing:
    """An observer in the client process."""

    def __init__(self, client: OriginalClient, number: int) -> None:
        self._client, self._number = client, number

    def subscribe(self, name: str, /, **selector: Any) -> str:
        """Subscribe to a selector; gives the text to ask `seen` with."""
        text: str = self._call("observe", name=name, selector=to_notation(selector))
        return text

    def seen(self, text: str) -> list[list[Any]]:
        """Return everything that a selector has given so far."""
        return [from_notation(tuples) for tuples in self._call("seen", text=text)]

    def wait_for(self, text: str, tuples: list[Any]) -> None:
        """Wait until a selector gives this."""
        wait_until(lambda: self.seen(text)[-1:] == [tuples], f"{tuples} at {self._client.name}")

    def unsubscribe(self, text: str) -> None:
        """End a subscription as the library does."""
        self._call("unobserve", text=text)

    def poll(self, name: str, /, **selector: Any) -> list[Any]:
        """Ask once."""
        tuples: list[Any] = from_notation(
            self._call("poll", name=name, selector=to_notation(selector))
        )
        return tuples

    def shutdown(self) -> None:
        """End the observer."""
        self._call("shutdown")

    def _call(self, call: str, **arguments: Any) -> Any:
        return self._client.call("observer", number=self._number, call=call, **arguments)
