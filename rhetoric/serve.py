"""Readings over HTTP: a small ASGI application and the server that runs it, from the extra ``[serve]``.

Starlette and uvicorn (BSD-3-Clause, often released, 4 MB with h11 and anyio, no compiled code) route and speak HTTP.
FastAPI would bring pydantic to validate two bodies of one field each; their faults are named by hand here, in the
words of the rest of the library.

What comes back is ``Reading.to_dict()``, so that ``Reading.from_dict(answer)`` equals what ``classify`` gives. Errors
are problem details (RFC 9457, ``application/problem+json``): ``status``, ``title``, and ``detail``, which names the
fault. No text is logged or kept.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from rhetoric import DEFAULT_MODEL, __version__, load
from rhetoric.errors import MissingExtraError, RhetoricError
from rhetoric.model import StanceModel
from rhetoric.stances import DEFINITIONS

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["Limits", "create_app", "openapi", "serve"]

JSON: Final = "application/json"
PLAIN: Final = "text/plain"
PROBLEM: Final = "application/problem+json"

_RETRY_SECONDS: Final = 1
_IDLE_SECONDS: Final = 75  # longer than proxies keep theirs, so that none sends on a connection that is being closed
_GRACE_SECONDS: Final = 60  # what is being read when the server is told to stop gets that long to be answered


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server takes, all at least 1.

    Attributes:
        max_bytes: size of a request's body.
        max_characters: length of one text, in Unicode code points.
        max_texts: texts of one batch.
        concurrency: requests with a body that are taken in at once, those that still arrive or wait included; one more
            is answered 503. With ``max_bytes`` this bounds the memory.
        body_seconds: within which a body must have arrived.
    """

    max_bytes: int = 4 << 20
    max_characters: int = 200_000
    max_texts: int = 256
    concurrency: int = 16
    body_seconds: int = 30

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ValueError(f"{field.name} is {getattr(self, field.name)!r}, expected at least 1")


class _Fault(Exception):
    """A request that can not be answered: its status, and what is wrong with it."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def create_app(model: str | os.PathLike[str] | StanceModel = DEFAULT_MODEL, limits: Limits | None = None) -> Starlette:
    """The ASGI application, for a server of your own (``serve`` runs it with uvicorn).

    ``POST /classify`` takes ``{"text": ...}`` or plain text, ``POST /classify/batch`` ``{"texts": [...]}``;
    ``GET /health``, ``/model`` and ``/openapi.json`` describe the server.

    Args:
        model: name or folder of a model, or a model.
        limits: the defaults of :class:`Limits` where None.

    Raises:
        MissingExtraError: starlette is not installed.
        ModelError: there is no such model, or its folder is at fault.
    """
    try:
        from starlette.applications import Starlette
        from starlette.exceptions import HTTPException
        from starlette.routing import Route
    except ImportError as error:
        raise MissingExtraError("rhetoric.serve", "serve") from error
    service = _Service(model if isinstance(model, StanceModel) else load(model), limits or Limits())
    app = Starlette(
        routes=[
            Route("/classify", service.classify, methods=["POST"]),
            Route("/classify/batch", service.classify_batch, methods=["POST"]),
            Route("/health", service.health),
            Route("/model", service.model_card),
            Route("/openapi.json", service.openapi),
        ],
        exception_handlers={_Fault: _fault, HTTPException: _http_error, Exception: _broken},
    )
    app.router.redirect_slashes = False  # a redirected POST loses its body in some clients
    return app


def serve(
    model: str | os.PathLike[str] | StanceModel = DEFAULT_MODEL,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> None:
    """Serve until SIGINT or SIGTERM; what was taken in by then is still answered.

    Args:
        model: name or folder of a model, or a model.
        host: address to listen on. Beyond loopback anybody who reaches it may use it: there are no accounts.
        port: 0 for any free one.
        limits: the defaults of :class:`Limits` where None.
        say: is told where the server listens.

    Raises:
        MissingExtraError: starlette or uvicorn is not installed.
        ModelError: there is no such model, or its folder is at fault.
        RhetoricError: the address can not be listened on.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise MissingExtraError("rhetoric.serve", "serve") from error
    reader = model if isinstance(model, StanceModel) else load(model)
    reader.read("Ruritania denied it.")  # tables are loaded now, not while the first caller waits
    config = uvicorn.Config(
        create_app(reader, limits),
        http="h11",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = uvicorn.Server(config)

    def stop(number: int, frame: object) -> None:
        server.should_exit = True

    # uvicorn has its own handlers while it runs and raises the signal anew when it has stopped: these take it
    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)} if main else {}
    try:
        with _listen(host, port) as listening:
            address = listening.getsockname()
            shown = f"[{address[0]}]" if ":" in address[0] else address[0]
            say(f"{reader.name} at http://{shown}:{address[1]}, Ctrl-C stops it")
            if not ipaddress.ip_address(address[0].partition("%")[0]).is_loopback:
                say("others can reach this address: there are no accounts and no encryption; put a proxy in front")
            server.run(sockets=[listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(host: str, port: int) -> socket.socket:
    try:
        # With the protocol, which create_server() leaves out: asyncio turns off Nagle's algorithm where it is named,
        # and under it an answer of two packets waits 40 ms for the client's delayed acknowledgement.
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen()
        except BaseException:
            listening.close()
            raise
        return listening
    except (OSError, UnicodeError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise RhetoricError(f"can not listen on {host}, port {port}: {why}; choose another host or port") from error


class _Service:
    """The endpoints, and how many requests are inside."""

    def __init__(self, model: StanceModel, limits: Limits) -> None:
        self._model = model
        self._limits = limits
        self._inside = 0
        # One reader per core: more would only take the interpreter's lock from one another.
        self._readers = asyncio.Semaphore(min(limits.concurrency, os.cpu_count() or 1))
        self._openapi = openapi(model, limits)

    async def classify(self, request: Request) -> Response:
        async def texts() -> list[str]:
            if _media_type(request, (JSON, PLAIN)) == PLAIN:
                return [self._checked(_decoded(await self._body(request)), "the text")]
            return [self._checked(_field(await self._body(request), "text"), "text")]

        return await self._answer(texts, lambda readings: readings[0])

    async def classify_batch(self, request: Request) -> Response:
        async def texts() -> list[str]:
            _media_type(request, (JSON,))
            given = _field(await self._body(request), "texts")
            if not isinstance(given, list):
                raise _Fault(HTTPStatus.UNPROCESSABLE_ENTITY, f"texts is {_kind(given)}, expected an array of strings")
            if len(given) > self._limits.max_texts:
                raise _Fault(
                    HTTPStatus.UNPROCESSABLE_ENTITY,
                    f"texts holds {len(given):,} texts, at most {self._limits.max_texts:,} are taken; send several "
                    f"requests",
                )
            return [self._checked(text, f"texts[{i}]") for i, text in enumerate(given)]

        return await self._answer(texts, lambda readings: {"readings": readings})

    async def health(self, request: Request) -> Response:
        return _json({"status": "ok", "version": __version__})

    async def model_card(self, request: Request) -> Response:
        return _json(_model_info(self._model, self._limits))

    async def openapi(self, request: Request) -> Response:
        return _json(self._openapi)

    async def _answer(self, texts: Callable[[], Any], shape: Callable[[list[dict[str, Any]]], Any]) -> Response:
        """Take the request in, if there is room, and read its texts in another thread."""
        from starlette.concurrency import run_in_threadpool

        if self._inside >= self._limits.concurrency:
            raise _Fault(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{self._inside} requests are being answered, which is all this server takes at once; try again in "
                f"{_RETRY_SECONDS} s",
                {"Retry-After": str(_RETRY_SECONDS)},
            )
        self._inside += 1
        try:
            given: list[str] = await texts()
            async with self._readers:
                return await run_in_threadpool(
                    lambda: _json(shape([reading.to_dict() for reading in self._model.read_many(given)]))
                )
        finally:
            self._inside -= 1

    async def _body(self, request: Request) -> bytes:
        from starlette.requests import ClientDisconnect

        most = self._limits.max_bytes
        too_large = f"the body has more than {most:,} bytes, which is all this server takes"
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > most:
            raise _Fault(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large)
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                async for piece in request.stream():
                    body += piece
                    if len(body) > most:
                        raise _Fault(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large)
        except TimeoutError:
            raise _Fault(
                HTTPStatus.REQUEST_TIMEOUT,
                f"the body had not arrived after {self._limits.body_seconds} s: {len(body):,} bytes had",
                {"Connection": "close"},
            ) from None
        except ClientDisconnect:
            raise _Fault(HTTPStatus.BAD_REQUEST, "the connection was closed before the body had arrived") from None
        return bytes(body)

    def _checked(self, text: object, name: str) -> str:
        if not isinstance(text, str):
            raise _Fault(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name} is {_kind(text)}, expected a string")
        if len(text) > self._limits.max_characters:
            raise _Fault(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"{name} has {len(text):,} characters, at most {self._limits.max_characters:,} are taken; cut it "
                f"between paragraphs",
            )
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise _Fault(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"character {error.start} of {name} is half of a surrogate pair (\\u{ord(text[error.start]):04x}), "
                f"which stands for no character",
            ) from None
        return text


def _media_type(request: Request, known: tuple[str, ...]) -> str:
    given = request.headers.get("content-type", "")
    media_type, *parameters = (part.strip().lower() for part in given.split(";"))
    charset = next((p.partition("=")[2].strip('" ') for p in parameters if p.startswith("charset")), "utf-8")
    if media_type not in known or charset.replace("_", "-") not in ("utf-8", "utf8", "us-ascii"):
        raise _Fault(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"the header Content-Type is {given!r}, expected {' or '.join(known)} in UTF-8",
        )
    return media_type


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Fault(HTTPStatus.BAD_REQUEST, f"byte {error.start} of the body is not UTF-8") from None


def _field(body: bytes, name: str) -> object:
    """The one member of the object that the body must be."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("an object has the same name twice")
        return found

    try:
        given = json.loads(_decoded(body), object_pairs_hook=members)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise _Fault(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {why}") from None
    if not isinstance(given, dict):
        raise _Fault(HTTPStatus.UNPROCESSABLE_ENTITY, f"the body is {_kind(given)}, expected an object with {name!r}")
    if name not in given:
        raise _Fault(HTTPStatus.UNPROCESSABLE_ENTITY, f"the object has no {name!r}")
    if others := [other for other in given if other != name]:
        raise _Fault(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"the object has {others[0][:80]!a}, expected {name!r} and no more"
        )
    return given[name]


def _kind(value: object) -> str:
    """What a JSON value is, in JSON's words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    names = ((str, "a string"), (dict, "an object"), (list, "an array"))
    return next((name for kind, name in names if isinstance(value, kind)), "a number")


def _json(content: object, status: HTTPStatus = HTTPStatus.OK, media_type: str = JSON) -> Response:
    from starlette.responses import Response

    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, media_type=media_type)


def _problem(status: int, detail: str, headers: Mapping[str, str]) -> Response:
    known = HTTPStatus(status)
    problem = {"type": "about:blank", "title": known.phrase, "status": status, "detail": detail}
    response = _json(problem, known, PROBLEM)
    response.headers.update(headers)
    return response


async def _fault(request: Request, error: Any) -> Response:
    return _problem(error.status, error.detail, error.headers)


async def _http_error(request: Request, error: Any) -> Response:
    """What the router raises: there is no such path, or it does not take the method."""
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.method} is not for this path, which takes {headers.get('Allow', '')}"
    else:
        detail = f"there is no path {request.url.path!r}; GET /openapi.json names those there are"
    return _problem(error.status_code, detail, headers)


async def _broken(request: Request, error: Exception) -> Response:
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed at this request; its log says why", {})


def _model_info(model: StanceModel, limits: Limits) -> dict[str, Any]:
    rows = zip(model.stance_names, model.thresholds_.tolist(), model.unsure_.tolist(), strict=True)
    return {
        "name": model.name,
        "hash": model.hash,
        "kind": model.kind,
        "version": __version__,
        "stances": [
            {"name": name, "definition": DEFINITIONS.get(name), "threshold": threshold, "unsure": unsure}
            for name, threshold, unsure in rows
        ],
        "limits": asdict(limits),
    }


def openapi(model: StanceModel, limits: Limits) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a server with this model and these limits."""
    text = {"type": "string", "maxLength": limits.max_characters}

    def ref(name: str) -> dict[str, str]:
        return {"$ref": f"#/components/schemas/{name}"}

    def answer(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        return {"description": description, "content": {JSON: {"schema": schema}}}

    def post(summary: str, content: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
        faults = {
            "400": "The body is no UTF-8 or no JSON.",
            "408": f"The body had not arrived after {limits.body_seconds} seconds.",
            "413": f"The body has more than {limits.max_bytes} bytes.",
            "415": "The body is of another media type.",
            "422": "The JSON is not what the schema says, or a text is no Unicode.",
            "500": "The server failed.",
            "503": "The server is full; Retry-After says when to come again.",
        }
        responses = {"200": answer("What was read.", schema)} | {
            status: {"description": description, "content": {PROBLEM: {"schema": ref("Problem")}}}
            for status, description in faults.items()
        }
        seconds = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
        responses["503"]["headers"] = {"Retry-After": seconds}
        return {
            "post": {"summary": summary, "requestBody": {"required": True, "content": content}, "responses": responses}
        }

    def get(summary: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        return {"get": {"summary": summary, "responses": {"200": answer(summary, schema)}}}

    example = "Ruritania denied that it had mined the strait."
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "rhetoric",
            "version": __version__,
            "summary": "Who accuses, who denies and who calls for negotiation, sentence by sentence.",
            "description": "All offsets count Unicode code points of the text that was sent, end exclusive. "
            "Nothing is kept.",
        },
        "paths": {
            "/classify": post(
                "Read one text.",
                {
                    JSON: {"schema": _object({"text": text}), "example": {"text": example}},
                    PLAIN: {"schema": text, "example": example},
                },
                ref("Reading"),
            ),
            "/classify/batch": post(
                "Read several texts; the readings are in their order.",
                {
                    JSON: {
                        "schema": _object({"texts": {"type": "array", "items": text, "maxItems": limits.max_texts}}),
                        "example": {"texts": [example, "Talks began."]},
                    }
                },
                _object({"readings": {"type": "array", "items": ref("Reading")}}),
            ),
            "/health": get(
                "Whether the server answers.", _object({"status": {"const": "ok"}, "version": {"type": "string"}})
            ),
            "/model": get("The model, its stances, and the limits of the server.", ref("Model")),
        },
        "components": {"schemas": _schemas(model.stance_names)},
    }


def _object(properties: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Schema of an object with just these members, all of them there."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
        **more,
    }


def _schemas(stances: tuple[str, ...]) -> dict[str, Any]:
    """What the records of ``rhetoric.records`` are as JSON."""
    string, number, count = {"type": "string"}, {"type": "number"}, {"type": "integer", "minimum": 0}
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    stance = {"enum": list(stances)}
    place = {"text": string, "start": count, "end": count}

    def many(schema: Mapping[str, Any]) -> dict[str, Any]:
        return {"type": "array", "items": schema}

    span = _object({**place, "weight": {**number, "description": "share of the log odds, any sign"}})
    codes = {**many(string), "description": "ISO 3166-1 alpha-3, or the library's own for organisations"}
    mention = _object({**place, "codes": codes, "resolved": {"type": "boolean"}})
    role = {"oneOf": [{"$ref": "#/components/schemas/Mention"}, {"type": "null"}]}
    claim = _object(
        {
            "stance": stance,
            "probability": probability,
            "speaker": role,
            "target": role,
            "evidence": many({"$ref": "#/components/schemas/Span"}),
        }
    )
    sentence = _object(
        {
            **place,
            "probabilities": _object(dict.fromkeys(stances, probability)),
            "stances": {**many(stance), "uniqueItems": True},
            "unsure": {**many(stance), "uniqueItems": True},
            "claims": many({"$ref": "#/components/schemas/Claim"}),
        }
    )
    reading = _object(
        {
            "date": {"type": ["string", "null"], "pattern": r"^\d{4}-\d{2}-\d{2}$"},
            "model": string,
            "text": string,
            "sentences": many({"$ref": "#/components/schemas/Sentence"}),
        }
    )
    model = _object(
        {
            "name": string,
            "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "kind": string,
            "version": string,
            "stances": many(
                _object(
                    {
                        "name": stance,
                        "definition": {"type": ["string", "null"]},
                        "threshold": probability,
                        "unsure": {"type": "array", "items": probability, "minItems": 2, "maxItems": 2},
                    }
                )
            ),
            "limits": _object({field.name: {"type": "integer", "minimum": 1} for field in fields(Limits)}),
        }
    )
    problem = _object(
        {"type": string, "title": string, "status": {"type": "integer"}, "detail": string},
        description="RFC 9457; detail names the fault",
    )
    return {
        "Reading": reading,
        "Sentence": sentence,
        "Claim": claim,
        "Mention": mention,
        "Span": span,
        "Model": model,
        "Problem": problem,
    }
