//! The queue that carries events and orders.

use anyhow::Context;
use geocube_apiserver::config::Config;
use messaging::pgqueue::PgQueue;
use messaging::pubsub::{Connection, PubSubPublisher};
use messaging::{Consumer, Publisher};
use runtime::config::Messaging;
use runtime::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::sync::Arc;
use std::time::Duration;

/// Connections to the embedded queue, besides the one that listens.
const CONNECTIONS: u32 = 5;

/// How messages leave, and how they come.
pub(crate) struct Queue {
    /// Sends events and orders.
    pub(crate) publisher: Arc<dyn Publisher>,
    /// Brings them; absent where a broker pushes.
    pub(crate) consumer: Option<Arc<dyn Consumer>>,
}

/// The queue that the flags choose, once it is known to answer.
pub(crate) async fn queue(config: &Config) -> anyhow::Result<Queue> {
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
            let url = url.map_or_else(|| config.database.connection_url(), Ok)?;
            let queue = Arc::new(embedded(&url).await?);
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

async fn embedded(url: &SecretString) -> anyhow::Result<PgQueue> {
    // the text of the error could hold the password
    let options: PgConnectOptions = url
        .expose_secret()
        .parse()
        .map_err(|_| anyhow::anyhow!("the URL of the embedded queue's database is malformed"))?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(options.application_name("geocube-queue"))
        .await
        .context("connecting to the embedded queue")?;
    Ok(PgQueue::new(pool))
}
