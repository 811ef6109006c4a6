"""Parts of `benchmarks/fuzz.py`: mutations of bytes, headers, events, tables, workbooks and gates, and their judges."""
