//! What brings the jobs to the places that they pass by chance only, or never, as long as all goes well: faults of the
//! database, which happens to be the one part that each program asks.

/// What happens, and to what.
pub struct Trouble {
    /// Name of a place, or what the names of several begin with.
    places: &'static str,
    /// Table, and what is done to it.
    table: &'static str,
    operation: &'static str,
    /// Which rows are concerned.
    when: &'static str,
    /// The statement that does it.
    statement: &'static str,
    /// Whether it happens to the first of these rows only.
    once: bool,
    /// The user who cancels a job does so when its orders are sent, not at any moment.
    pub cancel_sent: bool,
    /// Messages of this queue are a day old, so that they are given up when a delivery fails.
    pub stale: Option<&'static str>,
}

/// As when the server restarts: another try helps.
const PASSING: &str = "RAISE EXCEPTION 'a passing fault' USING ERRCODE = '57P01'";
/// No other try helps.
const LASTING: &str = "RAISE EXCEPTION 'a lasting fault' USING ERRCODE = '22000'";

const QUIET: Trouble = Trouble {
    places: "",
    table: "",
    operation: "",
    when: "",
    statement: "",
    once: true,
    cancel_sent: false,
    stale: None,
};

const TROUBLES: [Trouble; 9] = [
    // a job stores its tasks in vain
    Trouble {
        places: "action.failure.",
        table: "geocube.tasks",
        operation: "INSERT",
        when: "true",
        statement: LASTING,
        ..QUIET
    },
    Trouble {
        places: "action.return.",
        table: "geocube.tasks",
        operation: "INSERT",
        when: "true",
        statement: PASSING,
        ..QUIET
    },
    // a planning takes longer than the pause between two beats of its lease
    Trouble {
        places: "action.lease.",
        table: "geocube.job_logs",
        operation: "INSERT",
        when: "NEW.severity::text = 'DEBUG' AND EXISTS (
            SELECT FROM geocube.jobs WHERE id = NEW.job_id AND state = 'CREATED' AND name = 'first')",
        statement: "PERFORM pg_sleep(9)",
        ..QUIET
    },
    // a worker cannot test its lease when its file is uploaded
    Trouble {
        places: "order.discard.",
        ..UPLOADED
    },
    Trouble {
        places: "order.release.",
        ..UPLOADED
    },
    // no worker gets the orders of the job that is cancelled
    Trouble {
        places: "marker.",
        ..REFUSED
    },
    Trouble {
        places: "rollback.",
        ..REFUSED
    },
    Trouble {
        places: "command.",
        ..REFUSED
    },
    // the queue gives up an order that a worker could not take
    Trouble {
        places: "surrender.",
        table: "geocube.task_leases",
        operation: "INSERT",
        when: "true",
        statement: PASSING,
        stale: Some("consolidations"),
        ..QUIET
    },
];

const UPLOADED: Trouble = Trouble {
    table: "geocube.task_leases",
    operation: "UPDATE",
    when: "NEW.status = 'RUNNING' AND EXISTS (SELECT FROM geocube.noted_files WHERE run_id = NEW.run_id)",
    statement: PASSING,
    ..QUIET
};

const REFUSED: Trouble = Trouble {
    table: "geocube.task_leases",
    operation: "INSERT",
    when: "EXISTS (SELECT FROM geocube.jobs WHERE id = NEW.job_id AND name = 'cancelled')",
    statement: PASSING,
    once: false,
    cancel_sent: true,
    ..QUIET
};

impl Trouble {
    /// What leads to a place; nothing where all jobs pass it anyway.
    pub fn at(place: &str) -> Option<&'static Self> {
        TROUBLES
            .iter()
            .find(|trouble| place.starts_with(trouble.places))
    }

    /// Scripts that make it happen.
    pub fn scripts(&self) -> Vec<String> {
        let Self {
            table,
            operation,
            when,
            statement,
            ..
        } = self;
        let due = if self.once {
            "nextval('public.trouble') = 1"
        } else {
            "true"
        };
        let mut scripts = vec![format!(
            "CREATE SEQUENCE public.trouble;
             CREATE FUNCTION public.trouble() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 IF {when} THEN
                     IF {due} THEN {statement}; END IF;
                 END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER trouble BEFORE {operation} ON {table} FOR EACH ROW EXECUTE FUNCTION public.trouble();"
        )];
        if let Some(queue) = self.stale {
            scripts.push(format!(
                "CREATE FUNCTION public.stale() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN
                     IF NEW.queue_name = '{queue}' THEN NEW.first_taken_at := now() - interval '2 days'; END IF;
                     RETURN NEW;
                 END $$;
                 CREATE TRIGGER stale BEFORE INSERT ON public.pgq_jobs FOR EACH ROW EXECUTE FUNCTION public.stale();"
            ));
        }
        scripts
    }

    /// Script that removes what is left of it, and is no fault.
    pub fn aftermath(&self) -> Option<String> {
        let queue = self.stale?;
        Some(format!(
            "DELETE FROM public.pgq_jobs WHERE queue_name = '{queue}' AND failed_at IS NOT NULL"
        ))
    }
}
