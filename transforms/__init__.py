"""What happens to readings: decoding, rules, aggregates, and the records that come out.

The plain modules (records, messages, cells, codec, rules, moments, tables) import no Beam; the
PTransforms on top of them (decode, detect, aggregate, write) hold as little logic as possible.
"""
