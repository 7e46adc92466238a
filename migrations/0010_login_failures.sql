-- Each counted failure deletes those that are too old, whosever they are.
create index sign_in_failures_by_age on sign_in_failures (at);
