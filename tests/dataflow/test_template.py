"""A template is made as Google's launcher makes it, and what it staged is the job that the flags describe."""

import gzip
import json
import uuid
from pathlib import Path

import pytest
from apache_beam.portability.api import beam_runner_api_pb2 as api
from apache_beam.runners.dataflow.dataflow_runner import DataflowPipelineResult

from telemetry.bigquery.client import connect
from telemetry.bigquery.schema import BigQueryTarget
from telemetry.feed.default_feed import DEFAULT_METRICS
from telemetry.model.kinds import KINDS
from telemetry.rules.follower import FollowedRules
from telemetry.storage.files import write_file
from tests.support.dataflow_golden import describe
from tests.support.dataflow_graph import FILES, GRAPH, RULES, STORED, check_stream, source
from tests.support.dataflow_jobs import (
    ALERTS,
    CHECK_KEYS,
    CHECK_READINGS,
    DEAD,
    EVERYTHING,
    GROUP_INTO_BATCHES,
    HOLD_WINDOWS,
    PUBSUB_READ,
    SUBSCRIPTION,
    TOPIC,
    Bucket,
    Job,
    do_fn,
    labels,
    of_urn,
    producers,
    stateful,
    states,
    timers,
    transforms,
    translate,
)
from tests.support.emulators import PROJECT, BigQueryServer, bigquery_server
from tests.support.pubsub_fixtures import clients, embedded_broker

__all__ = ["bigquery_server", "embedded_broker"]
pytestmark = pytest.mark.xdist_group("dataflow")  # one worker, so that each server starts once

READ = [f"--subscription={SUBSCRIPTION}"]
TABLES = {"Ledger entries", *(f"Insert {kind}" for kind in STORED)}


@pytest.fixture
def topics(embedded_broker: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A broker that has the topics results are published to; the launch looks for them."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", embedded_broker)
    with clients(embedded_broker) as pubsub:
        for topic in (ALERTS, DEAD):
            pubsub.requests.create_topic(name=topic)
    return embedded_broker


@pytest.fixture
def dataset(bigquery_server: BigQueryServer) -> list[str]:
    """Flags of an empty dataset."""
    target = BigQueryTarget(bigquery_server.project, f"t{uuid.uuid4().hex[:12]}", endpoint=bigquery_server.endpoint)
    connect(target).create_dataset(f"{target.project}.{target.dataset}")
    return [f"--bigquery={target}", f"--bigquery-endpoint={bigquery_server.endpoint}"]


def gathered(job: Job) -> dict[str, tuple[int, int]]:
    """Most elements and longest wait in milliseconds of each step that gathers records."""
    found = {}
    for name, one in of_urn(job.pipeline, GROUP_INTO_BATCHES).items():
        limits = api.GroupIntoBatchesPayload.FromString(one.spec.payload)
        found[name] = (limits.batch_size, limits.max_buffering_duration_millis)
    return found


def test_the_launch_stages_a_job_and_does_not_wait(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def wait(self: object, duration: object = None) -> None:
        raise AssertionError("it waits for a job that was not submitted")

    monkeypatch.setattr(DataflowPipelineResult, "wait_until_finish", wait)
    job = bucket.template(*READ, f"--output={bucket.root}/results")
    assert capfd.readouterr() == ("", ""), "no job ran, so there is nothing to say about it"
    check_stream(job)
    assert source(job).subscription == SUBSCRIPTION
    assert source(job).topic == ""
    assert labels(job.pipeline) == GRAPH | FILES
    assert "pipeline.pb" in job.staged


def test_a_template_can_be_a_local_file(bucket: Bucket, tmp_path: Path) -> None:
    place = tmp_path / "job.json"
    assert bucket.launch(*READ, f"--output={bucket.root}/results", f"--template_location={place}") == 0
    assert json.loads(place.read_text())["type"] == "JOB_TYPE_STREAMING"


def test_flags_as_a_launcher_writes_them(bucket: Bucket) -> None:
    """It passes every parameter with underscores and a value, the switches too."""
    flags = [*READ, f"--output={bucket.root}/results", "--file_format=parquet", "--archive=true", "--append=false"]
    job = bucket.template(*flags, "--flush_interval=2s")
    assert labels(job.pipeline) == GRAPH | FILES | {"Record readings", "Write readings"}
    assert do_fn(transforms(job.pipeline)["Write anomalies/Write"]).file_format == "parquet"


def test_a_topic_in_place_of_a_subscription(bucket: Bucket) -> None:
    job = bucket.template(f"--topic={TOPIC}", f"--output={bucket.root}/results")
    check_stream(job)
    assert (source(job).topic, source(job).subscription) == (TOPIC, "")


def test_a_rules_file_in_a_bucket_is_followed(bucket: Bucket) -> None:
    path = f"{bucket.root}/rules.yaml"
    write_file(path, b"version: 2\nrules:\n- {id: hot, metric: temp, above: 30}\n")
    flags = [*READ, f"--output={bucket.root}/results", f"--rules={path}"]
    job = bucket.template(*flags, "--reload_rules=30s")
    assert labels(job.pipeline) == (GRAPH | FILES) - {"Rules"}
    look = stateful(job.pipeline)["Read/Look at rules"]
    assert states(job.pipeline, look) == {"told": "read_modify_write of bytes:v1"}
    for name in ("Detect anomalies/Detect/ParDo(_Detect)", "Watch devices/Split", "Read/Look at rules"):
        assert do_fn(transforms(job.pipeline)[name]).followed == FollowedRules(path, DEFAULT_METRICS, 30_000_000)
    assert do_fn(transforms(job.pipeline)["Watch devices/Judge"]).follows
    fixed = bucket.template(*flags, "--reload_rules=never")
    assert labels(fixed.pipeline) == GRAPH | FILES
    assert not do_fn(transforms(fixed.pipeline)["Watch devices/Judge"]).follows


def test_archive(bucket: Bucket) -> None:
    job = bucket.template(*READ, f"--output={bucket.root}/results", "--archive")
    check_stream(job)
    assert labels(job.pipeline) == GRAPH | FILES | {"Record readings", "Write readings"}
    assert gathered(job)["Write readings/Gather"] == (10_000, 60_000)
    assert do_fn(transforms(job.pipeline)["Write readings/Write"]).output == f"{bucket.root}/results"


def test_bigquery_alone(bucket: Bucket, dataset: list[str]) -> None:
    job = bucket.template(*READ, *dataset)
    check_stream(job)
    assert labels(job.pipeline) == GRAPH | TABLES
    insert = do_fn(transforms(job.pipeline)["Insert dead_letters/Insert"])
    assert f"--bigquery={insert.target}" == dataset[0]
    assert not insert.kept_elsewhere


def test_bigquery_beside_files(bucket: Bucket, dataset: list[str]) -> None:
    job = bucket.template(*READ, *dataset, f"--output={bucket.root}/results", "--archive")
    check_stream(job)
    both = GRAPH | FILES | TABLES | {"Record readings", "Write readings", "Insert readings"}
    assert labels(job.pipeline) == both
    assert do_fn(transforms(job.pipeline)["Insert dead_letters/Insert"]).kept_elsewhere


def test_topics_for_alerts_and_dead_letters(bucket: Bucket, topics: str) -> None:
    job = bucket.template(*READ, f"--alerts-topic={ALERTS}", "--alerts=readings", f"--dead-letter-topic={DEAD}")
    check_stream(job)
    assert labels(job.pipeline) == GRAPH - RULES | {"Publish anomalies", "Publish dead letters"}
    assert do_fn(transforms(job.pipeline)["Publish anomalies/Publish"]).topic == ALERTS
    assert do_fn(transforms(job.pipeline)["Publish dead letters/Publish"]).topic == DEAD
    assert gathered(job) == {}


def test_a_missing_topic_stages_nothing(
    bucket: Bucket, topics: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = tmp_path / "job.json"
    flags = [*READ, f"--output={bucket.root}/results", f"--alerts-topic={ALERTS}-2", f"--template_location={template}"]
    assert bucket.launch(*flags) == 2
    assert capsys.readouterr().err == f"pipeline: error: --alerts-topic {ALERTS}-2: does not exist\n"
    assert not template.exists()


def test_dedup(bucket: Bucket) -> None:
    job = bucket.template(*READ, f"--output={bucket.root}/results", "--dedup=10m")
    check_stream(job)
    assert labels(job.pipeline) == GRAPH | FILES | {"Drop duplicates"}
    step = stateful(job.pipeline)[CHECK_KEYS]
    assert states(job.pipeline, step) == {"key_memory": "read_modify_write of bytes:v1"}
    assert timers(job.pipeline, step) == {}
    assert do_fn(transforms(job.pipeline)[CHECK_KEYS]).window_us == 600_000_000
    assert producers(job.pipeline, "Decode messages") == {(CHECK_KEYS, "None")}


def test_dedup_readings(bucket: Bucket) -> None:
    job = bucket.template(*READ, f"--output={bucket.root}/results", "--dedup-readings=1h", "--shards=4")
    check_stream(job)
    assert labels(job.pipeline) == GRAPH | FILES | {"Drop repeats"}
    step = stateful(job.pipeline)[CHECK_READINGS]
    assert states(job.pipeline, step) == {"memory": "read_modify_write of bytes:v1"}
    assert [timer.partition(" ")[0] for timer in timers(job.pipeline, step).values()] == ["EVENT_TIME"]
    assert do_fn(transforms(job.pipeline)[CHECK_READINGS]).memory_us == 3_600_000_000
    assert do_fn(transforms(job.pipeline)["Drop repeats/Divide readings"]).shards == 4
    passed = {(CHECK_READINGS, "None")}
    assert [producers(job.pipeline, name) for name in ("Detect anomalies", "Watch devices")] == [passed, passed]


def test_windows_shards_and_intervals_reach_the_steps(bucket: Bucket) -> None:
    flags = ["--shards=4", "--early-firing=30s", "--flush-interval=2s", "--window=10m", "--slide=5m"]
    job = bucket.template(*READ, f"--output={bucket.root}/results", *flags, "--allowed-lateness=1h")
    check_stream(job)
    windows = do_fn(transforms(job.pipeline)[HOLD_WINDOWS]).windows
    assert (windows.size_us, windows.slide_us) == (600_000_000, 300_000_000)
    assert (windows.allowed_lateness_us, windows.early_us) == (3_600_000_000, 30_000_000)
    assert do_fn(transforms(job.pipeline)["Aggregate windows/Aggregate batches"]).shards == 4
    assert do_fn(transforms(job.pipeline)["Write anomalies/Key/ParDo(_KeyByHour)"]).shards == 4
    intervals = {f"Write {kind}/Gather": (10_000, 2_000) for kind in STORED if not KINDS[kind].rare}
    assert gathered(job) == intervals | {"Write ledger/Gather": (10_000, 60_000)}


def test_everything_at_once_is_what_running_jobs_are_compared_with(
    bucket: Bucket, dataset: list[str], topics: str
) -> None:
    """The launched job has the names and coders that `update_compatible.yaml` freezes, and is wired as the picture."""
    flags = [flag for flag in EVERYTHING if not flag.startswith(("--bigquery", "--output"))]
    job = bucket.template(*flags, *dataset, f"--output={bucket.root}/results")
    check_stream(job)
    assert describe(job.pipeline) == describe(translate(*EVERYTHING))
    marked = "Mark dead letters/Mark"
    detect = ("Detect anomalies/Detect/ParDo(_Detect)", "anomalies")
    watch = ("Watch devices/Judge", "None")
    into = {
        "Aggregate windows": {("Detect anomalies/Detect/ParDo(_Detect)", "None")},
        "All dead letters": {
            ("Decode messages/Decode/ParDo(_Decode)", "dead_letters"),
            (HOLD_WINDOWS, "dead_letters"),
            ("Publish anomalies/Publish", "None"),
            *(
                (f"Insert {kind}/Insert", "None")
                for kind in ("anomalies", "incidents", "rules", "aggregates", "readings")
            ),
        },
        "Ledger entries": {
            (CHECK_KEYS, "duplicates"),
            (HOLD_WINDOWS, "missed"),
            ("Record readings/Record", "None"),
            ("Record rules/Record", "None"),
            (CHECK_READINGS, "None"),
            (CHECK_READINGS, "repeats"),
            (marked, "None"),
            detect,
            watch,
        },
        **{f"{sink} anomalies": {detect} for sink in ("Write", "Insert", "Publish")},
        **{f"{sink} incidents": {watch} for sink in ("Write", "Insert", "Print")},
        **{f"{sink} rules": {("Record rules/Record", "None")} for sink in ("Write", "Insert")},
        **{f"{sink} aggregates": {(HOLD_WINDOWS, "None")} for sink in ("Write", "Insert")},
        **{f"{sink} dead_letters": {(marked, "None")} for sink in ("Write", "Insert")},
        "Publish dead letters": {(marked, "None")},
        **{f"{sink} readings": {("Record readings/Record", "None")} for sink in ("Write", "Insert")},
        **{f"{sink} ledger": {("Ledger entries/Entries", "None")} for sink in ("Write", "Insert")},
    }
    assert {label: producers(job.pipeline, label) for label in into} == into


def test_the_same_flags_give_the_same_graph(bucket: Bucket) -> None:
    """Down to the pickled functions of ours; Beam's own gatherer is a local class, whose pickle has a random id."""

    def same_each_time() -> list[api.PTransform]:
        pipeline = bucket.template(*READ, f"--output={bucket.root}/results", "--job_name=a-job").pipeline
        return [one for name, one in transforms(pipeline).items() if "_GroupIntoBatchesDoFn" not in name]

    assert same_each_time() == same_each_time()


def test_options_of_the_job(bucket: Bucket) -> None:
    image, account = "europe-docker.pkg.dev/p/r/telemetry:1", f"worker@{PROJECT}.iam.gserviceaccount.com"
    job = bucket.template(
        *READ,
        f"--output={bucket.root}/results",
        *("--job_name=telemetry-live", f"--service_account_email={account}", f"--sdk_container_image={image}"),
        *("--experiments=one", "--experiments=two=2", "--dataflow_service_options=streaming_mode_at_least_once"),
        *("--num_workers=2", "--max_num_workers=20", "--machine_type=n2-standard-2", "--labels=team=iot"),
        *("--no_use_public_ips", "--subnetwork=regions/europe-west1/subnetworks/private"),
    )
    check_stream(job)
    assert job.job["name"] == "telemetry-live"
    assert job.job["labels"] == {"team": "iot"}
    assert job.environment["serviceAccountEmail"] == account
    assert job.environment["serviceOptions"] == ["streaming_mode_at_least_once"]
    assert {"one", "two=2", "use_runner_v2", "enable_streaming_engine"} <= set(job.environment["experiments"])
    assert job.environment["version"]["job_type"] == "FNAPI_STREAMING"
    assert job.workers["workerHarnessContainerImage"] == image
    assert [one["containerImage"] for one in job.workers["sdkHarnessContainerImages"]] == [image]
    (environment,) = job.pipeline.components.environments.values()
    assert api.DockerPayload.FromString(environment.payload).container_image == image
    assert (job.workers["numWorkers"], job.workers["machineType"]) == (2, "n2-standard-2")
    assert job.workers["autoscalingSettings"]["maxNumWorkers"] == 20
    assert job.workers["ipConfiguration"] == "WORKER_IP_PRIVATE"
    assert job.workers["subnetwork"] == "regions/europe-west1/subnetworks/private"
    expected = {"project": PROJECT, "region": "europe-west1", "streaming": True, "runner": "DataflowRunner"}
    assert {name: job.options[name] for name in expected} == expected


def test_the_session_of_the_launcher_is_not_sent_to_the_workers(bucket: Bucket) -> None:
    job = bucket.template(*READ, f"--output={bucket.root}/results")
    assert job.options["save_main_session"] is False
    assert [name for name in job.staged if "session" in name] == []
    assert [one["name"] for one in job.workers["packages"]] == ["submission_environment_dependencies.txt"]


def test_the_console_shows_the_flags_as_they_were_given(bucket: Bucket) -> None:
    job = bucket.template(*READ, f"--output={bucket.root}/results", "--shards=4", "--archive=true")
    expected = {"subscription": SUBSCRIPTION, "output": f"{bucket.root}/results", "shards": "4", "archive": True}
    assert {name: job.options[name] for name in expected} == expected


class TestFiles:
    """Bounded input needs no state: tables are gathered by key, records into files."""

    @pytest.fixture
    def job(self, bucket: Bucket, tmp_path: Path) -> Job:
        for number in range(3):
            (tmp_path / f"{number}.csv.gz").write_bytes(gzip.compress(b"ts,device,temp\n1,a,31\n"))
        return bucket.template(f"--input={tmp_path}/*.csv.gz", f"--output={bucket.root}/results")

    def test_it_is_a_batch_job(self, job: Job) -> None:
        assert job.job["type"] == "JOB_TYPE_BATCH"
        assert {one.is_bounded for one in job.pipeline.components.pcollections.values()} == {api.IsBounded.BOUNDED}
        assert labels(job.pipeline) == GRAPH | FILES
        assert of_urn(job.pipeline, PUBSUB_READ) == {}

    def test_tables_and_records_are_grouped_once(self, job: Job) -> None:
        assert of_urn(job.pipeline, "beam:transform:combine_per_key:v1") == {}
        groups = of_urn(job.pipeline, "beam:transform:group_by_key:v1")
        assert {name for name in groups if not name.startswith("Read/")} == {
            "Watch devices/By shard",
            "Aggregate windows/Gather portions",  # after which an hour is a batch: its file needs no gathering
            *(f"Write {kind}/Gather" for kind in STORED if kind not in ("aggregates", "rules")),
        }
        assert stateful(job.pipeline) == {}
        assert list(job.pipeline.requirements) == []

    def test_portions_are_spread_over_the_workers(self, job: Job) -> None:
        assert [name for name in transforms(job.pipeline) if name.startswith("Read/") and "Reshuffle" in name]
