"""Judge NAB with the job and score its incidents."""

from pathlib import Path
from typing import Any

from benchmarks.score.nab.alarms import alarms_of_incidents
from benchmarks.score.nab.job import opened_incidents
from benchmarks.score.nab.label_files import write_labels
from benchmarks.score.nab.report import make_report
from benchmarks.score.nab.scorer_check import check_scorer
from benchmarks.score.nab.series import read_corpus
from benchmarks.score.nab.tables import tables


def score_nab(folder: Path, rules: Path, labels: Path) -> dict[str, Any]:
    """Print the tables, write the labels, and return the scores.

    Args:
        folder: the data of NAB.
        rules: file of the rules for all series.
        labels: folder for the labels of each series.

    Raises:
        ConfigError: if the data or the rules cannot be used.
        BenchmarkError: if the scorer or the job is certainly wrong.
    """
    corpus = read_corpus(folder)
    check = check_scorer(corpus)
    alarms = alarms_of_incidents(corpus, opened_incidents(corpus, rules))
    report = make_report(corpus, alarms, check)
    for line in tables(report):
        print(line)
    write_labels(labels, corpus, alarms)
    return report.to_json()
