-- Indexes for lists. Every statement runs on SQLite and on PostgreSQL.

-- The keys of a user, for the lists of providers and of users.
create index provider_keys_of_user on provider_keys (user_id);

-- Everybody's jobs of one state, newest first.
create index jobs_by_state on jobs (status, id);

-- Invitations that can still be used, and those that are removed.
create index invitations_by_expiry on invitations (expires_at);

-- The last finished jobs of a user, in the whole order of that list.
drop index jobs_by_finish;
create index jobs_by_finish on jobs (user_id, finished_at, id);
