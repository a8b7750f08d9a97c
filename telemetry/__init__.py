"""Share what every program of this project needs: records, times, rules, storage, clients, command lines."""
