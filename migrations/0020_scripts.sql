-- What scripts need: tickets that open one WebSocket each, and API keys that are saved before their provider is
-- added. Every statement runs on SQLite and on PostgreSQL.

create table socket_tickets (
    -- SHA-256 of the ticket.
    ticket_hash text primary key,
    user_id text not null references users (id) on delete cascade,
    -- What the ticket was given to; the other is null. The ticket is worth nothing once that has ended.
    session_id text,
    access_token_id text,
    created_at bigint not null,
    expires_at bigint not null,
    -- Used ones are kept for a minute: they count for the rate limit.
    used_at bigint
);

create index socket_tickets_of_user on socket_tickets (user_id, created_at);
create index socket_tickets_by_age on socket_tickets (created_at);

-- API keys without a provider, sealed for their user and the provider's key. They are sent nowhere.
create table unbound_keys (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    provider_key text not null,
    sealed text not null,
    last4 text not null,
    updated_at bigint not null,
    unique (user_id, provider_key)
);

-- Whether it was added for the user at registration and has not been changed since.
alter table providers add column seeded bigint not null default 0;
