-- Links to a new password. Every statement runs on SQLite and on PostgreSQL.

create table password_resets (
    -- One at a time: a new link takes the place of the one before.
    user_id text primary key references users (id) on delete cascade,
    -- SHA-256 of the token in the link.
    token_hash text not null unique,
    created_at bigint not null,
    expires_at bigint not null
);
