//! Which queue carries events and orders.

use clap::Args;
use secrecy::SecretString;

use super::database::postgres_url;
use crate::ConfigError;

/// Name of the queue or topic of events when no flag says otherwise.
pub const DEFAULT_EVENTS_QUEUE: &str = "events";
/// Name of the embedded queue of orders when no flag says otherwise.
pub const DEFAULT_CONSOLIDATIONS_QUEUE: &str = "consolidations";

/// Flags of messaging. The project of Pub/Sub has another name in each binary and is given to [`choose`](Self::choose).
#[derive(Debug, Clone, Default, Args)]
#[group(skip)]
#[command(rename_all = "camelCase")]
pub struct MessagingFlags {
    /// Database of the embedded queue, as a URL [default: the main database]
    #[arg(long, value_name = "URL")]
    pub pgq_connection: Option<SecretString>,
    /// Topic or queue of job and task events [default: events]
    #[arg(long, alias = "psEventsTopic", value_name = "NAME")]
    pub events_queue: Option<String>,
    /// Topic, subscription or queue of consolidation orders [default: consolidations on the embedded queue]
    #[arg(long, aliases = ["psConsolidationsTopic", "psConsolidationsSubscription"], value_name = "NAME")]
    pub consolidations_queue: Option<String>,
}

/// The messaging that the flags choose.
#[derive(Debug, Clone)]
pub enum Messaging {
    /// The queue in Postgres.
    Embedded {
        /// Its database, `None` for the main one.
        url: Option<SecretString>,
        /// Queue of events.
        events: String,
        /// Queue of orders.
        consolidations: String,
    },
    /// Google Pub/Sub.
    PubSub {
        /// Project of the topics.
        project: String,
        /// Topic of events.
        events: String,
        /// Topic (of the publisher) or subscription (of a puller) of orders.
        consolidations: Option<String>,
    },
}

impl MessagingFlags {
    /// The embedded queue in the database of `pgqConnection`; else Pub/Sub when a queue is named together with `project`;
    /// else the embedded queue in the main database.
    ///
    /// # Errors
    /// When `pgqConnection` is no URL of Postgres.
    pub fn choose(&self, project: Option<&str>) -> Result<Messaging, ConfigError> {
        let events = self
            .events_queue
            .clone()
            .unwrap_or_else(|| DEFAULT_EVENTS_QUEUE.to_owned());
        let names_a_queue = self.events_queue.is_some() || self.consolidations_queue.is_some();
        match (&self.pgq_connection, project) {
            (None, Some(project)) if names_a_queue => Ok(Messaging::PubSub {
                project: project.to_owned(),
                events,
                consolidations: self.consolidations_queue.clone(),
            }),
            (url, _) => Ok(Messaging::Embedded {
                url: url
                    .as_ref()
                    .map(|url| postgres_url("--pgqConnection", url))
                    .transpose()?,
                events,
                consolidations: self
                    .consolidations_queue
                    .clone()
                    .unwrap_or_else(|| DEFAULT_CONSOLIDATIONS_QUEUE.to_owned()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(flags: &MessagingFlags, project: Option<&str>) -> String {
        match flags.choose(project).unwrap() {
            Messaging::Embedded {
                url,
                events,
                consolidations,
            } => {
                format!(
                    "embedded {} {events} {consolidations}",
                    if url.is_some() { "own" } else { "main" }
                )
            }
            Messaging::PubSub {
                project,
                events,
                consolidations,
            } => {
                format!(
                    "pubsub {project} {events} {}",
                    consolidations.as_deref().unwrap_or("-")
                )
            }
        }
    }

    #[test]
    fn pubsub_needs_a_project_and_a_queue() {
        let flags =
            |pgq: Option<&str>, events: Option<&str>, orders: Option<&str>| MessagingFlags {
                pgq_connection: pgq.map(SecretString::from),
                events_queue: events.map(str::to_owned),
                consolidations_queue: orders.map(str::to_owned),
            };
        let url = Some("postgres://h/n");
        for (flags, project, expected) in [
            (
                flags(None, None, None),
                None,
                "embedded main events consolidations",
            ),
            (
                flags(None, None, None),
                Some("p"),
                "embedded main events consolidations",
            ),
            (flags(None, Some("e"), Some("c")), None, "embedded main e c"),
            (flags(None, Some("e"), None), Some("p"), "pubsub p e -"),
            (flags(None, None, Some("c")), Some("p"), "pubsub p events c"),
            (
                flags(url, Some("e"), Some("c")),
                Some("p"),
                "embedded own e c",
            ),
        ] {
            assert_eq!(describe(&flags, project), expected);
        }
    }

    #[test]
    fn the_embedded_queue_needs_a_postgres_url() {
        let flags = MessagingFlags {
            pgq_connection: Some("redis://h".into()),
            ..MessagingFlags::default()
        };
        assert!(
            flags
                .choose(None)
                .unwrap_err()
                .to_string()
                .contains("--pgqConnection")
        );
    }
}
