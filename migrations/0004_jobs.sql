-- Work that takes longer than a request, and the processes that do it. Every statement runs on SQLite
-- and on PostgreSQL: text UUIDv7 ids, bigint Unix milliseconds, JSON as text.

-- The processes that run jobs. Each beats while it lives; one whose beat stands still is dead, its row
-- goes, and its jobs are taken over.
create table job_runners (
    id text primary key,
    beat bigint not null,
    started_at bigint not null
);

create table jobs (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    job_type text not null,
    status text not null,
    params text not null,
    progress_pct double precision not null,
    progress_detail text not null,
    result_ref text,
    error text,
    -- The hourly limit that it counts against, if any.
    hourly_limit text,
    -- The runner that has it while it is running, and nobody otherwise.
    runner text,
    -- How many runners died while they had it.
    crashes bigint not null default 0,
    -- From then on nobody starts it any more; whoever has it stops.
    cancel_requested_at bigint,
    created_at bigint not null,
    started_at bigint,
    finished_at bigint
);

create index jobs_of_user on jobs (user_id, id);
create index jobs_by_status on jobs (status, user_id, id);
create index jobs_by_finish on jobs (user_id, finished_at);
create index jobs_by_limit on jobs (user_id, hourly_limit, created_at);

-- One row for each user who ever had a job: whoever submits or starts one for this user locks it.
create table job_queues (
    user_id text primary key references users (id) on delete cascade,
    -- Grows with each job that is started, of whichever user: who has the smallest is next.
    turn bigint not null
);

create index job_queues_by_turn on job_queues (turn);

-- Frames that are too long for a PostgreSQL notification wait here for a moment.
create table live_frames (
    id text primary key,
    user_id text not null,
    frame text not null,
    created_at bigint not null
);

create index live_frames_by_age on live_frames (created_at);
