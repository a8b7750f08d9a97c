"""A job is submitted over Dataflow's API, is waited for, and ends as the service says that it ended."""

import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from apache_beam.runners.dataflow import dataflow_runner
from apache_beam.runners.dataflow.dataflow_runner import DataflowRuntimeException

from pipeline.failures import JobFailedError
from pipeline.run import run_config
from tests.support.dataflow_api import JOB_ID, Service, serving
from tests.support.dataflow_graph import FILES, GRAPH, check_stream, source
from tests.support.dataflow_jobs import REGION, SUBSCRIPTION, Bucket, Job, labels, read_job
from tests.support.emulators import PROJECT
from tests.support.jobs import config_of
from transforms import counters

pytestmark = pytest.mark.xdist_group("dataflow")

LINE = "telemetry.errors.OutputError: --output gs://lake/results: cannot be written: gs://lake/results/x: 403 no"
TRACE = f"Traceback (most recent call last):\n  File \"write.py\", line 1, in process\n{LINE} [while running 'Write']\n"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service; Beam asks it every hundredth of a second, where it would every five seconds."""
    hurried = SimpleNamespace(sleep=lambda _: time.sleep(0.01), time=time.time)
    monkeypatch.setattr(dataflow_runner, "time", hurried)
    with serving(Service()) as service:
        yield service


def submit(service: Service, bucket: Bucket, *flags: str) -> int:
    endpoint = [f"--dataflow_endpoint={service.endpoint}", "--job_name=telemetry-live"]
    return bucket.launch(*endpoint, f"--subscription={SUBSCRIPTION}", f"--output={bucket.root}/results", *flags)


def received(service: Service) -> Job:
    (job,) = service.submitted
    return read_job(job)


def asked(service: Service, what: str = "") -> int:
    """How often the service was asked about the job."""
    return sum(one.endswith(f"/jobs/{JOB_ID}{what}") for one in service.requested)


def test_the_service_receives_the_job(service: Service, bucket: Bucket) -> None:
    """The same as a template: the graph in the bucket, and a request that points at it."""
    assert submit(service, bucket) == 0
    job = received(service)
    check_stream(job)
    assert source(job).subscription == SUBSCRIPTION
    assert labels(job.pipeline) == GRAPH | FILES
    assert job.job["name"] == "telemetry-live"
    assert job.environment["version"]["job_type"] == "FNAPI_STREAMING"
    assert "replaceJobId" not in job.job
    template = bucket.template(f"--subscription={SUBSCRIPTION}", f"--output={bucket.root}/results")
    assert labels(template.pipeline) == labels(job.pipeline)


def test_a_job_is_waited_for_and_its_counters_are_shown(
    service: Service, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    service.states = ["PENDING", "RUNNING", "RUNNING", "RUNNING", "DONE"]
    service.counts = {counters.ROWS_DECODED: 405_184, f"{counters.ANOMALIES}/temp-high": 2_335}
    assert submit(service, bucket) == 0
    assert asked(service) >= 5, "it did not wait until the job was done"
    assert asked(service, "/metrics") >= 1
    lines = dict(line.rsplit(None, 1) for line in capsys.readouterr().err.splitlines())
    assert (lines["rows decoded"], lines["  temp-high"], lines["dead letters"]) == ("405,184", "2,335", "0")


@pytest.mark.parametrize("state", ["DRAINED", "UPDATED"])
def test_a_job_that_was_drained_or_replaced_has_ended_well(
    state: str, service: Service, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    service.states = ["RUNNING", state]
    service.counts = {counters.ROWS_DECODED: 7}
    assert submit(service, bucket) == 0
    assert "rows decoded" in capsys.readouterr().err


def test_a_job_that_fails_is_one_line(service: Service, bucket: Bucket, capsys: pytest.CaptureFixture[str]) -> None:
    service.states = ["RUNNING", "FAILED"]
    service.errors = ["A work item was attempted 4 times without success.", TRACE]
    assert submit(service, bucket) == 1
    text = LINE.removeprefix("telemetry.errors.OutputError: ")
    assert capsys.readouterr().err == f"pipeline: error: the job {JOB_ID} FAILED: {text}\n"


def test_a_job_that_is_cancelled_is_one_line(
    service: Service, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    service.states = ["RUNNING", "CANCELLED"]
    assert submit(service, bucket) == 1
    assert capsys.readouterr().err == f"pipeline: error: the job {JOB_ID} CANCELLED\n"


def test_what_beam_raises_for_a_job_that_fails(service: Service, bucket: Bucket) -> None:
    """The text that the one line has to be made of."""
    service.states = ["RUNNING", "FAILED"]
    service.errors = [TRACE, "A work item was attempted 4 times without success."]
    flags = [*bucket.flags, f"--dataflow_endpoint={service.endpoint}", f"--subscription={SUBSCRIPTION}"]
    with pytest.raises((DataflowRuntimeException, JobFailedError)) as raised:
        run_config(config_of(*flags, f"--output={bucket.root}/results"))
    cause = raised.value if isinstance(raised.value, DataflowRuntimeException) else raised.value.__cause__
    assert str(cause) == f"Dataflow pipeline failed. State: FAILED, Error:\n{TRACE}"


def test_a_submission_that_is_refused_is_one_line(
    service: Service, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    service.refusal = 403, "Dataflow API is disabled"
    assert submit(service, bucket) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pipeline: error: the job was not taken: ")
    assert "Dataflow API is disabled" in line


def test_an_update_names_the_job_that_it_replaces(service: Service, bucket: Bucket) -> None:
    service.running = {"another": "job-1", "telemetry-live": "job-2"}
    assert submit(service, bucket, "--update", '--transform_name_mapping={"Old name":"Read/Open"}') == 0
    job = received(service)
    check_stream(job)
    assert job.job["replaceJobId"] == "job-2"
    assert job.job["transformNameMapping"] == {"Old name": "Read/Open"}
    assert job.options["project"] == PROJECT


@pytest.mark.parametrize("running", [{}, {"another": "job-1"}])
def test_an_update_of_no_job_is_one_line(
    running: dict[str, str], service: Service, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    service.running = running
    assert submit(service, bucket, "--update") == 2
    problem = f"no job of this name runs in {REGION}; without --update one is started"
    assert capsys.readouterr().err == f"pipeline: error: --job_name telemetry-live: {problem}\n"
    assert service.submitted == []


def test_a_second_job_of_a_name_is_one_line(
    service: Service, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    service.running = {"telemetry-live": "job-2"}
    assert submit(service, bucket) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pipeline: error: the job was not taken: ")
    assert "telemetry-live with id: job-2" in line
