-- What each user has set up: providers, models, keys, prompt templates. Every statement runs on SQLite
-- and on PostgreSQL: text UUIDv7 ids, bigint Unix milliseconds, booleans as bigint 0 or 1, JSON as text.

-- Emptied by the migration before this one, so they can be made anew.
drop table models;
drop table providers;

create table providers (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    key text not null,
    display_name text not null,
    kind text not null,
    protocol text not null,
    -- Of the built-in demo: `demo:`, for its port is another at each start.
    base_url text not null,
    headers text not null,
    -- What may stand in front of its models' ids in a request, with a slash between.
    model_prefix text,
    -- The environment variable of its kind that holds its key where an admin shares it.
    key_env text,
    direct_local bigint not null default 0,
    enabled bigint not null default 1,
    position bigint not null,
    -- The key under which every other user finds it; null: its owner's alone.
    shared_as text unique,
    -- When its models were last asked for, and why they could not be had.
    checked_at bigint,
    problem text,
    created_at bigint not null,
    updated_at bigint not null,
    unique (user_id, key)
);

create table models (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    provider_id text not null references providers (id) on delete cascade,
    model_id text not null,
    position bigint not null,
    enabled bigint not null default 1,
    -- Whether the provider's last list had it.
    offered bigint not null default 1,
    -- The model as its provider lists it; a new list replaces it.
    listed text not null,
    -- What its owner says about it; wins over `listed` and is changed by its owner alone.
    settings text not null,
    created_at bigint not null,
    updated_at bigint not null,
    unique (provider_id, model_id)
);

create index models_of_user on models (user_id, provider_id, position);

-- API keys, sealed for their user, provider and origin.
create table provider_keys (
    provider_id text primary key references providers (id) on delete cascade,
    user_id text not null references users (id) on delete cascade,
    sealed text not null,
    last4 text not null,
    -- Scheme, host and port that it was saved for; it is sent nowhere else.
    origin text not null,
    updated_at bigint not null,
    unique (user_id, provider_id)
);

create table prompt_templates (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    key text not null,
    category text not null,
    label text not null,
    prompt text not null,
    created_at bigint not null,
    updated_at bigint not null,
    unique (user_id, key)
);
