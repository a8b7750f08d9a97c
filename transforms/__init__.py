"""Stages of the job: decode, remove duplicates, detect, aggregate windows, write the ledger, store.

Plain modules hold the logic and import no Beam; the PTransforms above them hold as little logic as possible.
"""
