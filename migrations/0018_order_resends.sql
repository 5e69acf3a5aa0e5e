-- How often the order of a task was sent again because nobody took it: each time it is waited twice as long.
ALTER TABLE geocube.tasks ADD COLUMN resends integer NOT NULL DEFAULT 0;
