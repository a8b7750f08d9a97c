"""List the words by which people name columns, in several languages."""

from typing import Final


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


TIMES: Final = {
    **dict.fromkeys(("ts", "time", "timestamp", "datetime", "eventtime", "dateandtime", "timestamputc"), 3.0),
    **dict.fromkeys(("measuredat", "recordedat", "observedat", "sampledat", "phenomenontime", "dateobserved"), 3.0),
    **dict.fromkeys(("utc", "timeutc", "utctime", "datetimeutc", "dateutc", "utcdatetime", "readingtime"), 3.0),
    **dict.fromkeys(("zeitstempel", "zeitpunkt", "horodatage", "tmstamp", "fechahora", "dataora", "datahora"), 3.0),
    **dict.fromkeys(("datumzeit", "datumuhrzeit", "tijdstip", "tidpunkt", "czas", "epoch", "unixtime", "tstamp"), 3.0),
    **dict.fromkeys(("date", "datum", "fecha", "zeit", "createdat", "localtime", "notedate", "noteddate"), 2.0),
    **dict.fromkeys(("datenum", "lastchanged", "receivedat", "cetime", "collectedat", "loggedat", "publishedat"), 2.0),
    **dict.fromkeys(("t", "dt", "at", "when", "lastupdated", "data", "ora", "hora", "stamp"), 1.0),
}
"""Names of times, letters and digits alone, and how certain each is: 3 hardly is anything else."""
TIME_WORDS: Final = word_set(
    "ts time timestamp date datetime utc epoch unix when zeit zeitstempel datum fecha hora heure horodatage czas tid "
    "created recorded measured observed sampled received changed updated noted logged published collected"
)
"""Words in names of times."""
TIME_ENDS: Final = ("time", "timestamp", "datetime", "date", "zeit", "stamp")
"""Ends of names of times."""
OTHER_TIMES: Final = word_set(
    "install installed birth manufactured expire expires expiry expiration warranty calibrated calibration end stop "
    "next boot booted uptime interval duration lifetime response delay elapsed zone deployed commissioned "
    "processed processing ingest ingestion ingested inserted insert upload uploaded modified stored"
)
"""Words in names of other times than that of a reading."""
DEVICE_THINGS: Final = {
    **dict.fromkeys(("device", "dev", "gerät", "geraet", "appareil", "dispositivo"), 5.0),
    "sensor": 3.6,
    **dict.fromkeys(("node", "mote", "station", "meter", "entity", "thing", "machine", "asset"), 4.0),
    **dict.fromkeys(
        ("equipment", "logger", "probe", "turbine", "pump", "vehicle", "truck", "robot", "imei", "mac"), 3.5
    ),
    **dict.fromkeys(
        ("host", "hostname", "instance", "serial", "eui", "vin", "endpoint", "beacon", "board", "controller"), 3.0
    ),
    **dict.fromkeys(
        ("client", "core", "gateway", "engine", "well", "plant", "household", "module", "cell", "battery"), 2.5
    ),
    **dict.fromkeys(("room", "site", "building", "location", "tag", "subject", "lclid", "raum", "standort"), 2.0),
    **dict.fromkeys(("source", "name", "area", "zone", "floor", "channel", "topic", "address", "group", "unit"), 1.0),
    **dict.fromkeys(("id", "uuid", "key", "code"), 0.8),
}
"""Words for what sends readings, and how certain each is: above 3 hardly is anything else."""
DEVICE_MARKS: Final = {
    "id": 0.4,
    "uid": 0.4,
    "eui": 0.3,
    "name": 0.2,
    "no": 0.3,
    "nr": 0.3,
    "number": 0.3,
    "uuid": 0.3,
}
"""Words after such a word that make it more certain."""
NO_DEVICES: Final = word_set(
    "type model version firmware status state class kind count battery voltage temp temperature time date "
    "manufacturer vendor profile application tenant organization registry user owner message msg event request "
    "session correlation record row entry num classification description latitude longitude"
)
"""Words that no name of a device has."""
QUANTITIES: Final = word_set(
    "temp temperature temperatur température humidity hum rh feuchte feuchtigkeit humidité pressure druck co co2 "
    "tvoc voc eco2 pm pm1 pm2 pm10 lux light illuminance illumination brightness motion smoke lpg gas noise sound "
    "voltage current power energy kwh wh watt watts amps volts frequency speed rpm flow level battery soil moisture "
    "rain rainfall precipitation wind gust windspeed dewpoint dew irradiance radiation solar uv ph conductivity "
    "turbidity vibration acceleration accel gyro angle position torque load strain distance depth weight mass volume "
    "rssi snr no2 no o3 so2 nh3 ch4 nox hcho aqi ozone occupancy concentration consumption production usage"
)
"""Words for what is measured."""
PHRASES: Final = ("carbondioxide", "carbonmonoxide", "pm25", "pm10", "relativehumidity", "airquality", "batterylevel")
"""Names of quantities that are several words."""
COUNTERS: Final = word_set(
    "record rn reading index idx no nr num number seq sequence entry row count counter counts packet pkt frame line "
    "sample id unnamed msg message cnt fcnt rownum rowid nummer lfd"
)
"""Words in names of counters of rows."""
IDS: Final = word_set("id uuid uid eui serial code zip postcode imei port guid pk version")
"""Last words of names of identifiers."""
PLACE_NAMES: Final = word_set("location site station room building floor")
"""Names of places that may be numbered."""
COORDINATES: Final = word_set("lat latitude lon lng long longitude altitude elevation easting northing")
"""Names of coordinates."""
CALENDAR: Final = word_set(
    "year month day hour minute weekday dayofweek dayofyear week quarter season holiday second dow doy jahr monat tag "
    "stunde julianday"
)
"""Names of parts of a date."""
FLAGS: Final = word_set("qc flag qflag flags")
"""Last words of names of marks of quality."""
NAME_COLUMNS: Final = {
    **dict.fromkeys(("parameter", "metric", "variable", "measurement", "quantity", "field", "metricname"), 3.0),
    **dict.fromkeys(("parametername", "measure", "measurementtype", "property", "observedproperty", "pollutant"), 3.0),
    **dict.fromkeys(("sensortype", "readingtype", "metrictype", "datapoint", "analyte", "signal", "attribute"), 3.0),
    **dict.fromkeys(("variablename", "fieldname", "measurename", "entityid", "grandeur", "messgröße", "kpi"), 3.0),
    **dict.fromkeys(("type", "name", "key", "n", "sensor", "tag", "tagname", "channel", "item", "label", "kind"), 1.0),
    **dict.fromkeys(
        ("topic", "event", "point", "pointname", "series", "seriesname", "id", "sensorname", "sensorid", "code"), 1.0
    ),
}
"""Names of columns that hold names of metrics, and how certain each is."""
VALUE_COLUMNS: Final = (
    "value", "state", "reading", "result", "val", "v", "measurement", "measuredvalue", "sensorvalue", "datavalue",
    "valuehrf", "numericvalue", "valeur", "wert", "valor", "readingvalue", "metricvalue", "measurementvalue",
    "dblv", "longv", "average", "avg", "mean", "amount", "level", "payload", "data",
)  # fmt: skip
"""Names of columns that hold values of any metric, the likeliest first."""
ENVELOPE: Final = word_set(
    "fport fcnt port rssi snr lorasnr specversion version schemaversion apiversion consumedairtime dr frequency "
    "bandwidth spreadingfactor channelindex seq sequence messageid retry counter size ttl qos retain datarate adr "
    "partition offset priority status code confirmed"
)
"""Names of numbers by which networks and brokers work."""
