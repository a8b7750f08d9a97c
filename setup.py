"""Package the job as a Beam worker installs it, and every program behind the command `telemetry`.

Versions here are ranges, for those who use the package as a library. A deployment installs the exact versions of
requirements.txt and of the files beside it; a test compares both.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

_HERE = Path(__file__).parent

# Packages of the job and the publisher, for files and topics, without Google's other services.
REQUIREMENTS = [
    "apache-beam>=2.77,<3",
    "datasketches>=5.2,<6",
    "google-cloud-pubsub>=2.20,<3",
    "msgspec>=0.19,<1",
    "numpy>=2.0,<3",
    "pyarrow>=17,<26",
    "PyYAML>=6,<7",
    "shtab>=1.7,<2",
    "tqdm>=4.66,<5",
    "tzdata>=2024.1,<2028",  # zones of times and windows, where the system has none
]

EXTRAS = {
    "plot": ["matplotlib>=3.9,<4", "pandas>=2.2,<3", "tornado>=6.4,<7"],  # render, report, serve
    "gcp": ["apache-beam[gcp]>=2.77,<3", "google-cloud-bigquery>=3.20,<4"],  # Dataflow, BigQuery, gs://
    "mqtt": ["paho-mqtt>=2.1,<3"],  # bridge
    "aws": ["boto3>=1.34,<2"],  # s3://
    "azure": ["azure-core>=1.30,<2", "azure-identity>=1.16,<2", "azure-storage-blob>=12.19,<13"],  # azfs://
}

_PAGE = ["*.html", "*.css", "*.js"]


def _text(name: str) -> str:
    """Return a file beside this one; "" where it was left out, as the README is from a worker's image."""
    path = _HERE / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _version() -> str:
    found = re.search(r'^__version__ = "(.+)"$', _text("telemetry/__init__.py"), re.MULTILINE)
    if found is None:
        raise SystemExit("telemetry/__init__.py: no __version__")
    return found[1]


setup(
    name="iot-telemetry-anomalies",
    version=_version(),
    description="Live anomaly detection for IoT sensor telemetry on Apache Beam",
    long_description=_text("README.md"),
    long_description_content_type="text/markdown",
    license_expression="Apache-2.0",
    keywords="iot telemetry anomaly-detection apache-beam pubsub bigquery dataflow streaming",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Topic :: Scientific/Engineering :: Information Analysis",
        "Topic :: System :: Monitoring",
        "Typing :: Typed",
    ],
    python_requires=">=3.11",
    packages=find_packages(
        include=["telemetry*", "transforms*", "pipeline*", "publisher*", "plotting*", "templates*"],
    ),
    package_data={
        "": ["py.typed"],
        "telemetry.feed": ["*.yaml"],
        "telemetry.rules": ["*.yaml"],
        "plotting.style": ["*.mplstyle"],
        "plotting.report": _PAGE,
        "plotting.serve": _PAGE,
        "templates": ["metadata.json"],
    },
    install_requires=REQUIREMENTS,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["telemetry = telemetry.cli.main:main"]},
)
