"""Runs in a worker's own environment, where only what was staged is installed: python worker.py pipeline.pb.

Unpickles every function of the graph, sends a message through the first ones and prints as JSON what came of it.
"""

import json
import sys
from pathlib import Path
from typing import Any

from apache_beam.internal import pickler
from apache_beam.portability.api import beam_runner_api_pb2 as api

PAYLOAD = b'{"ts":1,"device":"a","temp":31.5}\n{"ts":2,"device":"a","temp":21}\nno\n{"ts":61,"device":"b","temp":12}\n'


def functions_of(graph: Path) -> dict[str, Any]:
    """The functions of all steps, by name of the step."""
    functions = {}
    for one in api.Pipeline.FromString(graph.read_bytes()).components.transforms.values():
        if one.spec.urn == "beam:transform:pardo:v1":
            pickled = api.ParDoPayload.FromString(one.spec.payload).do_fn.payload
            functions[one.unique_name] = pickler.loads(pickled)[0]
    return functions


def values(results: Any) -> list[tuple[str, Any]]:
    """Outputs of a function, with their tags."""
    found = []
    for one in results:
        tag, value = getattr(one, "tag", ""), one
        while type(value).__name__ in ("TaggedOutput", "WindowedValue"):
            value = value.value
        found.append((tag, value))
    return found


def main(graph: Path) -> dict[str, Any]:
    functions = functions_of(graph)
    from telemetry.model.message_batch import MessageBatch
    from telemetry.model.messages import Message
    from telemetry.rules.parse import load_rules
    from transforms.windows.aggregate_table import COUNT, MEAN
    from transforms.windows.partial_aggregate import decode_partial

    decode = functions["Decode messages/Decode/ParDo(_Decode)"]
    decoded = values(decode.process(MessageBatch.of([Message(PAYLOAD, {}, "m")])))
    (readings,) = [value for tag, value in decoded if not tag]
    detected = values(functions["Detect anomalies/Detect/ParDo(_Detect)"].process(readings))
    (flagged,) = [value for tag, value in detected if not tag]
    partials = []
    aggregate = functions["Aggregate windows/Aggregate batches"]
    aggregate.start_bundle()
    for _, content in aggregate.process(flagged):
        table = decode_partial(content).table
        temp = table.metrics.index("temp")
        for n in range(len(table)):
            found = (int(table.ints[COUNT, temp, n]), float(table.floats[MEAN, temp, n]))
            partials.append([table.devices[table.device[n]], int(table.window_us[n]), *found])
    anomalies = [row for tag, value in detected if tag == "anomalies" for row in value.to_pylist()]
    ours = [
        module
        for name, module in sys.modules.items()
        if name.partition(".")[0] in ("pipeline", "telemetry", "transforms")
    ]
    return {
        "functions": sorted({type(one).__name__ for one in functions.values()}),
        "decoded": len(readings),
        "dead_letters": [row["reason"] for tag, value in decoded if tag for row in value.to_pylist()],
        "anomalies": [[row["device"], row["value"], row["rule_id"]] for row in anomalies],
        "partials": sorted(partials),
        "rules": load_rules(None).version,
        "places": sorted(str(module.__file__) for module in ours),
        "beam": str(sys.modules["apache_beam"].__file__),
        "loaded": sorted({name.partition(".")[0] for name in sys.modules}),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
