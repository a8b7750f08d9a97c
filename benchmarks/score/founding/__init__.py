"""Score rules on the founding telemetry: three sensors, a week in 2020, single temperatures far too low.

Nobody has labelled it. Dropouts are known by their value, excursions by a running median that looks ahead.
"""
