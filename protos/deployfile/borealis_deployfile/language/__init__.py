"""The deploy file's language as a table: every field with its type, meaning and example.

Readers, JSON Schema, `explain` and the reference page are all made from it. Tables only: no rules, no reading.
"""
