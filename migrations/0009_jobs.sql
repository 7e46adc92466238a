-- Names that say what the columns hold; what a crash counts; when an interrupted job goes on; finished
-- jobs keep no payload.

alter table job_runners rename to job_workers;
alter table job_workers rename column beat to heartbeat;
alter table jobs rename column runner to worker_id;
alter table job_queues rename column turn to last_served;

-- The progress at the last crash. A crash counts only when the job has not got beyond it since.
alter table jobs add column progress_at_crash double precision not null default 0;
-- The worker whose end was counted last, so that one which turns out to live can take that back.
alter table jobs add column crashed_worker_id text;
-- How often a passing fault interrupted the job, and until when it then waits.
alter table jobs add column interruptions bigint not null default 0;
alter table jobs add column resume_at bigint;

update jobs set params = 'null' where status in ('done', 'cancelled');

-- For the removal of old jobs.
create index jobs_by_finish_time on jobs (finished_at);
