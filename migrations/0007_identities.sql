-- Accounts at an OpenID Connect provider, such as Google, that sign a user in here. Every statement
-- runs on SQLite and on PostgreSQL.

create table identities (
    issuer text not null,
    subject text not null,
    user_id text not null references users (id) on delete cascade,
    created_at bigint not null,
    primary key (issuer, subject)
);

create index identities_of_user on identities (user_id);
