//! Creation of the topics and subscriptions that the services use.

use std::time::Duration;

use google_cloud_gax::error::rpc::Code;
use google_cloud_pubsub::{
    client::{SubscriptionAdmin, TopicAdmin},
    model::{DeadLetterPolicy, PushConfig, RetryPolicy, Subscription},
};
use google_cloud_wkt::FieldMask;

use super::{
    Connection,
    errors::{failed, has_code, rpc_error},
};
use crate::Result;

/// Redeliveries come after 10 s at first and 10 min at last.
const BACK_OFF: [Duration; 2] = [Duration::from_secs(10), Duration::from_mins(10)];
/// Deliveries before a message goes to its `-failed` topic: the most that Pub/Sub allows, as Busy answers count.
const MAX_DELIVERIES: i32 = 100;

/// What to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupOptions {
    /// Project of topics and subscriptions.
    pub project: String,
    /// URL of the API server, such as `http://127.0.0.1:8080`; `/push` and `/push/dead-letter` are appended.
    pub server: String,
    /// URL of the consolidater, to which orders are then pushed; without it they wait to be pulled.
    pub consolidater: Option<String>,
    /// Topic and subscription of job and task events.
    pub events: String,
    /// Topic and subscription of orders.
    pub consolidations: String,
    /// Account whose identity push requests carry, where the endpoints verify it.
    pub push_service_account: Option<String>,
    /// Audience of that identity; the endpoint if absent.
    pub push_audience: Option<String>,
}

impl SetupOptions {
    /// The usual names, orders being pulled.
    pub fn new(project: impl Into<String>, server: impl Into<String>) -> Self {
        Self {
            project: project.into(),
            server: server.into(),
            consolidater: None,
            events: "events".into(),
            consolidations: "consolidations".into(),
            push_service_account: None,
            push_audience: None,
        }
    }
}

/// Creates what is missing and changes what differs; everything else of the project is left alone.
///
/// `progress` receives one line per step. It may be run again at any time, with other options too.
pub async fn setup(
    connection: &Connection,
    options: &SetupOptions,
    mut progress: impl FnMut(&str),
) -> Result<()> {
    let admin = Admin::connect(connection, &options.project).await?;
    let names = [&options.events, &options.consolidations];
    for name in names {
        for topic in [name.clone(), failed_name(name)] {
            let step = admin.topic(&topic).await?;
            progress(&format!("topic {topic}: {step}"));
        }
    }
    for (name, wanted) in subscriptions(options) {
        let step = admin.subscription(&name, wanted).await?;
        progress(&format!("subscription {name}: {step}"));
    }
    progress("Done!");
    Ok(())
}

/// The dead-letter topic, and its subscription, of a topic.
fn failed_name(topic: &str) -> String {
    format!("{topic}-failed")
}

fn subscriptions(options: &SetupOptions) -> Vec<(String, Subscription)> {
    let server = options.server.trim_end_matches('/');
    let push = format!("{server}/push");
    let dead_letter = format!("{server}/push/dead-letter");
    let work = options
        .consolidater
        .as_ref()
        .map(|url| format!("{}/push", url.trim_end_matches('/')));
    let work_deadline = if work.is_some() { 600 } else { 10 };
    let (events, consolidations) = (&options.events, &options.consolidations);
    vec![
        (events.clone(), options.guarded(events, Some(push), 60)),
        (
            failed_name(events),
            options.plain(&failed_name(events), Some(dead_letter.clone()), 60),
        ),
        (
            consolidations.clone(),
            options.guarded(consolidations, work, work_deadline),
        ),
        (
            failed_name(consolidations),
            options.plain(&failed_name(consolidations), Some(dead_letter), 60),
        ),
    ]
}

impl SetupOptions {
    /// A subscription that gives up on a message after some deliveries.
    fn guarded(&self, topic: &str, endpoint: Option<String>, ack_deadline: i32) -> Subscription {
        let failed = format!("projects/{}/topics/{}", self.project, failed_name(topic));
        let policy = DeadLetterPolicy::new()
            .set_dead_letter_topic(failed)
            .set_max_delivery_attempts(MAX_DELIVERIES);
        self.plain(topic, endpoint, ack_deadline)
            .set_dead_letter_policy(policy)
    }

    fn plain(&self, topic: &str, endpoint: Option<String>, ack_deadline: i32) -> Subscription {
        let [first, last] =
            BACK_OFF.map(|wait| google_cloud_wkt::Duration::clamp(wait.as_secs().cast_signed(), 0));
        let subscription = Subscription::new()
            .set_name(format!("projects/{}/subscriptions/{topic}", self.project))
            .set_topic(format!("projects/{}/topics/{topic}", self.project))
            .set_ack_deadline_seconds(ack_deadline)
            .set_retry_policy(
                RetryPolicy::new()
                    .set_minimum_backoff(first)
                    .set_maximum_backoff(last),
            );
        match endpoint {
            Some(endpoint) => subscription.set_push_config(self.push_config(endpoint)),
            None => subscription,
        }
    }

    fn push_config(&self, endpoint: String) -> PushConfig {
        use google_cloud_pubsub::model::push_config::OidcToken;
        let config = PushConfig::new().set_push_endpoint(endpoint);
        match &self.push_service_account {
            None => config,
            Some(account) => config.set_oidc_token(
                OidcToken::new()
                    .set_service_account_email(account)
                    .set_audience(self.push_audience.clone().unwrap_or_default()),
            ),
        }
    }
}

struct Admin {
    project: String,
    topics: TopicAdmin,
    subscriptions: SubscriptionAdmin,
}

impl Admin {
    async fn connect(connection: &Connection, project: &str) -> Result<Self> {
        let (mut topics, mut subscriptions) = (TopicAdmin::builder(), SubscriptionAdmin::builder());
        if let Some((endpoint, credentials)) = connection.overrides() {
            topics = topics
                .with_endpoint(endpoint.clone())
                .with_credentials(credentials.clone());
            subscriptions = subscriptions
                .with_endpoint(endpoint)
                .with_credentials(credentials);
        }
        let refused = |source| failed("connect to Pub/Sub".into(), source);
        Ok(Self {
            project: project.to_owned(),
            topics: topics.build().await.map_err(refused)?,
            subscriptions: subscriptions.build().await.map_err(refused)?,
        })
    }

    async fn topic(&self, name: &str) -> Result<&'static str> {
        let path = format!("projects/{}/topics/{name}", self.project);
        match self.topics.create_topic().set_name(path).send().await {
            Ok(_) => Ok("created"),
            Err(error) if has_code(&error, Code::AlreadyExists) => Ok("exists"),
            Err(error) => Err(rpc_error(format!("create the topic {name:?}"), error)),
        }
    }

    async fn subscription(&self, name: &str, wanted: Subscription) -> Result<&'static str> {
        match self
            .subscriptions
            .create_subscription()
            .with_request(wanted.clone())
            .send()
            .await
        {
            Ok(_) => Ok("created"),
            Err(error) if has_code(&error, Code::AlreadyExists) => self.adjust(name, wanted).await,
            Err(error) => Err(rpc_error(
                format!("create the subscription {name:?}"),
                error,
            )),
        }
    }

    /// Makes an existing subscription what it should be. Its topic cannot be changed.
    async fn adjust(&self, name: &str, wanted: Subscription) -> Result<&'static str> {
        let operation = || format!("change the subscription {name:?}");
        let request = self
            .subscriptions
            .get_subscription()
            .set_subscription(&wanted.name);
        let present = request
            .send()
            .await
            .map_err(|error| rpc_error(operation(), error))?;
        if present.topic != wanted.topic {
            let reason = format!(
                "it belongs to {}, expected {}: delete it first",
                present.topic, wanted.topic
            );
            return Err(failed(operation(), reason));
        }
        let mut step = "exists";
        if push_of(&present) != push_of(&wanted) {
            // an empty configuration means pull
            let config = wanted.push_config.clone().unwrap_or_default();
            let request = self
                .subscriptions
                .modify_push_config()
                .set_subscription(&wanted.name);
            request
                .set_push_config(config)
                .send()
                .await
                .map_err(|error| rpc_error(operation(), error))?;
            step = "changed";
        }
        let differing = differing_fields(&present, &wanted);
        if !differing.is_empty() {
            let request = self
                .subscriptions
                .update_subscription()
                .set_subscription(wanted);
            let request = request.set_update_mask(FieldMask::default().set_paths(differing));
            request
                .send()
                .await
                .map_err(|error| rpc_error(operation(), error))?;
            step = "changed";
        }
        Ok(step)
    }
}

/// Where a subscription pushes to and with which identity, its account and its audience; nothing for pull.
fn push_of(subscription: &Subscription) -> Option<(&str, Option<(&str, &str)>)> {
    let config = subscription
        .push_config
        .as_ref()
        .filter(|config| !config.push_endpoint.is_empty())?;
    let identity = config.oidc_token().map(|token| {
        (
            token.service_account_email.as_str(),
            token.audience.as_str(),
        )
    });
    Some((&config.push_endpoint, identity))
}

fn differing_fields(present: &Subscription, wanted: &Subscription) -> Vec<&'static str> {
    let differs = [
        (
            "ack_deadline_seconds",
            present.ack_deadline_seconds != wanted.ack_deadline_seconds,
        ),
        ("retry_policy", present.retry_policy != wanted.retry_policy),
        (
            "dead_letter_policy",
            present.dead_letter_policy != wanted.dead_letter_policy,
        ),
    ];
    differs
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(options: &SetupOptions) -> Vec<(String, Option<String>, i32, bool)> {
        let row = |(name, subscription): (String, Subscription)| {
            let endpoint = subscription.push_config.map(|config| config.push_endpoint);
            (
                name,
                endpoint,
                subscription.ack_deadline_seconds,
                subscription.dead_letter_policy.is_some(),
            )
        };
        subscriptions(options).into_iter().map(row).collect()
    }

    #[test]
    fn another_endpoint_account_or_audience_is_a_change() {
        let options = |account: Option<&str>, audience: Option<&str>| {
            let mut options = SetupOptions::new("p", "http://s");
            options.push_service_account = account.map(str::to_owned);
            options.push_audience = audience.map(str::to_owned);
            subscriptions(&options).remove(0).1
        };
        let all = [
            options(None, None),
            options(Some("a@p"), None),
            options(Some("b@p"), None),
            options(Some("a@p"), Some("x")),
        ];
        for (i, one) in all.iter().enumerate() {
            for (j, other) in all.iter().enumerate() {
                assert_eq!(push_of(one) == push_of(other), i == j, "{i} {j}");
            }
        }
    }

    #[test]
    fn orders_are_pushed_to_a_consolidater_or_wait_to_be_pulled() {
        let push = Some("http://s/push".to_owned());
        let dead = Some("http://s/push/dead-letter".to_owned());
        let mut options = SetupOptions::new("p", "http://s/");
        let pulled = [
            ("events".to_owned(), push.clone(), 60, true),
            ("events-failed".to_owned(), dead.clone(), 60, false),
            ("consolidations".to_owned(), None, 10, true),
            ("consolidations-failed".to_owned(), dead.clone(), 60, false),
        ];
        assert_eq!(endpoints(&options), pulled);
        options.consolidater = Some("http://c".into());
        assert_eq!(
            endpoints(&options)[2],
            (
                "consolidations".to_owned(),
                Some("http://c/push".into()),
                600,
                true
            )
        );
    }
}
