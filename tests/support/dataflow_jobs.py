"""The job as Dataflow gets it: launched by its own command line, or only translated; and what is read of that."""

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam
import pytest
from apache_beam.internal import pickler
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2 as api

from pipeline.__main__ import main
from pipeline.graph import build, outputs_of
from pipeline.options import beam_options
from pipeline.sources.pubsub import ReadPubSub
from tests.support.emulators import PROJECT, GoogleStorage, use
from tests.support.jobs import config_of

REGION: Final = "europe-west1"
SUBSCRIPTION: Final = f"projects/{PROJECT}/subscriptions/telemetry"
TOPIC: Final = f"projects/{PROJECT}/topics/telemetry"
ALERTS: Final = f"projects/{PROJECT}/topics/alerts"
DEAD: Final = f"projects/{PROJECT}/topics/dead"
PARDO: Final = "beam:transform:pardo:v1"
PUBSUB_READ: Final = "beam:transform:pubsub_read:v1"
GROUP_INTO_BATCHES: Final = "beam:transform:group_into_batches:v1"
HOLD_WINDOWS: Final = "Aggregate windows/Hold windows/ParDo(StatefulWindows)"
CHECK_KEYS: Final = "Drop duplicates/Check keys/ParDo(_CheckKeys)"
CHECK_READINGS: Final = "Drop repeats/Check readings/ParDo(_CheckReadings)"
SERVICE: Final = ("--runner=DataflowRunner", f"--project={PROJECT}", f"--region={REGION}")
EVERYTHING: Final = (
    f"--subscription={SUBSCRIPTION}",
    *("--output=gs://lake/results", "--archive", "--print", "--dedup=10m", "--early-firing=30s", "--shards=4"),
    "--dedup-readings=1h",
    *(
        f"--bigquery={PROJECT}:telemetry",
        f"--alerts-topic={ALERTS}",
        "--alerts=readings",
        f"--dead-letter-topic={DEAD}",
    ),
)
"""All that can be switched on at once."""
_PICKLED: Final = re.compile(rb"([A-Za-z_]+Coder)\$")


class Bucket:
    """A folder of Google Cloud Storage that nobody else uses, and launches that stage into it."""

    def __init__(self, server: GoogleStorage) -> None:
        self.root = f"{server.root}/{uuid.uuid4().hex}"
        self.flags = [*SERVICE, f"--staging_location={self.root}/staging", f"--temp_location={self.root}/temp"]

    def launch(self, *flags: object) -> int:
        """Run ``python -m pipeline`` in this process; returns its exit code."""
        return main([*self.flags, *map(str, flags)])

    def template(self, *flags: object) -> "Job":
        """Launch as a template's launcher does; returns what it made."""
        place = f"{self.root}/templates/job.json"
        assert self.launch(f"--template_location={place}", *flags) == 0
        return read_job(json.loads(read(place)))


@contextmanager
def bucket_of(server: GoogleStorage) -> Iterator[Bucket]:
    """Give a bucket that this process finds, as does Beam; nothing of it is left in the process afterwards."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        use(server, monkeypatch)
        # A launch leaves its options there, and the next one is another.
        monkeypatch.setattr(FileSystems, "_pipeline_options", PipelineOptions([]))
        yield Bucket(server)


def read(path: str) -> bytes:
    with FileSystems.open(path, compression_type="uncompressed") as file:
        content: bytes = file.read()
    return content


@dataclass(frozen=True)
class Job:
    """A job as it was made.

    Attributes:
        job: the request to the service, or the template.
        pipeline: the graph that was staged.
        staged: names of all files that were staged, sorted.
    """

    job: dict[str, Any]
    pipeline: api.Pipeline
    staged: list[str]

    @property
    def environment(self) -> dict[str, Any]:
        found: dict[str, Any] = self.job["environment"]
        return found

    @property
    def workers(self) -> dict[str, Any]:
        (pool,) = self.environment["workerPools"]
        found: dict[str, Any] = pool
        return found

    @property
    def options(self) -> dict[str, Any]:
        found: dict[str, Any] = self.environment["sdkPipelineOptions"]["options"]
        return found


def read_job(job: dict[str, Any]) -> Job:
    """Follow a job to what was staged for it."""
    place = job["environment"]["sdkPipelineOptions"]["options"]["pipelineUrl"]
    folder = place.rpartition("/")[0]
    (found,) = FileSystems.match([f"{folder}/**"])
    staged = sorted(one.path.removeprefix(f"{folder}/") for one in found.metadata_list)
    return Job(job, api.Pipeline.FromString(read(place)), staged)


def translate(*flags: object) -> api.Pipeline:
    """Translate a streaming job as for Dataflow; touches no network and writes nothing."""
    # Without the experiment it asks pip, which takes half a second, what is installed here.
    quick = ["--temp_location=gs://lake/temp", "--dry_run=true", "--experiments=disable_logging_submission_environment"]
    config = config_of(*SERVICE, *quick, *flags)
    pipeline = beam.Pipeline(options=beam_options(config))
    build(pipeline, ReadPubSub(config.subscription, config.topic), config, outputs_of(config), "a-job")
    translated: api.Pipeline = pipeline.run().job.proto_pipeline
    return translated


def transforms(pipeline: api.Pipeline) -> dict[str, api.PTransform]:
    """All transforms but the root, by their unique names, sorted."""
    roots = set(pipeline.root_transform_ids)
    named = {one.unique_name: one for key, one in pipeline.components.transforms.items() if key not in roots}
    assert len(named) == len(pipeline.components.transforms) - len(roots), "two transforms have the same name"
    return dict(sorted(named.items()))


def labels(pipeline: api.Pipeline) -> set[str]:
    """Names of the steps that the graph itself consists of."""
    return {name for name in transforms(pipeline) if "/" not in name}


def of_urn(pipeline: api.Pipeline, urn: str) -> dict[str, api.PTransform]:
    return {name: one for name, one in transforms(pipeline).items() if one.spec.urn == urn}


def payload(transform: api.PTransform) -> Any:
    """Return the payload of a ParDo."""
    assert transform.spec.urn == PARDO, transform.unique_name
    return api.ParDoPayload.FromString(transform.spec.payload)


def do_fn(transform: api.PTransform) -> Any:
    """The function of a ParDo, unpickled."""
    return pickler.loads(payload(transform).do_fn.payload)[0]


def stateful(pipeline: api.Pipeline) -> dict[str, Any]:
    """Payloads of the steps that keep state or set timers, by name."""
    found = {name: payload(one) for name, one in of_urn(pipeline, PARDO).items()}
    return {name: one for name, one in found.items() if one.state_specs or one.timer_family_specs}


def coder(pipeline: api.Pipeline, key: str) -> str:
    """A coder by its URNs, without their common beginning: ``kv:v1(varint:v1, bytes:v1)``."""
    one = pipeline.components.coders[key]
    text = one.spec.urn.removeprefix("beam:coder:")
    pickled = _PICKLED.search(one.spec.payload)
    if pickled:
        text += f" {pickled[1].decode()}"
    parts = [coder(pipeline, part) for part in one.component_coder_ids]
    return f"{text}({', '.join(parts)})" if parts else text


def coder_of_input(pipeline: api.Pipeline, transform: api.PTransform) -> str:
    (collection,) = transform.inputs.values()
    return coder(pipeline, pipeline.components.pcollections[collection].coder_id)


def states(pipeline: api.Pipeline, step: Any) -> dict[str, str]:
    """Return the kind and coder of each state of a step, by id."""
    found = {}
    for name, spec in sorted(step.state_specs.items()):
        kind = spec.WhichOneof("spec").removesuffix("_spec")
        inner = getattr(spec, f"{kind}_spec")
        key = next(getattr(inner, f.name) for f in inner.DESCRIPTOR.fields if f.name.endswith("coder_id"))
        found[name] = f"{kind} of {coder(pipeline, key)}"
    return found


def timers(pipeline: api.Pipeline, step: Any) -> dict[str, str]:
    """Return the time domain and coder of each timer of a step, by id."""
    return {
        name: f"{api.TimeDomain.Enum.Name(spec.time_domain)} {coder(pipeline, spec.timer_family_coder_id)}"
        for name, spec in sorted(step.timer_family_specs.items())
    }


def producers(pipeline: api.Pipeline, name: str) -> set[tuple[str, str]]:
    """Which steps, by which of their outputs, a transform takes its input from."""
    wanted = set(transforms(pipeline)[name].inputs.values())
    return {
        (producer, tag)
        for producer, one in transforms(pipeline).items()
        if not one.subtransforms
        for tag, collection in one.outputs.items()
        if collection in wanted
    }
