//! The queue that carries events and orders.

use anyhow::Context;
use database::PgConnectOptions;
use geocube_apiserver::config::Config;
use messaging::pgqueue::PgQueue;
use messaging::pubsub::{Connection, PubSubPublisher};
use messaging::{Consumer, Publisher};
use runtime::ExposeSecret;
use runtime::config::Messaging;
use std::sync::Arc;

/// How messages leave, and how they come.
pub(crate) struct Queue {
    /// Sends events and orders.
    pub(crate) publisher: Arc<dyn Publisher>,
    /// Brings them; absent where a broker pushes.
    pub(crate) consumer: Option<Arc<dyn Consumer>>,
}

/// The queue that the flags choose, once it is known to answer; the embedded one lies in the
/// database of `login` unless it has one of its own.
pub(crate) async fn queue(config: &Config, login: PgConnectOptions) -> anyhow::Result<Queue> {
    match config.messaging()? {
        Messaging::PubSub { project, .. } => {
            let publisher =
                PubSubPublisher::connect(&project, &Connection::from_environment()).await?;
            Ok(Queue {
                publisher: Arc::new(publisher),
                consumer: None,
            })
        }
        Messaging::Embedded {
            url,
            events,
            consolidations: _,
        } => {
            let login = match url {
                Some(url) => reached(config, url.expose_secret()).await?,
                None => login,
            };
            let queue = PgQueue::connect_with(login, config.connections()?.queue).await?;
            let queue = Arc::new(queue);
            queue
                .backlog(&events)
                .await
                .context("looking at the embedded queue")?;
            Ok(Queue {
                publisher: queue.clone(),
                consumer: Some(queue),
            })
        }
    }
}

/// How to open a database of the queue's own, once it lets this program in.
async fn reached(config: &Config, url: &str) -> anyhow::Result<PgConnectOptions> {
    let login = database::connect_options(url)?;
    database::reach(&login, config.bounds.db_acquire_timeout)
        .await
        .context("connecting to the database of the queue (flag pgqConnection)")?;
    Ok(login)
}
