"""Files: CSV, NDJSON, Parquet and XLSX, exports of other vendors, and imported files."""
