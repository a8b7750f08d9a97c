"""Package of the job: what a Beam worker installs, and the commands a person runs."""

from pathlib import Path

from setuptools import find_packages, setup

REQUIREMENTS = [
    line.strip()
    for line in (Path(__file__).parent / "requirements.txt").read_text().splitlines()
    if line.strip() and not line.startswith("#")
]

setup(
    name="iot-telemetry-anomalies",
    version="0.1.0",
    description="Live anomaly detection for IoT sensor telemetry on Apache Beam",
    python_requires=">=3.11",
    packages=find_packages(include=["pipeline*", "transforms*", "publisher*", "plotting*"]),
    package_data={"transforms": ["*.yaml"], "plotting": ["*.mplstyle"]},
    install_requires=REQUIREMENTS,
)
