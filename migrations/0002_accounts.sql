-- Who may do what. Every statement runs on SQLite and on PostgreSQL: text UUIDv7 ids, bigint Unix
-- milliseconds, booleans as bigint 0 or 1.

create table users (
    id text primary key,
    -- Lower case; two accounts never differ by case alone.
    email text not null unique,
    password_hash text not null,
    role text not null,
    onboarding_completed bigint not null default 0,
    created_at bigint not null,
    last_login bigint
);

-- What belongs to the whole installation: name and value. A row is also how something happens once:
-- whoever inserts it first has won.
create table settings (
    name text primary key,
    value text not null,
    updated_at bigint not null
);

-- Limits that an admin set for a user; who has no row has the default.
create table rate_limits (
    user_id text primary key references users (id) on delete cascade,
    benchmarks_per_hour bigint not null,
    max_concurrent bigint not null,
    max_runs_per_benchmark bigint not null,
    updated_at bigint not null
);

-- A signed-in browser or script. Ending a session ends its access tokens.
create table sessions (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    -- SHA-256 of the refresh token that is good now and of the one before, which is still in use for a
    -- moment after. Any other token of this session was good once and has been stolen.
    refresh_hash text not null,
    previous_hash text,
    rotated_at bigint not null,
    created_at bigint not null,
    expires_at bigint not null
);

create index sessions_of_user on sessions (user_id);

-- Personal access tokens for the command line and scripts.
create table access_tokens (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    name text not null,
    token_hash text not null unique,
    -- The last characters, so that their owner can tell them apart.
    hint text not null,
    created_at bigint not null,
    expires_at bigint not null,
    last_used_at bigint
);

create index access_tokens_of_user on access_tokens (user_id, created_at);

-- Failed sign-ins, counted per account and per address.
create table sign_in_failures (
    id text primary key,
    subject text not null,
    at bigint not null
);

create index sign_in_failures_of_subject on sign_in_failures (subject, at);

create table invitations (
    id text primary key,
    token_hash text not null unique,
    email text,
    created_by text not null references users (id) on delete cascade,
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint
);

-- Rows of the one local user that was there before accounts were: all of them found again by a look.
delete from models;
delete from providers;
