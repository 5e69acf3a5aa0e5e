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

/// Connections to the embedded queue, besides the one that listens.
const CONNECTIONS: u32 = 5;

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
            let queue = match url {
                Some(url) => PgQueue::connect(url.expose_secret(), CONNECTIONS).await?,
                None => PgQueue::connect_with(login, CONNECTIONS).await?,
            };
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
