-- What was measured. Every statement runs on SQLite and on PostgreSQL: text ids, bigint Unix
-- milliseconds, JSON as text. Results refer to no provider and no model: they keep a snapshot of
-- what they were measured with, and later edits change nothing here.

create table benchmarks (
    -- The id of the job that measures it: a UUIDv7, so that ids sort by age.
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    -- running, complete or failed. What was cancelled is not kept.
    status text not null,
    -- Why it failed, as a sentence.
    error text,
    created_at bigint not null,
    finished_at bigint,
    -- The beginning of the prompt, for lists.
    prompt_preview text not null,
    parameters text not null,
    -- Providers and models as they were when it began, never keys or headers.
    targets text not null,
    -- The measuring client's own condition.
    client text
);

create index benchmarks_of_user on benchmarks (user_id, id);

-- One model at one tier.
create table benchmark_rows (
    benchmark_id text not null references benchmarks (id) on delete cascade,
    user_id text not null,
    provider_key text not null,
    model_id text not null,
    context_tokens bigint not null,
    -- Place in the report.
    position bigint not null,
    head text not null,
    warmup text,
    -- Set when all its runs are done; the columns below are figures of it, for lists and trends.
    summary text,
    success_count bigint,
    error_count bigint,
    -- Of the first run that failed.
    error text,
    avg_tokens_per_second double precision,
    std_dev_tps double precision,
    tps_ci_low double precision,
    tps_ci_high double precision,
    avg_ttft_ms double precision,
    avg_total_time_s double precision,
    avg_input_tokens_per_second double precision,
    avg_output_speed_tps double precision,
    avg_itl_ms double precision,
    -- USD over all successful runs.
    total_cost double precision,
    primary key (benchmark_id, provider_key, model_id, context_tokens)
);

create index benchmark_rows_of_model on benchmark_rows (user_id, provider_key, model_id, benchmark_id);

create table benchmark_runs (
    benchmark_id text not null references benchmarks (id) on delete cascade,
    user_id text not null,
    provider_key text not null,
    model_id text not null,
    context_tokens bigint not null,
    run_number bigint not null,
    run text not null,
    -- Arrivals of its chunks in µs; last and apart, so that lists do not read it.
    chunk_deltas text not null,
    primary key (benchmark_id, provider_key, model_id, context_tokens, run_number)
);
