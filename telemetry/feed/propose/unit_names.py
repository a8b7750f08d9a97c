"""Find units of measurement in names of columns, in rows of units and behind numbers."""

import re
from typing import Final, NamedTuple

from telemetry.feed.propose.names import tokens
from telemetry.feed.propose.vocabulary import word_set

_SPELLINGS: Final = {
    "°C": "°c ºc ℃ c cel celsius degc deg_c degrees_celsius degree_celsius grad_celsius deg._c degrees_c degree_c ˚c",
    "°F": "°f ºf ℉ f fahrenheit degf deg_f degrees_fahrenheit degree_fahrenheit degrees_f",
    "K": "k kelvin",
    "%": "% percent pct percentage prozent %rh rh% %_rh %r.h. percent_rh %rf %r.f.",
    "ppm": "ppm", "ppb": "ppb", "ppt": "ppt",
    "hPa": "hpa hectopascal", "Pa": "pa pascal", "kPa": "kpa", "MPa": "mpa", "mbar": "mbar mb millibar", "bar": "bar",
    "psi": "psi", "mmHg": "mmhg", "inHg": "inhg", "atm": "atm",
    "V": "v volt volts voltage_v", "mV": "mv millivolt millivolts", "kV": "kv",
    "A": "a amp amps ampere amperes", "mA": "ma milliamp milliamps",
    "W": "w watt watts", "kW": "kw kilowatt kilowatts", "MW": "megawatt megawatts", "mW": "mw milliwatt",
    "Wh": "wh watthour", "kWh": "kwh kilowatthour kw-h", "MWh": "mwh", "VA": "va", "kVA": "kva", "var": "var kvar",
    "Hz": "hz hertz", "kHz": "khz", "rpm": "rpm r/min u/min 1/min",
    "m/s": "m/s mps m·s-1 ms-1 m_s-1 m/sec meters/second", "km/h": "km/h kmh kph", "mph": "mph", "kn": "kn knots kt",
    "m": "m meter meters metre metres", "cm": "cm", "mm": "mm", "km": "km", "in": "in inch inches", "ft": "ft feet",
    "L": "l liter litre liters litres", "L/min": "l/min lpm", "L/h": "l/h lph", "m³": "m3 m³", "m³/h": "m3/h m³/h",
    "kg": "kg", "g": "g gram grams", "t": "tonne tonnes", "N": "newton n", "J": "j joule", "kJ": "kj",
    "lx": "lx lux", "W/m²": "w/m2 w/m² w/m^2 wm-2 w_m-2", "dB": "db decibel", "dBm": "dbm", "dBA": "dba db(a)",
    "µg/m³": "µg/m³ μg/m³ ug/m3 µg/m3 μg/m3 ugm3 ug_m3 µg/m^3 ug/m^3 microg/m^3 microg/m3", "mg/m³": "mg/m³ mg/m3",
    "mg/L": "mg/l", "µS/cm": "µs/cm us/cm μs/cm", "NTU": "ntu", "Ω": "ω ohm ohms", "kΩ": "kohm kω",
    "°": "° deg degrees",
    "s": "s sec secs second seconds", "ms": "ms millisecond milliseconds msec", "min": "min minutes", "h": "h hr hours",
    "MB": "mb_ megabytes", "bytes": "bytes", "pH": "ph", "m/s²": "m/s2 m/s² m/s^2", "°/s": "°/s deg/s dps",
    "mg": "mg", "counts": "counts", "index": "index",
}  # fmt: skip
_UNITS: Final = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings.split()}
_PREFIXED: Final = {"mW": "mW", "MW": "MW", "Mb": "Mb", "mPa": "mPa", "MPa": "MPa", "S/cm": "S/cm"}
"""Units that differ from another one by a capital letter."""
_BRACKETS: Final = re.compile(r"(?P<name>.*\S)\s*[\[(]\s*(?P<unit>[^\[\]()]{1,24}?(?:\([A-Za-z]\))?)\s*[\])]\s*")
_COMMA: Final = re.compile(r"(?P<name>[^,]*[^,\s])\s*,\s*(?P<unit>[^,()\[\]]{1,24}?)\s*(?:\(.*\))?\s*")
_SUFFIX_UNITS: Final = word_set(
    "celsius fahrenheit kelvin degc degf pct percent percentage hpa pa kpa mbar psi ppm ppb mv kv ma kw wh kwh mwh hz "
    "rpm lux lx mm cm km mps kmh kph mph db dbm dba ugm3 kg lpm volts volt amps watts"
)
_LETTERS: Final = {
    "c": "temp temperature t dew dewpoint feels heat airtemp soiltemp thermocouple water air surface ambient",
    "f": "temp temperature t dew dewpoint feels heat",
    "k": "temp temperature t",
    "v": "voltage volt volts battery batt bat vcc vbat supply solar",
    "a": "current amp amps",
    "w": "power solar active",
    "m": "level depth height distance altitude wave range elevation",
}
_LETTER_NEEDS: Final = {letter: word_set(words) for letter, words in _LETTERS.items()}
_LETTERS_END: Final = re.compile(r"[A-Za-z0-9]+$")
_AGGREGATES: Final = word_set("avg smp min max tot std mean sum ts rn samp sample wvc med txt")
_TYPES: Final = word_set("string float double int integer long datetime number text boolean bool timestamp")
_BEHIND: Final = re.compile(r"[-+−]?[0-9][0-9.,'’\u00a0\u202f]*(?:[eE][-+]?[0-9]+)?\s*(?P<unit>[^\s0-9.,].{0,15})")


class NamedUnit(NamedTuple):
    """Name of a quantity without its unit, and the unit or ""."""

    name: str
    unit: str


def known_unit(text: str) -> str:
    """Return the usual spelling of a unit, such as °C for ``Deg C``; "" if it is none."""
    word = text.strip()
    if word in _PREFIXED:
        return _PREFIXED[word]
    return _UNITS.get("_".join(word.lower().split()), "")


def split_unit(name: str) -> NamedUnit:
    """Return the name and the unit of ``Temp, °C``, ``Temp (°C)`` and ``Temp [°C]``; the name stays without a unit."""
    for form in (_BRACKETS, _COMMA):
        found = form.fullmatch(name)
        if found is not None and (unit := known_unit(found["unit"])):
            return NamedUnit(found["name"].strip(" ,;:_-"), unit)
    return NamedUnit(name, "")


def unit_in_words(name: str) -> str:
    """Return the unit at the end of a name such as ``temp_c``, ``humidity_pct`` or ``temperature_celsius``; or ""."""
    words = tokens(name)
    if not words:
        return ""
    end = _LETTERS_END.search(name)
    if end is not None and end[0].lower() in _SUFFIX_UNITS:
        return known_unit(end[0])  # kWh is one word
    last, before = words[-1], set(words[:-1])
    if last in _LETTER_NEEDS:
        return known_unit(last) if before & _LETTER_NEEDS[last] else ""
    if last == "ms":
        return "m/s" if before & {"wind", "windspeed", "speed", "gust"} else ("ms" if before else "")
    if words[-2:] in (("deg", "c"), ("deg", "f"), ("ug", "m3")):
        return known_unit(" ".join(words[-2:]))
    return known_unit(last) if last in _SUFFIX_UNITS else ""


def is_unit_cell(cell: str) -> bool:
    """Return whether a cell of a row below the header says a unit, how values were made, or their type."""
    word = cell.strip().strip("[](){}").strip().lower()
    return not word or word in _AGGREGATES or word in _TYPES or word in ("-", "–") or bool(known_unit(word))


def unit_of_cell(cell: str) -> str:
    """Return the unit that a cell of a row of units says; "" if it says none."""
    word = cell.strip()
    inner = word.strip("[](){}").strip()
    if (
        not inner
        or inner.lower() in _AGGREGATES | _TYPES
        or not any(letter.isalpha() or letter in "%°" for letter in inner)
    ):
        return ""
    return known_unit(inner) or inner


def unit_behind(text: str) -> str:
    """Return the unit behind the number in a text such as ``21.5 °C``; "" if there is none."""
    found = _BEHIND.fullmatch(text.strip())
    return "" if found is None else known_unit(found["unit"]) or found["unit"].strip()
