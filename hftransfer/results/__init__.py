"""What a model does on labelled rows: figures with intervals, pictures, and a report to read.

Import from the files themselves: `metrics` brings evaluate and torch along, `report` does not.
"""
