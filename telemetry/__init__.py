"""Share what every program of this project needs: records, times, rules, storage, clients, command lines."""

__version__ = "0.2.0"
