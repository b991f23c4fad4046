"""The engine port: portable SQL over integers, answered identically by DuckDB and Spark."""
