-- Large texts in tables of their own. SQLite keeps a row in one chain of pages: what stands behind a large
-- column is found by walking it, and a change of any column writes the whole row again. Every statement
-- runs on SQLite and on PostgreSQL.

-- What a benchmark was asked to do, for who looks at this one benchmark.
create table benchmark_inputs (
    benchmark_id text primary key references benchmarks (id) on delete cascade,
    user_id text not null,
    -- With the whole prompt.
    parameters text not null,
    -- Providers and models as they were when it began, never keys or headers.
    targets text not null
);

insert into benchmark_inputs (benchmark_id, user_id, parameters, targets)
select id, user_id, parameters, targets from benchmarks;

alter table benchmarks drop column parameters;
alter table benchmarks drop column targets;

-- What lists show of the parameters. The server fills these columns in for older benchmarks when it starts.
alter table benchmarks add column context_tiers text;
alter table benchmarks add column runs bigint;
alter table benchmarks add column max_tokens bigint;
alter table benchmarks add column temperature double precision;
alter table benchmarks add column warmup bigint;

-- What lists say about the results, as JSON; set when the benchmark ends. Where it is null although the
-- benchmark has ended, the server makes it and the row in benchmark_results when it starts.
alter table benchmarks add column headline text;

create index benchmarks_to_fill_in on benchmarks (id) where runs is null;
create index benchmarks_to_sum_up on benchmarks (id) where headline is null;

-- The rows of an ended benchmark as the REST list shows them, as one JSON array: a page of 50 benchmarks
-- with 200 rows each would read 10,000 rows.
create table benchmark_results (
    benchmark_id text primary key references benchmarks (id) on delete cascade,
    user_id text not null,
    results text not null
);

-- What a job needs to run. A job that is done or cancelled has none.
create table job_payloads (
    job_id text primary key references jobs (id) on delete cascade,
    user_id text not null,
    params text not null
);

insert into job_payloads (job_id, user_id, params)
select id, user_id, params from jobs where params <> 'null';

alter table jobs drop column params;
