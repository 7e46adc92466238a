-- What each user can measure. Every statement runs on SQLite and on PostgreSQL: text UUIDv7 ids,
-- bigint Unix milliseconds, JSON as text.

create table providers (
    id text primary key,
    user_id text not null,
    key text not null,
    display_name text not null,
    kind text not null,
    protocol text not null,
    base_url text not null,
    headers text not null,
    -- When its models were last asked for, and why they could not be had.
    checked_at bigint,
    problem text,
    created_at bigint not null,
    unique (user_id, key)
);

create table models (
    id text primary key,
    user_id text not null,
    provider_id text not null references providers (id) on delete cascade,
    model_id text not null,
    -- Place in the provider's own list.
    position bigint not null,
    -- The whole model as JSON.
    model text not null,
    created_at bigint not null,
    unique (provider_id, model_id)
);

create index models_of_user on models (user_id, provider_id, position);
