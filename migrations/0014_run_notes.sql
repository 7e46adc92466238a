-- What the page of a benchmark says of a row's runs that is not in the row's summary, as JSON: why runs
-- failed, and whether token counts are estimated. Set together with the summary; null in rows of older
-- versions, whose runs are read instead.
alter table benchmark_rows add column run_notes text;
