"""Find the column that probably is the time, or the device, of a file that calls it by another name."""

import difflib
import re
from collections.abc import Sequence
from typing import Final

_TIMES: Final = (
    "ts", "timestamp", "datetime", "time", "eventtime", "timestamputc", "timeutc", "utctime", "datetimeutc", "utc",
    "lastchanged", "lastupdated", "receivedat", "createdat", "recordedat", "measuredat", "observedat", "reportedat",
    "publishedat", "sentat", "loggedat", "readat", "sampledat", "eventtimestamp", "dateobserved", "noteddate",
    "recordtime", "logtime", "localtime", "epoch", "epochtime", "unixtime", "unix", "datum", "zeit", "date", "when",
)  # fmt: skip
_DEVICES: Final = (
    "device", "deviceid", "deviceeui", "deveui", "devicename", "sensorid", "sensor", "moteid", "mote", "nodeid",
    "node", "entityid", "stationid", "station", "thingid", "thing", "assetid", "asset", "machineid", "machine",
    "meterid", "meter", "clientid", "gatewayid", "probeid", "probe", "unitid", "tagid", "serialnumber", "serial",
    "mac", "macaddress", "hostname", "host", "roomid", "room", "location", "source",
)  # fmt: skip
_TIME_BEGINS: Final = ("datetime", "timestamp", "timeutc", "measuredat", "recordedat")
_TIME_ENDS: Final = ("timestamp", "datetime", "time", "date")
_DEVICE_ENDS: Final = ("deviceid", "sensorid", "device", "sensor", "station")
_DEVICE_BEGINS: Final = ("device", "sensor", "mote", "node", "entity", "station", "room")
_LAST_DEVICES: Final = ("name", "id")  # of a device, or of the row
_OTHER_THAN_NAME: Final = re.compile(r"\(.*?\)|\[.*?\]|[\W_]+")
_SIMILAR: Final = 0.75


def likely_time(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the column that probably is the time, or two of a date and a time of day; () if none is likely."""
    names = _by_plain_name(columns)
    if "date" in names and "time" in names:
        return names["date"], names["time"]
    begins = [name for plain, name in names.items() if plain.startswith(_TIME_BEGINS)]
    return _likely(names, _TIMES, _TIME_ENDS) or tuple(begins[:1])


def likely_device(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the column that probably is the device; () if none is likely."""
    names = _by_plain_name(columns)
    found = _likely(names, _DEVICES, _DEVICE_ENDS)
    begins = [name for plain, name in names.items() if plain.startswith(_DEVICE_BEGINS)]
    last = [names[name] for name in _LAST_DEVICES if name in names]
    return found or tuple([*begins, *last][:1])


def similar_column(wanted: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the column that resembles a name most; () if none does."""
    names = _by_plain_name(columns)
    close = difflib.get_close_matches(_plain(wanted), list(names), n=1, cutoff=_SIMILAR)
    return (names[close[0]],) if close else ()


def _likely(names: dict[str, str], known: Sequence[str], ends: Sequence[str]) -> tuple[str, ...]:
    for name in known:
        if name in names:
            return (names[name],)
    for end in ends:
        for plain, name in names.items():
            if plain.endswith(end):
                return (name,)
    for name in known[:3]:
        close = difflib.get_close_matches(name, list(names), n=1, cutoff=_SIMILAR)
        if close:
            return (names[close[0]],)
    return ()


def _by_plain_name(columns: Sequence[str]) -> dict[str, str]:
    """Return the columns by their names in small letters without separators; the first one of equal names."""
    names: dict[str, str] = {}
    for name in filter(_plain, columns):
        names.setdefault(_plain(name), name)
    return names


def _plain(name: str) -> str:
    return _OTHER_THAN_NAME.sub("", name).lower()
