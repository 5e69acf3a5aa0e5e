-- The embedded queue: more messages than an integer counts, and deliveries that are no tries.

-- rewrites the table, under a lock: it holds what is under way and what was put aside
ALTER TABLE pgq_jobs ALTER COLUMN id TYPE bigint;
DO $$
DECLARE numbers text := pg_get_serial_sequence('pgq_jobs', 'id');
BEGIN
    IF numbers IS NOT NULL THEN
        EXECUTE format('ALTER SEQUENCE %s AS bigint', numbers);
    END IF;
END
$$;

ALTER TABLE pgq_jobs
    -- deliveries that were answered by "later, at this time": they are no tries, but do not go on for ever
    ADD COLUMN postponed integer NOT NULL DEFAULT 0,
    -- when the message was first delivered
    ADD COLUMN first_taken_at timestamptz;
