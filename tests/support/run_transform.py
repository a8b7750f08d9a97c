"""Run a transform in a pipeline of its own and return the elements of its outputs."""

import contextlib
import pickle
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.coders import PickleCoder
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.test_stream import TestStream
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from pipeline.beam_patches.registry import CACHE_DOFN_SIGNATURES, CACHE_TYPE_OPTIONS, patched

Outputs = dict[str, list[Any]]


def run_transform(
    inputs: Iterable[Any] | TestStream,
    transform: Any,
    of: type | None = None,
    *,
    timestamps: bool = False,
) -> Outputs:
    """Return the elements of each output of a transform, in no order.

    Args:
        inputs: the elements of a bounded collection, each of which may be a `TimestampedValue`, or a stream, which is
            read by the local streaming runner.
        transform: a PTransform, or a function that applies several to the inputs. It may return one collection, a
            NamedTuple or a mapping of collections; None stands for an output that it does not have.
        of: type of the elements, for a transform that checks it.
        timestamps: return pairs of an element and its timestamp in microseconds.

    Returns:
        The elements by the name of the output; a collection without a name is called "main".
    """
    bounded = not isinstance(inputs, TestStream)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for patch in (CACHE_DOFN_SIGNATURES, CACHE_TYPE_OPTIONS):  # as in the job; half of a test would be theirs
            stack.enter_context(patched(patch))
        pipeline = bounded_pipeline() if bounded else streaming_pipeline()
        collection = pipeline | (beam.Create(list(inputs)) if bounded else inputs)
        # Create hands on a TimestampedValue as it is; the step behind it turns it into a timestamp.
        collection |= "Take inputs" >> beam.Map(_same).with_output_types(of or Any)
        result = collection | transform if isinstance(transform, beam.PTransform) else transform(collection)
        outputs = {name: output for name, output in _named(result).items() if output is not None}
        for name, output in outputs.items():
            (folder / name).mkdir()
            _ = output | f"Collect {name}" >> beam.ParDo(_Collect(str(folder / name), timestamps))
        pipeline.run().wait_until_finish()
        return {name: _collected(folder / name) for name in outputs}


def stream_of(*bundles: Sequence[Any]) -> TestStream:
    """Return a stream in which each bundle arrives by itself, and that ends after the last one."""
    stream = TestStream(coder=PickleCoder())
    for bundle in bundles:
        stream.add_elements(list(bundle))
    stream.advance_watermark_to_infinity()
    return stream


def timed(element: Any, us: int) -> TimestampedValue:
    """Return an element with a timestamp in microseconds."""
    return TimestampedValue(element, Timestamp(micros=us))


def bounded_pipeline() -> beam.Pipeline:
    """Return an empty pipeline of the local runner for bounded input, with its workers in this process."""
    return beam.Pipeline(runner="FnApiRunner", options=PipelineOptions([]))


def streaming_pipeline() -> beam.Pipeline:
    """Return an empty pipeline of the local streaming runner, with its workers in this process."""
    options = PipelineOptions(["--project", "a-test-project"], streaming=True)
    return beam.Pipeline(runner="BundleBasedDirectRunner", options=options)


class _Collect(beam.DoFn):
    """Write each bundle to a file of its own: a runner copies transforms, so that a list of the test stays empty."""

    def __init__(self, folder: str, timestamps: bool) -> None:
        self.folder, self.timestamps = folder, timestamps

    def start_bundle(self) -> None:
        self.elements: list[Any] = []

    def process(self, element: Any, timestamp: Any = beam.DoFn.TimestampParam) -> None:
        self.elements.append((element, timestamp.micros) if self.timestamps else element)

    def finish_bundle(self) -> None:
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
            pickle.dump(self.elements, file)


def _same(element: Any) -> Any:
    return element


def _named(result: Any) -> Mapping[str, beam.PCollection | None]:
    if isinstance(result, beam.PCollection):
        return {"main": result}
    named: Mapping[str, Any] = result if isinstance(result, Mapping) else result._asdict()
    return named


def _collected(folder: Path) -> list[Any]:
    return [element for file in sorted(folder.iterdir()) for element in pickle.loads(file.read_bytes())]
