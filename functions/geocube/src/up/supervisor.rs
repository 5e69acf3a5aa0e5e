//! Keeps a program running until it is told to stop.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use runtime::shutdown::CancellationToken;
use tokio::task::JoinHandle;

use super::service::{Running, Service};
use crate::screen;

/// Waits between a death and the next start.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// After this time the next death counts as the first one.
const SETTLED: Duration = Duration::from_secs(30);

/// A program under supervision.
pub struct Supervised {
    /// Cancelled once the program was seen at work: from then on it is started again when it dies.
    ready: CancellationToken,
    stop: CancellationToken,
    /// Gives how the program died before it was ready.
    task: Option<JoinHandle<Option<String>>>,
}

impl Supervised {
    /// Starts the program. Until it is [`ready`](Self::until) its death is final.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(service: Service) -> anyhow::Result<Self> {
        let running = service.start()?;
        let (ready, stop) = (CancellationToken::new(), CancellationToken::new());
        let task = keep(Arc::new(service), running, ready.clone(), stop.clone());
        Ok(Self {
            ready,
            stop,
            task: Some(tokio::spawn(task)),
        })
    }

    /// Waits until `ready` succeeds, while the program lives; it is started again at every death that follows.
    ///
    /// # Errors
    /// When the program dies first, with its last lines; the error of `ready`.
    pub async fn until<T>(
        &mut self,
        ready: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let Some(task) = self.task.as_mut() else {
            return ready.await;
        };
        let found = tokio::select! {
            found = ready => found?,
            death = task => {
                self.task = None;
                let death = death.ok().flatten();
                return Err(anyhow!(death.unwrap_or_else(|| "stopped while starting".to_owned())));
            }
        };
        self.ready.cancel();
        Ok(found)
    }

    /// Stops the program and waits for its end.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Some(task) = self.task {
            // it is never aborted, and what it has to say was said
            let _ = task.await;
        }
    }
}

async fn keep(
    service: Arc<Service>,
    running: Running,
    ready: CancellationToken,
    stop: CancellationToken,
) -> Option<String> {
    let mut running = Some(running);
    let mut wait = FIRST_WAIT;
    let mut started = Instant::now();
    loop {
        if let Some(mut alive) = running.take() {
            let status = tokio::select! {
                status = alive.child.wait() => status,
                () = stop.cancelled() => {
                    service.stop(alive).await;
                    return None;
                }
            };
            let end = obituary(&service, &alive, status);
            if !ready.is_cancelled() {
                return Some(end);
            }
            screen::note(&format!("{end}\n{} is started again", service.name));
            if started.elapsed() > SETTLED {
                wait = FIRST_WAIT;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return None,
        }
        wait = (wait * 2).min(LONGEST_WAIT);
        started = Instant::now();
        // clearing the remains of the last run may take a while
        let next = Arc::clone(&service);
        match tokio::task::spawn_blocking(move || next.start()).await {
            Ok(Ok(next)) => running = Some(next),
            Ok(Err(error)) => screen::note(&format!("{error:#}")),
            Err(panicked) => screen::note(&format!("{} was not started: {panicked}", service.name)),
        }
    }
}

/// How a program ended, with its last lines.
fn obituary(service: &Service, running: &Running, status: std::io::Result<ExitStatus>) -> String {
    let status = match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    let words = service.last_words(running);
    let words = if words.is_empty() {
        "it wrote nothing".to_owned()
    } else {
        format!("its last lines, of {}:\n{words}", service.log.display())
    };
    format!("{} died ({status}); {words}", service.name)
}
