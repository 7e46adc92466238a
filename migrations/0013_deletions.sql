-- Deletion of users in batches; the benchmarks whose end somebody still has to record. Every statement
-- runs on SQLite and on PostgreSQL.

-- When the user's deletion began, in Unix milliseconds. From then on the row is no account any more; it
-- goes last, when all that belonged to the user is deleted.
alter table users add column deleted_at bigint;

-- Few at any time; looked for when the server starts.
create index benchmarks_under_way on benchmarks (id) where status = 'running';
