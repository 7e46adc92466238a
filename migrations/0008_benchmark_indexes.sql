-- For a page of the history and the estimate: the rows of some benchmarks in their order, and not all rows that
-- the user ever made.
create index benchmark_rows_by_position on benchmark_rows (user_id, benchmark_id, position);

-- For tabs that connect: what is running, without a scan of everything that has ended.
create index benchmarks_by_status on benchmarks (user_id, status, id);
