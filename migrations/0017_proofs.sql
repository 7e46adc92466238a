-- When a session's user and a user's email address were proven. Every statement runs on SQLite and on PostgreSQL.

-- Unix milliseconds of the sign-in, or of the latest entry of the password since. What outlives a session needs a
-- recent one. Sessions from before have none.
alter table sessions add column proven_at bigint not null default 0;

-- Unix milliseconds. Null if the user has only claimed to own the address.
alter table users add column email_proven_at bigint;

-- The identity provider had verified the address before it created an account without a password.
update users set email_proven_at = created_at
where password_hash = '' and deleted_at is null and id in (select user_id from identities);
