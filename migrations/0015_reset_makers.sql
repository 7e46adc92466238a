-- Who made a password reset link for somebody else. When that admin is demoted or deleted, the link is deleted too.
-- Every statement runs on SQLite and on PostgreSQL.

-- Null where the user requested the link, or the server's operator made it.
alter table password_resets add column created_by text;
