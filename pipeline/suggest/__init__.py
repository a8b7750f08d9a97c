"""Suggest first rules for readings: measure them, choose rules that fit, and try each on the same readings."""
