use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::future::join_all;
use google_cloud_pubsub::{
    client::{BasePublisher, Publisher as TopicPublisher},
    error::PublishError,
    model,
};

use super::{
    Connection,
    errors::{failed, is_temporary, unavailable},
};
use crate::{Message, Publisher, Result};

/// Longest time for a batch, the retries of the client library included.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Publishes to the topics of one project, over one connection, which clones share.
#[derive(Clone)]
pub struct PubSubPublisher {
    project: String,
    client: BasePublisher,
    topics: Arc<Mutex<HashMap<String, TopicPublisher>>>,
}

impl PubSubPublisher {
    /// Connects. The topics must exist when they are published to.
    pub async fn connect(project: &str, connection: &Connection) -> Result<Self> {
        let mut builder = BasePublisher::builder();
        if let Some((endpoint, credentials)) = connection.overrides() {
            builder = builder
                .with_endpoint(endpoint)
                .with_credentials(credentials);
        }
        let client = builder
            .build()
            .await
            .map_err(|source| failed("connect to Pub/Sub".into(), source))?;
        Ok(Self {
            project: project.to_owned(),
            client,
            topics: Arc::default(),
        })
    }

    fn topic(&self, name: &str) -> TopicPublisher {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        let create = || {
            self.client
                .publisher(format!("projects/{}/topics/{name}", self.project))
                .build()
        };
        topics.entry(name.to_owned()).or_insert_with(create).clone()
    }
}

impl fmt::Debug for PubSubPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PubSubPublisher")
            .field("project", &self.project)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Publisher for PubSubPublisher {
    /// The broker gives ids of its own: those of the messages are not kept.
    async fn publish(&self, queue: &str, messages: Vec<Message>) -> Result<()> {
        let operation = || format!("publish to the topic {queue:?}");
        let topic = self.topic(queue);
        let accepted: Vec<_> = messages
            .into_iter()
            .map(|message| {
                topic.publish(
                    model::Message::new()
                        .set_data(message.data)
                        .set_attributes(message.attributes),
                )
            })
            .collect();
        // without it a batch waits for company
        let all = async {
            topic.flush().await;
            join_all(accepted).await
        };
        let results = tokio::time::timeout(TIMEOUT, all)
            .await
            .map_err(|late| unavailable(operation(), late))?;
        // a failure that stays wins over one that passes: trying again would not help
        let mut temporary = None;
        for error in results.into_iter().filter_map(Result::err) {
            if !passes(&error) {
                return Err(failed(operation(), error));
            }
            temporary = Some(error);
        }
        temporary.map_or(Ok(()), |error| Err(unavailable(operation(), error)))
    }
}

fn passes(error: &PublishError) -> bool {
    match error {
        PublishError::Rpc(source) => is_temporary(source),
        // foreign and marked non-exhaustive: what is not known to pass does not
        _ => false,
    }
}
