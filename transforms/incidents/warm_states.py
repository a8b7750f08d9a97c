"""Keep the states with which the shards of a stream begin in a folder, one file for each shard.

They are what the rules remember of readings from before the stream. A shard reads its own where the stream has no state
of it yet.
"""

from telemetry.storage.files import join, read_file, write_file
from transforms.incidents.incident_state import IncidentState
from transforms.incidents.state_bytes import decode_incident_state, encode_incident_state


def write_warm_state(folder: str, shard: int, state: IncidentState) -> None:
    """Write the state of a shard.

    Args:
        folder: on any Beam filesystem.
        shard: number of the shard.
        state: what the rules remember.

    Raises:
        StorageError: if it cannot be written.
    """
    write_file(_path(folder, shard), encode_incident_state(state), durable=True)


def read_warm_state(folder: str, shard: int) -> IncidentState:
    """Return the state of a shard that was written there.

    Raises:
        StorageError: if it cannot be read.
        FormatError: if it is in a format that this version does not know.
    """
    return decode_incident_state(read_file(_path(folder, shard)))


def _path(folder: str, shard: int) -> str:
    return join(folder, f"shard-{shard:05d}")
