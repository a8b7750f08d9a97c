"""Package of the job: what a Beam worker installs, and the commands a person runs."""

from pathlib import Path

from setuptools import find_packages, setup

REQUIREMENTS = [
    line.strip()
    for line in (Path(__file__).parent / "requirements.txt").read_text().splitlines()
    if line.strip() and not line.startswith("#")
]

# What Beam needs on top for s3:// and azfs://, as its own extras of the same names say; gs:// needs none. A worker that
# goes to neither installs neither. The tests go to both: requirements-dev.txt repeats these versions, a test compares.
EXTRAS = {
    "aws": ["boto3==1.44.8"],
    "azure": ["azure-storage-blob==12.31.1", "azure-core==1.41.0", "azure-identity==1.27.0"],
}

_PAGE = ["*.html", "*.css", "*.js"]

setup(
    name="iot-telemetry-anomalies",
    version="0.1.0",
    description="Live anomaly detection for IoT sensor telemetry on Apache Beam",
    python_requires=">=3.11",
    packages=find_packages(include=["telemetry*", "pipeline*", "transforms*", "publisher*", "plotting*"]),
    package_data={
        "telemetry.rules": ["*.yaml"],
        "plotting.style": ["*.mplstyle"],
        "plotting.report": _PAGE,
        "plotting.serve": _PAGE,
    },
    install_requires=REQUIREMENTS,
    extras_require=EXTRAS,
)
