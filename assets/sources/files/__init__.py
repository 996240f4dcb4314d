"""Files: CSV, NDJSON, Parquet and XLSX, exports of other vendors, and files that were imported."""
