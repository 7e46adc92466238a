-- Indexes for the lists of benchmarks and their rows. Every statement runs on SQLite and on PostgreSQL.

-- The rows of a page of the history, in their order.
create index benchmark_rows_in_order on benchmark_rows (user_id, benchmark_id, position);

-- The benchmarks under way: read for every tab that connects.
create index benchmarks_by_status on benchmarks (user_id, status, id);
