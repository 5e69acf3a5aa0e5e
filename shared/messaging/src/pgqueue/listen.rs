use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::Duration,
};

use sqlx::{
    PgPool,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{sync::Notify, task::AbortHandle, time::sleep};
use tracing::warn;

/// Announcements of all queues; the payload is the name of the queue.
pub(super) const CHANNEL: &str = "pgq_jobs";

/// Pause before listening again after the connection was lost.
const PAUSE: Duration = Duration::from_secs(1);

/// One connection that listens for all consumers of a [`PgQueue`](super::PgQueue), from the first one on.
///
/// It has a pool of its own: closing the caller's pool would otherwise wait for the listener for ever.
#[derive(Debug)]
pub(super) struct Listener {
    pool: PgPool,
    wakes: Arc<Wakes>,
    task: OnceLock<AbortHandle>,
}

/// Whom to wake, by queue.
#[derive(Debug, Default)]
struct Wakes(Mutex<BTreeMap<String, Vec<Weak<Notify>>>>);

impl Listener {
    /// Listens on the database of a pool, without using its connections.
    pub(super) fn new(pool: &PgPool) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(pool.connect_options().as_ref().clone());
        Self {
            pool,
            wakes: Arc::default(),
            task: OnceLock::new(),
        }
    }

    /// Notified when the queue may have changed, for as long as the caller keeps it.
    pub(super) fn subscribe(&self, queue: &str) -> Arc<Notify> {
        let wake = Arc::new(Notify::new());
        self.wakes.add(queue, &wake);
        self.task.get_or_init(|| {
            let (pool, wakes) = (self.pool.clone(), Arc::clone(&self.wakes));
            tokio::spawn(async move { listen_for_ever(&pool, &wakes).await }).abort_handle()
        });
        wake
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Wakes {
    fn add(&self, queue: &str, wake: &Arc<Notify>) {
        let mut by_queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wakes = by_queue.entry(queue.to_owned()).or_default();
        wakes.retain(|wake| wake.strong_count() > 0);
        wakes.push(Arc::downgrade(wake));
    }

    fn wake(&self, queue: &str) {
        let by_queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notify(by_queue.get(queue).into_iter().flatten());
    }

    /// After a gap in which announcements may have been missed.
    fn wake_all(&self) {
        let by_queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notify(by_queue.values().flatten());
    }
}

fn notify<'a>(wakes: impl Iterator<Item = &'a Weak<Notify>>) {
    for wake in wakes.filter_map(Weak::upgrade) {
        wake.notify_one();
    }
}

async fn listen_for_ever(pool: &PgPool, wakes: &Wakes) {
    loop {
        if let Err(error) = listen(pool, wakes).await {
            warn!(
                error = &error as &dyn std::error::Error,
                "cannot listen for messages, only polling for now"
            );
        }
        sleep(PAUSE).await;
    }
}

async fn listen(pool: &PgPool, wakes: &Wakes) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    wakes.wake_all();
    loop {
        match listener.try_recv().await? {
            Some(announcement) => wakes.wake(announcement.payload()),
            // the connection was lost and is there again
            None => wakes.wake_all(),
        }
    }
}
