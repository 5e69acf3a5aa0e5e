//! One event as one line of JSON.

use std::fmt;

use chrono::Local;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

/// Names of fields that readers of the logs know by another name.
const RENAMED: [(&str, &str); 3] = [
    ("job.id", "jobID"),
    ("task.id", "taskID"),
    ("trace", "logging.googleapis.com/trace"),
];

const RESERVED: [&str; 3] = ["severity", "timestamp", "message"];

/// Formats events for log collectors. The fields of spans must be kept as JSON.
pub(super) struct JsonLine {
    pub timestamps: bool,
}

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            let extensions = span.extensions();
            let kept = extensions
                .get::<FormattedFields<N>>()
                .map(|kept| serde_json::from_str(&kept.fields));
            if let Some(Ok(Value::Object(kept))) = kept {
                for (name, value) in kept {
                    fields.set(&name, value);
                }
            }
        }
        event.record(&mut fields);

        write!(
            writer,
            r#"{{"severity":"{}""#,
            severity(*event.metadata().level())
        )?;
        if self.timestamps {
            write!(
                writer,
                r#","timestamp":"{}""#,
                Local::now().format("%Y-%m-%dT%H:%M:%S%.3f%z")
            )?;
        }
        write!(writer, r#","message":{}"#, Value::from(fields.message))?;
        for (name, value) in fields.context {
            write!(writer, ",{}:{value}", Value::from(name))?;
        }
        writeln!(writer, "}}")
    }
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG | Level::TRACE => "debug",
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    context: Map<String, Value>,
}

impl Fields {
    /// A field that would pass for one of the event's own is left out.
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        if RESERVED.contains(&name) {
            return;
        }
        let renamed = RENAMED
            .iter()
            .find(|(field, _)| *field == name)
            .map_or(name, |(_, renamed)| renamed);
        self.context.insert(renamed.to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.set(field.name(), text);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.set(field.name(), value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::format::JsonFields;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(timestamps: bool, log: impl FnOnce()) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(JsonLine { timestamps })
            .fmt_fields(JsonFields::new())
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_begins_with_severity_timestamp_and_message() {
        let line = logged(true, || tracing::info!("Geocube v0.1.0"));
        let rest = line
            .strip_prefix(r#"{"severity":"info","timestamp":""#)
            .expect("order of the fields");
        let (timestamp, rest) = rest.split_once('"').unwrap();
        assert_eq!(rest, ",\"message\":\"Geocube v0.1.0\"}\n");
        // 2021-05-24T15:10:57.621+0200
        assert_eq!(timestamp.len(), 28, "{timestamp}");
        chrono::DateTime::parse_from_str(timestamp, "%Y-%m-%dT%H:%M:%S%.3f%z").unwrap();
    }

    #[test]
    fn context_comes_from_the_spans_and_the_event() {
        let line = logged(false, || {
            let _job = tracing::info_span!("job", job.id = "j1", trace = "t", level = 1).entered();
            let _task = tracing::info_span!("task", task.id = %"k2", level = 2).entered();
            tracing::error!(error = %"no \"disk\"\nleft", retries = 3, busy = true, severity = "x", "failed");
        });
        assert_eq!(line.lines().count(), 1);
        let value: Value = serde_json::from_str(&line).unwrap();
        let expected = serde_json::json!({
            "severity": "error", "message": "failed", "jobID": "j1", "taskID": "k2", "level": 2,
            "logging.googleapis.com/trace": "t", "error": "no \"disk\"\nleft", "retries": 3, "busy": true
        });
        assert_eq!(value, expected);
    }
}
