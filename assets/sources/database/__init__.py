"""Tables and queries of SQL databases: PostgreSQL, MySQL, MariaDB, SQLite, SQL Server."""
