"""Over HTTP a text gets the reading that classify gives, every fault has its name, and nothing is lost."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner

import rhetoric
from rhetoric.cli import main
from rhetoric.errors import MissingExtraError, RhetoricError
from rhetoric.model import StanceClassifier

pytest.importorskip("starlette")
uvicorn = pytest.importorskip("uvicorn")

from rhetoric.serve import Limits, create_app, serve  # noqa: E402

DENIAL = "Ruritania denied that it had mined the strait."
SMALL = Limits(max_bytes=2_000, max_characters=100, max_texts=3, concurrency=2, body_seconds=1)


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


@dataclass
class Running:
    port: int
    server: Any

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(
        self, method: str, path: str, body: bytes | Iterator[bytes] | None = None, kind: str = "application/json"
    ) -> Answer:
        connection = self.connect()
        try:
            connection.request(method, path, body, {"Content-Type": kind} if body is not None else {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def classify(self, text: Any) -> Answer:
        return self.ask("POST", "/classify", json.dumps({"text": text}).encode())

    def batch(self, texts: Any) -> Answer:
        return self.ask("POST", "/classify/batch", json.dumps({"texts": texts}).encode())


@contextmanager
def running(model: Any = "fast", limits: Limits | None = None) -> Iterator[Running]:
    config = uvicorn.Config(
        create_app(model, limits), http="h11", ws="none", lifespan="off", log_level="critical", timeout_keep_alive=75
    )
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield Running(listening.getsockname()[1], server)
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def large() -> Iterator[Running]:
    with running(limits=Limits(concurrency=64)) as server:
        yield server


@pytest.fixture(scope="module")
def small() -> Iterator[Running]:
    with running(limits=SMALL) as server:
        yield server


class Held(StanceClassifier):
    """Reads when it is told to."""

    def __init__(self) -> None:
        self.__dict__.update(StanceClassifier.load("fast").__dict__)
        self.entered = threading.Semaphore(0)
        self.go = threading.Event()

    def read_many(self, texts: Any) -> Any:
        self.entered.release()
        assert self.go.wait(60)
        return super().read_many(texts)


TEXTS = [
    "",
    "   \n ",
    DENIAL,
    "date 2024-05-05 Moscow rejected Kyiv's claim that it had shelled the port. It said it was ready for talks.",
    "\0 It denied\0 it. \x00",
    "Ünïcode — 真相 — ليس هنا. \U0001f600 Freedonia accused it of lies.",
    "the harvest was good and " * 1_000 + "talks began.",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_gets_the_reading_that_classify_gives(large: Running, text: str) -> None:
    as_json, as_text = large.classify(text), large.ask("POST", "/classify", text.encode(), "text/plain; charset=UTF-8")
    assert as_json.status == as_text.status == 200
    assert as_json.headers["Content-Type"] == "application/json"
    assert rhetoric.Reading.from_dict(as_json.data) == rhetoric.classify(text)
    assert as_text.body == as_json.body


def test_a_batch_gets_its_readings_in_order(large: Running) -> None:
    readings = large.batch(TEXTS).data["readings"]
    assert [rhetoric.Reading.from_dict(reading) for reading in readings] == [rhetoric.classify(t) for t in TEXTS]
    assert large.batch([]).data == {"readings": []}


def test_what_describes_the_server(large: Running) -> None:
    assert large.ask("GET", "/health").data == {"status": "ok", "version": rhetoric.__version__}
    model = large.ask("GET", "/model").data
    fast = rhetoric.load("fast")
    assert (model["name"], model["hash"], model["kind"]) == ("fast", fast.hash, "linear")
    assert [stance["name"] for stance in model["stances"]] == list(rhetoric.STANCES)
    assert [stance["threshold"] for stance in model["stances"]] == fast.thresholds_.tolist()
    assert model["limits"]["concurrency"] == 64
    document = large.ask("GET", "/openapi.json").data
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {"/classify", "/classify/batch", "/health", "/model"}


@pytest.mark.parametrize(
    ("path", "body", "kind", "status", "detail"),
    [
        ("/classify", b"", "application/json", 400, "not JSON"),
        ("/classify", b"{", "application/json", 400, "not JSON"),
        ("/classify", b'{"text": "a", "text": "b"}', "application/json", 400, "same name twice"),
        ("/classify", b'{"text": "\xff"}', "application/json", 400, "byte 10 of the body is not UTF-8"),
        ("/classify", b"It denied \xc3", "text/plain", 400, "byte 10 of the body is not UTF-8"),
        ("/classify", b"[" * 1_999, "application/json", 400, "not JSON"),
        ("/classify", b"9" * 1_999, "application/json", 422, "the body is a number, expected an object with 'text'"),
        ("/classify", b"[]", "application/json", 422, "the body is an array"),
        ("/classify", b"{}", "application/json", 422, "no 'text'"),
        ("/classify", b'{"texts": []}', "application/json", 422, "no 'text'"),
        ("/classify", b'{"text": "a", "model": "b"}', "application/json", 422, "the object has 'model'"),
        ("/classify", b'{"text": null}', "application/json", 422, "text is null, expected a string"),
        ("/classify", b'{"text": NaN}', "application/json", 422, "text is a number, expected a string"),
        ("/classify", b'{"text": ["a"]}', "application/json", 422, "text is an array, expected a string"),
        ("/classify", rb'{"text": "a\ud800"}', "application/json", 422, r"character 1 of text is .*\\ud800"),
        ("/classify", b'{"text": "' + b"a" * 101 + b'"}', "application/json", 422, "text has 101 char.* at most 100 "),
        ("/classify", b"a" * 101, "text/plain", 422, "the text has 101 characters"),
        ("/classify", b"a" * 2_001, "text/plain", 413, "more than 2,000 bytes"),
        ("/classify", b'{"text": "a"}', "application/x-www-form-urlencoded", 415, "expected application/json or text"),
        ("/classify", b"a", "text/plain; charset=latin-1", 415, "in UTF-8"),
        ("/classify/batch", b"a", "text/plain", 415, "the header Content-Type is 'text/plain'"),
        ("/classify/batch", b'{"texts": "a"}', "application/json", 422, "texts is a string, expected an array"),
        ("/classify/batch", b'{"texts": ["a", true]}', "application/json", 422, r"texts\[1\] is a boolean"),
        ("/classify/batch", b'{"texts": ["", {}]}', "application/json", 422, r"texts\[1\] is an object"),
        ("/classify/batch", b'{"texts": ["", "", "", ""]}', "application/json", 422, "holds 4 texts, at most 3"),
        ("/nowhere", b"{}", "application/json", 404, "no path '/nowhere'"),
        ("/health", b"{}", "application/json", 405, "POST is not for this path"),
    ],
)
def test_faults_have_names(small: Running, path: str, body: bytes, kind: str, status: int, detail: str) -> None:
    answer = small.ask("POST", path, body, kind)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status, answer.data["status"]) == (status, status)
    assert re.search(detail, answer.data["detail"]), answer.data["detail"]
    assert small.classify(DENIAL).status == 200  # and the server is none the worse


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"text":' * 200_000, b"9" * 200_000])
def test_bodies_made_to_break_the_parser(large: Running, body: bytes) -> None:
    answer = large.ask("POST", "/classify", body)
    assert (answer.status, answer.data["detail"][:20]) == (400, "the body is not JSON")


def test_a_body_without_a_length_is_bounded_too(small: Running) -> None:
    assert small.ask("POST", "/classify", (b"a" * 30 for _ in range(3)), "text/plain").status == 200
    assert small.ask("POST", "/classify", (b"a" * 600 for _ in range(4)), "text/plain").status == 413


def test_an_oversize_body_is_not_waited_for(small: Running) -> None:
    connection = small.connect()
    connection.putrequest("POST", "/classify")
    connection.putheader("Content-Type", "text/plain")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_body_that_does_not_come(small: Running) -> None:
    stalled = [small.connect() for _ in range(SMALL.concurrency)]
    for connection in stalled:
        connection.putrequest("POST", "/classify")
        connection.putheader("Content-Type", "text/plain")
        connection.putheader("Content-Length", "10")
        connection.endheaders(b"abc")
    for connection in stalled:
        response = connection.getresponse()
        assert response.status == 408
        assert "after 1 s: 3 bytes had" in json.loads(response.read())["detail"]
        connection.close()
    leaving = small.connect()
    leaving.putrequest("POST", "/classify")
    leaving.putheader("Content-Type", "text/plain")
    leaving.putheader("Content-Length", "10")
    leaving.endheaders(b"abc")
    leaving.close()
    answer = small.classify(DENIAL)  # whoever stalls or leaves gives the place back
    assert answer.status == 200


def test_nothing_is_lost_between_threads(large: Running) -> None:
    texts = [f"{DENIAL} On day {i} Freedonia accused Sylvania of {i} lies." for i in range(120)]
    expected = {text: rhetoric.classify(text).to_dict() for text in texts}

    def ask(part: list[str]) -> list[tuple[str, Answer]]:
        connection = large.connect()  # one connection for many requests, as pools do
        answers = []
        for text in part:
            connection.request("POST", "/classify", text.encode(), {"Content-Type": "text/plain"})
            response = connection.getresponse()
            answers.append((text, Answer(response.status, response.headers, response.read())))
        connection.close()
        return answers

    with ThreadPoolExecutor(12) as pool:
        answers = [pair for part in pool.map(ask, [texts[i::12] for i in range(12)]) for pair in part]
    assert len(answers) == 120
    assert all(answer.status == 200 and answer.data == expected[text] for text, answer in answers)


def test_a_full_server_says_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    model = Held()
    with running(model, SMALL) as server, ThreadPoolExecutor(2) as pool:
        inside = [pool.submit(server.classify, DENIAL) for _ in range(2)]
        assert all(model.entered.acquire(timeout=60) for _ in inside)
        refused = server.classify(DENIAL)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert "try again" in refused.data["detail"]
        assert server.ask("GET", "/health").status == 200
        model.go.set()
        assert [future.result().status for future in inside] == [200, 200]
        assert server.classify(DENIAL).status == 200


def test_what_was_taken_in_is_answered_before_the_end() -> None:
    model = Held()
    with running(model) as server, ThreadPoolExecutor(1) as pool:
        inside = pool.submit(server.classify, DENIAL)
        assert model.entered.acquire(timeout=60)
        server.server.should_exit = True
        model.go.set()
        assert rhetoric.Reading.from_dict(inside.result().data) == rhetoric.classify(DENIAL)
    with pytest.raises(ConnectionRefusedError):
        server.classify(DENIAL)


def test_a_failure_is_json_and_tells_nothing() -> None:
    class Broken(Held):
        def read_many(self, texts: Any) -> Any:
            raise RuntimeError(f"what was read: {texts}")

    with running(Broken()) as server:
        answers = [server.classify(DENIAL) for _ in range(20)]  # more than fit in: each gives its place back
        assert {answer.status for answer in answers} == {500}
        assert "strait" not in answers[0].data["detail"]
        assert server.ask("GET", "/health").status == 200


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_and_stops(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "rhetoric", "serve", "--port", "0", "--max-characters", "60", "--concurrency", "3"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            found = re.fullmatch(r"fast at http://127\.0\.0\.1:(\d+), Ctrl-C stops it\n", line)
            assert found, line
            server = Running(int(found[1]), None)
            assert rhetoric.Reading.from_dict(server.classify(DENIAL).data) == rhetoric.classify(DENIAL)
            assert server.classify("a" * 61).status == 422
            assert server.ask("GET", "/model").data["limits"]["concurrency"] == 3
            process.send_signal(number)
            assert process.wait(60) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()


def test_an_address_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RhetoricError, match=f"can not listen on 127.0.0.1, port {port}: .*choose another"):
            serve(port=port)
        result = CliRunner().invoke(main, ["serve", "--port", str(port)])
    assert result.exit_code == 1
    assert "choose another host or port" in result.output
    with pytest.raises(RhetoricError, match="can not listen on no such host"):
        serve(host="no such host")


def test_answers_do_not_wait_for_acknowledgements(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio turns off Nagle's algorithm for sockets that name their protocol, and for no others."""
    protocols: list[int] = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: protocols.extend(s.proto for s in sockets))
    serve(port=0)
    assert protocols == [socket.IPPROTO_TCP]


def test_an_open_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)
    for host, lines in (("127.0.0.1", 1), ("0.0.0.0", 2)):
        said: list[str] = []
        before = signal.getsignal(signal.SIGINT)
        serve(host=host, port=0, say=said.append)
        assert len(said) == lines
        assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("module", "call"), [("starlette.applications", create_app), ("uvicorn", serve)])
def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, module: str, call: Callable[[], object]) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"diplomatic-rhetoric\[serve\]"):
        call()


def test_limits_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="max_texts is 0, expected at least 1"):
        Limits(max_texts=0)
    assert CliRunner().invoke(main, ["serve", "--concurrency", "0"]).exit_code == 2
