//! One event of Lambda, from what it holds to its answer.

use crate::unwrap::unwrapped;
use anyhow::{Context, bail};
use app::job::PushAnswer;
use app::worker::Worker;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse};
use lambda_http::lambda_runtime::{Context as Invocation, LambdaEvent};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Service};
use rpc::http::{Access, orders_router};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// An order stops this long before the end of its invocation, so that its result is published.
const RESERVE: Duration = Duration::from_secs(30);

/// The consolidater behind Lambda. Cheap to clone; all clones share the same parts.
#[derive(Clone, Debug)]
pub struct Function {
    worker: Worker,
    access: Access,
}

impl Function {
    /// Orders over HTTP need what `access` asks for; all others come from queues that the operator chose.
    pub fn new(worker: Worker, access: Access) -> Self {
        Self { worker, access }
    }

    /// Answers an event: of SQS by the messages that are to come again, of HTTP by a response. Any other one, be it of
    /// SNS, of `EventBridge` or an order itself, is answered by nothing when it is done with.
    ///
    /// # Errors
    /// When the event is to come again as a whole, or is none that this function knows.
    pub async fn answer(&self, event: LambdaEvent<Value>) -> anyhow::Result<Value> {
        let LambdaEvent { payload, context } = event;
        if let Some(records) = payload.get("Records").and_then(Value::as_array) {
            return self.batch(records, &context).await;
        }
        let worker = self.worker.within(time_left(&context, SystemTime::now()));
        if payload.get("requestContext").is_some() {
            return self.respond(&worker, payload, context).await;
        }
        match receive(&worker, &payload.to_string()).await {
            None => Ok(Value::Null),
            Some(reason) => bail!(reason),
        }
    }

    /// The same port as that of the other consolidater.
    async fn respond(
        &self,
        worker: &Worker,
        payload: Value,
        context: Invocation,
    ) -> anyhow::Result<Value> {
        let request: LambdaRequest = serde_json::from_str(&payload.to_string())
            .context("expected an event of API Gateway, a load balancer or a function URL")?;
        let router = orders_router(worker, &self.access);
        let response = Adapter::from(router)
            .call(LambdaEvent::new(request, context))
            .await?;
        Ok(serde_json::to_value(response)?)
    }

    /// Carries out the orders of a batch one after the other, as long as each has half of the time at least.
    async fn batch(&self, records: &[Value], context: &Invocation) -> anyhow::Result<Value> {
        let all = time_left(context, SystemTime::now());
        let mut again = SqsBatchResponse::default();
        for record in records {
            let sns = record.pointer("/Sns/Message").and_then(Value::as_str);
            let Some(text) = sns.or_else(|| record.get("body")?.as_str()) else {
                bail!("expected records of SQS or SNS");
            };
            let left = time_left(context, SystemTime::now());
            let reason = if left.is_zero() || left < all / 2 {
                Some("too little time is left".to_owned())
            } else {
                receive(&self.worker.within(left), text).await
            };
            let Some(reason) = reason else { continue };
            // SNS knows no parts of a batch: it holds one message
            let Some(id) = record.get("messageId").and_then(Value::as_str) else {
                bail!(reason);
            };
            let tries = record.pointer("/attributes/ApproximateReceiveCount");
            let tries = tries.and_then(Value::as_str).unwrap_or_default();
            tracing::info!(message.id = id, tries, reason, "message is to come again");
            let mut failure = BatchItemFailure::default();
            id.clone_into(&mut failure.item_identifier);
            again.batch_item_failures.push(failure);
        }
        Ok(serde_json::to_value(again)?)
    }
}

/// Why a message is to come again; nothing when it is done with. What is no order is put aside by the worker, as these
/// queues do not do so by themselves at once.
async fn receive(worker: &Worker, text: &str) -> Option<String> {
    match worker.receive(unwrapped(text).as_bytes(), None).await {
        PushAnswer::Done => None,
        PushAnswer::Retry { reason, .. }
        | PushAnswer::Refused(reason)
        | PushAnswer::Failed(reason) => Some(reason),
    }
}

/// Time for an order of an invocation.
fn time_left(context: &Invocation, now: SystemTime) -> Duration {
    let left = context.deadline().duration_since(now).unwrap_or_default();
    left.saturating_sub(RESERVE)
}

#[cfg(test)]
mod tests {
    use super::{Invocation, time_left};
    use std::time::{Duration, SystemTime};

    #[test]
    fn an_order_ends_half_a_minute_before_its_invocation() {
        let mut context = Invocation::default();
        context.deadline = 900_000;
        for (second, left) in [(0, 870), (800, 70), (880, 0), (950, 0)] {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
            assert_eq!(time_left(&context, now), Duration::from_secs(left));
        }
    }
}
