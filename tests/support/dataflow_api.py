"""As much of Dataflow's API as a job is submitted to, on this machine."""

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from google.cloud import dataflow_v1beta3
from google.protobuf.json_format import MessageToDict, ParseDict

from tests.support.dataflow_jobs import REGION
from tests.support.emulators import PROJECT
from transforms import counters

JOB_ID: Final = "2026-01-01_00_00_00-1"
_JOBS: Final = f"/v1b3/projects/{PROJECT}/locations/{REGION}/jobs"
_ROUTE: Final = re.compile(rf"{re.escape(_JOBS)}(?:/([^/?]+))?(?:/(messages|metrics))?(?:\?(.*))?")


@dataclass
class Service:
    """The service, with one job in it at a time.

    Attributes:
        states: what the job is found to be, one answer after the other; the last one stays.
        errors: what the job says went wrong.
        counts: counters that it reports.
        running: ids of the jobs that run already, by name.
        refusal: HTTP status and reason with which a submission is answered, if it is.
        submitted: the requests to make a job.
        requested: method and path of every request, without the query.
    """

    states: list[str] = field(default_factory=lambda: ["RUNNING", "DONE"])
    errors: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    running: Mapping[str, str] = field(default_factory=dict)
    refusal: tuple[int, str] | None = None
    submitted: list[dict[str, Any]] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    endpoint: str = ""

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body of the response to a request."""
        self.requested.append(f"{method} {path.partition('?')[0]}")
        route = _ROUTE.fullmatch(path)
        if route is None:
            return 404, _refused(404, f"no such method: {method} {path}")
        job_id, part, _ = route.groups()
        if method == "POST" and job_id is None:
            return self._create(body)
        if method != "GET" or (job_id and job_id != JOB_ID):
            return 404, _refused(404, f"no such job: {method} {path}")
        if job_id is None:
            return 200, {"jobs": [_job(key, name, "RUNNING") for name, key in self.running.items()]}
        if part == "messages":
            return 200, {"jobMessages": [_message(number, text) for number, text in enumerate(self.errors)]}
        if part == "metrics":
            return 200, {"metrics": [_metric(*one, tentative) for one in self.counts.items() for tentative in (0, 1)]}
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return 200, _job(JOB_ID, self.submitted[-1]["name"], state)

    def _create(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        # Google's own message, which refuses a field it does not know; its enumerations become names again.
        body = MessageToDict(ParseDict(body, dataflow_v1beta3.Job.pb(dataflow_v1beta3.Job())))
        self.submitted.append(body)
        if self.refusal is not None:
            return self.refusal[0], _refused(*self.refusal)
        if body["name"] in self.running and "replaceJobId" not in body:  # the answer is the request that made that one
            return 200, _job(self.running[body["name"]], body["name"], "RUNNING") | {"clientRequestId": "another"}
        made = _job(JOB_ID, body["name"], "PENDING")
        return 200, made | {"clientRequestId": body["clientRequestId"], "type": body["type"]}


@contextmanager
def serving(service: Service) -> Iterator[Service]:
    """Let a service be found at its endpoint, for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._respond("GET")

        def do_POST(self) -> None:
            self._respond("POST")

        def do_PUT(self) -> None:
            self._respond("PUT")

        def _respond(self, method: str) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = service.answer(method, self.path, json.loads(content or b"{}"))
            answer = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # By this name Beam knows that the service speaks plain HTTP.
    service.endpoint = f"http://localhost:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()


def _job(key: str, name: str, state: str) -> dict[str, Any]:
    return {
        "id": key,
        "projectId": PROJECT,
        "location": REGION,
        "name": name,
        "currentState": f"JOB_STATE_{state}",
        "type": "JOB_TYPE_STREAMING",
    }


def _message(number: int, text: str) -> dict[str, Any]:
    moment = f"2026-01-01T00:00:{number:02}Z"
    return {"id": str(number), "time": moment, "messageText": text, "messageImportance": "JOB_MESSAGE_ERROR"}


def _metric(name: str, count: int, tentative: int) -> dict[str, Any]:
    context = {"namespace": counters.NAMESPACE, "step": "s1"} | ({"tentative": "true"} if tentative else {})
    return {"name": {"origin": "user", "name": name, "context": context}, "scalar": count}


def _refused(status: int, reason: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": reason, "status": "UNKNOWN"}}
