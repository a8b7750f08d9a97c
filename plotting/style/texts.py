"""Define every text of a picture in English and French, and how each language writes numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from telemetry.feed.default_feed import DEFAULT_CATALOG
from telemetry.model.metric_info import MetricCatalog
from telemetry.text.timestamps import format_time

_CONTROLS: Final = dict.fromkeys((*range(32), *range(127, 160)), "�")


def visible(name: str) -> str:
    """Return a name from the data with each control character replaced by a visible sign."""
    return name.translate(_CONTROLS)


@dataclass(frozen=True)
class Texts:
    """Texts of one language; `str.format` fills the braces.

    `titles`, `trend_titles` and `names` translate the metrics of the default feed, where its labels do not say enough.
    They are used with that feed only: labels that another feed gives are shown as they are.
    """

    titles: Mapping[str, str]
    title_labelled: str
    title_other: str
    trend_titles: Mapping[str, str]
    trend_labelled: str
    trend_other: str
    overview: str
    overview_of: str
    names: Mapping[str, str]
    time_axis: str
    normal: str
    anomalies: str
    threshold: str
    window_mean: str
    window_range: str
    window_deviation: str
    readings: tuple[str, str]
    windows: tuple[str, str]
    anomaly_count: tuple[str, str]
    incident: str
    incident_count: tuple[str, str]
    learned: str
    devices: tuple[str, str]
    devices_shown: str
    thinned: str
    unreadable: str
    per_hour: str
    per_day: str
    per_days: str
    by_rule: str
    by_reason: str
    coverage: str
    covered: str
    gap: str
    gap_count: tuple[str, str]
    letter_count: tuple[str, str]
    no_anomalies: str
    no_letters: str
    no_windows: str
    no_gaps: str
    others: str
    undated: str
    severities: Mapping[str, str]
    units: tuple[str, str, str, str]
    yes_no: str
    months: tuple[str, ...]
    thousands: str
    decimal: str
    catalog: MetricCatalog = DEFAULT_CATALOG

    def of_metrics(self, catalog: MetricCatalog) -> "Texts":
        """Return the same texts with the units and labels of other metrics."""
        return self if catalog == self.catalog else replace(self, catalog=catalog)

    def title(self, metric: str) -> str:
        """Return the title of a picture of a metric."""
        return self._title(metric, self.titles, self.title_labelled, self.title_other)

    def trend_title(self, metric: str) -> str:
        """Return the title of a picture of the trend of a metric."""
        return self._title(metric, self.trend_titles, self.trend_labelled, self.trend_other)

    def _title(self, metric: str, written: Mapping[str, str], labelled: str, other: str) -> str:
        if self._is_default and metric in written:
            return written[metric]
        name = self.name(metric)
        return (other if name == visible(metric) else labelled).format(metric=name)

    def overview_title(self, metric: str | None) -> str:
        """Return the title of an overview of one metric or of all."""
        return self.overview if metric is None else self.overview_of.format(name=self.name(metric))

    def name(self, metric: str) -> str:
        """Return the label of a metric, or its name."""
        written = self.names if self._is_default else {}
        return written.get(metric) or visible(self.catalog.label(metric))

    def listed_name(self, metric: str) -> str:
        """Return the name of a metric in tables: the label that a feed gives it, but no translation.

        Those of the default feed keep their names, which rules and flags use.
        """
        return metric if self._is_default else self.catalog.label(metric)

    @property
    def _is_default(self) -> bool:
        return self.catalog is DEFAULT_CATALOG or self.catalog == DEFAULT_CATALOG

    def heat_title(self, step_us: int) -> str:
        """Return the title of a heat map whose cells are `step_us` microseconds long."""
        hours = step_us // 3_600_000_000
        if hours < 24:
            return self.per_hour
        return self.per_day if hours == 24 else self.per_days.format(count=hours // 24)

    def severity(self, name: str) -> str:
        """Return the word for a severity; an unknown severity keeps its name."""
        return self.severities.get(name, name)

    def duration(self, microseconds: int) -> str:
        """Format a duration with its two largest units."""
        seconds, parts = round(microseconds / 1_000_000), list[str]()
        for unit, size in zip(self.units, (86_400, 3_600, 60, 1), strict=True):
            count, seconds = divmod(seconds, size)
            if count or (parts and len(parts) < 2):
                parts.append(f"{self.integer(count)}\N{NO-BREAK SPACE}{unit}" if count else "")
        text = "\N{NO-BREAK SPACE}".join(part for part in parts[:2] if part)
        return text or f"0\N{NO-BREAK SPACE}{self.units[3]}"

    def value_axis(self, metric: str) -> str:
        """Return the label of the value axis, with the unit if the metric has one."""
        unit = self.yes_no if self.catalog.is_boolean(metric) else self.catalog.unit(metric)
        return f"{self.name(metric)} ({unit})" if unit else self.name(metric)

    def integer(self, count: int) -> str:
        """Format a count with thousands separators."""
        return f"{count:,}".replace(",", self.thousands)

    def number(self, value: float) -> str:
        """Format a value with at most six significant digits."""
        return f"{value:.6g}".replace(".", self.decimal)

    def quantity(self, value: float, metric: str) -> str:
        """Format a value with the unit of its metric."""
        return f"{self.number(value)}\N{NO-BREAK SPACE}{self.catalog.unit_of_values(metric)}".rstrip()

    def counted(self, forms: tuple[str, str], count: int) -> str:
        """Format a count and its noun, singular or plural by the language's rule."""
        singular = count < 2 if self.decimal == "," else count == 1  # French: 0 and 1 are singular
        return f"{self.integer(count)}\N{NO-BREAK SPACE}{forms[0] if singular else forms[1]}"

    def moment(self, microseconds: int) -> str:
        """Format a UTC time to the minute, with the name of the month."""
        text = format_time(microseconds)
        day = f"{int(text[8:10])} {self.months[int(text[5:7]) - 1]} {text[:4]}"
        return f"{day} {text[11:16]}".replace(" ", "\N{NO-BREAK SPACE}")


_ENGLISH: Final = Texts(
    titles=MappingProxyType({"lpg": "Liquefied petroleum gas against time"}),
    title_labelled="{metric} against time",
    title_other="“{metric}” against time",
    trend_titles=MappingProxyType({"lpg": "Liquefied petroleum gas trend"}),
    trend_labelled="{metric} trend",
    trend_other="Trend of “{metric}”",
    overview="Overview of the run",
    overview_of="Overview: {name}",
    names=MappingProxyType({}),  # the labels of the default feed are English
    time_axis="Time (UTC)",
    normal="Normal readings ({count})",
    anomalies="Anomalies ({count})",
    threshold="Threshold ({value})",
    window_mean="Window mean ({count})",
    window_range="Window minimum to maximum",
    window_deviation="Mean ± standard deviation",
    readings=("reading", "readings"),
    windows=("window", "windows"),
    anomaly_count=("anomaly", "anomalies"),
    incident="Incident ({severity})",
    incident_count=("incident", "incidents"),
    learned="Learned: usual value ± {count} spreads",
    devices=("device", "devices"),
    devices_shown="{shown} of {total} devices shown, those with the most anomalies",
    thinned="{drawn} of {total} points drawn: every anomaly and every extreme is kept",
    unreadable="{count} without a readable value left out",
    per_hour="Anomalies per device and hour",
    per_day="Anomalies per device and day",
    per_days="Anomalies per device and {count} days",
    by_rule="Anomalies by rule and severity",
    by_reason="Dead letters by reason",
    coverage="Data and gaps per device",
    covered="Data",
    gap="Gap",
    gap_count=("gap", "gaps"),
    letter_count=("dead letter", "dead letters"),
    no_anomalies="No anomalies",
    no_letters="No dead letters",
    no_windows="No windows",
    no_gaps="no gaps",
    others="{count} others",
    undated="{count} without an event time, counted in every time range",
    severities=MappingProxyType({"critical": "critical", "warning": "warning", "info": "info"}),
    units=("d", "h", "min", "s"),
    yes_no="0 = no, 1 = yes",
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    thousands=",",
    decimal=".",
)

_FRENCH: Final = Texts(
    titles=MappingProxyType(
        {
            "temp": "Visualisation des températures en fonction du temps",
            "humidity": "Visualisation de l’humidité en fonction du temps",
            "co": "Visualisation du monoxyde de carbone en fonction du temps",
            "lpg": "Visualisation du gaz de pétrole liquéfié en fonction du temps",
            "smoke": "Visualisation de la fumée en fonction du temps",
            "light": "Visualisation de la lumière en fonction du temps",
            "motion": "Visualisation des mouvements en fonction du temps",
        }
    ),
    title_labelled="Visualisation de « {metric} » en fonction du temps",
    title_other="Visualisation de « {metric} » en fonction du temps",
    trend_titles=MappingProxyType(
        {
            "temp": "Tendance de la température",
            "humidity": "Tendance de l’humidité",
            "co": "Tendance du monoxyde de carbone",
            "lpg": "Tendance du gaz de pétrole liquéfié",
            "smoke": "Tendance de la fumée",
            "light": "Tendance de la lumière",
            "motion": "Tendance des mouvements",
        }
    ),
    trend_labelled="Tendance de « {metric} »",
    trend_other="Tendance de « {metric} »",
    overview="Vue d’ensemble de l’exécution",
    overview_of="Vue d’ensemble : {name}",
    names=MappingProxyType(
        {
            "temp": "Température",
            "humidity": "Humidité",
            "co": "Monoxyde de carbone",
            "lpg": "GPL",
            "smoke": "Fumée",
            "light": "Lumière",
            "motion": "Mouvement",
        }
    ),
    time_axis="Horodatage (UTC)",
    normal="Mesures normales ({count})",
    anomalies="Anomalies ({count})",  # the same word in both languages
    threshold="Seuil ({value})",
    window_mean="Moyenne par fenêtre ({count})",
    window_range="Du minimum au maximum de la fenêtre",
    window_deviation="Moyenne ± écart type",
    readings=("mesure", "mesures"),
    windows=("fenêtre", "fenêtres"),
    anomaly_count=("anomalie", "anomalies"),
    incident="Incident ({severity})",
    incident_count=("incident", "incidents"),  # the same words in both languages
    learned="Appris : valeur habituelle ± {count} écarts types",
    devices=("capteur", "capteurs"),
    devices_shown="{shown} capteurs sur {total} : ceux qui ont le plus d’anomalies",
    thinned="{drawn} points tracés sur {total} : toutes les anomalies et tous les extrêmes y sont",
    unreadable="{count} sans valeur lisible, non tracées",
    per_hour="Anomalies par capteur et par heure",
    per_day="Anomalies par capteur et par jour",
    per_days="Anomalies par capteur et par {count} jours",
    by_rule="Anomalies par règle et gravité",
    by_reason="Lettres mortes par motif",
    coverage="Données et lacunes par capteur",
    covered="Données",
    gap="Lacune",
    gap_count=("lacune", "lacunes"),
    letter_count=("lettre morte", "lettres mortes"),
    no_anomalies="Aucune anomalie",
    no_letters="Aucune lettre morte",
    no_windows="Aucune fenêtre",
    no_gaps="aucune lacune",
    others="{count} autres",
    undated="{count} d’horodatage inconnu, comptées dans toute période",
    severities=MappingProxyType({"critical": "critique", "warning": "avertissement", "info": "information"}),
    units=("j", "h", "min", "s"),
    yes_no="0 = non, 1 = oui",
    months=("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."),
    thousands="\N{NARROW NO-BREAK SPACE}",
    decimal=",",
)

TEXTS: Final[Mapping[str, Texts]] = MappingProxyType({"en": _ENGLISH, "fr": _FRENCH})
"""Texts by value of ``--lang``."""
