//! Logs on stderr: text on a terminal, one JSON object per line elsewhere.

mod json_line;

use std::io::IsTerminal;
use std::path::Path;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::Environment;
use json_line::JsonLine;

/// Libraries that log each frame or statement below this level.
const WORDY_LIBRARIES: [&str; 10] = [
    "h2",
    "hyper",
    "hyper_util",
    "tower",
    "tonic",
    "sqlx",
    "rustls",
    "reqwest",
    "object_store",
    "google_cloud_auth",
];

/// Sets up the logs of the process; a second call changes nothing.
///
/// `LOGLEVEL` is one of debug, info, warn, error, fatal; anything else, or nothing, is debug.
///
/// A JSON line has `severity`, `timestamp` (left out on Kubernetes, which adds its own), `message`, then the fields of the
/// event and of the spans around it, where `job.id` and `task.id` are written `jobID` and `taskID`, and `trace` by the
/// name that Cloud Logging looks for.
pub fn init(environment: &Environment) {
    let filter = filter(environment.get("LOGLEVEL"));
    let registry = tracing_subscriber::registry().with(filter);
    // An error means that logs are set up already, as in tests.
    let _ = if std::io::stderr().is_terminal() {
        registry
            .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr))
            .try_init()
    } else {
        let timestamps = !Path::new("/var/run/secrets/kubernetes.io").is_dir();
        let lines = tracing_subscriber::fmt::layer()
            .event_format(JsonLine { timestamps })
            .fmt_fields(JsonFields::new())
            .with_writer(std::io::stderr);
        registry.with(lines).try_init()
    };
}

fn filter(level: Option<&str>) -> Targets {
    let level = match level.map(str::to_ascii_lowercase).as_deref() {
        Some("info") => LevelFilter::INFO,
        Some("warn") => LevelFilter::WARN,
        Some("error" | "fatal") => LevelFilter::ERROR,
        _ => LevelFilter::DEBUG,
    };
    let quiet = level.min(LevelFilter::INFO);
    let wordy = WORDY_LIBRARIES.map(|library| (library, quiet));
    Targets::new().with_default(level).with_targets(wordy)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn the_level_falls_back_to_debug() {
        for (level, debug, info, error) in [
            (None, true, true, true),
            (Some("nonsense"), true, true, true),
            (Some("INFO"), false, true, true),
            (Some("warn"), false, false, true),
            (Some("fatal"), false, false, true),
        ] {
            let filter = filter(level);
            assert_eq!(
                filter.would_enable("app", &Level::DEBUG),
                debug,
                "{level:?}"
            );
            assert_eq!(filter.would_enable("app", &Level::INFO), info, "{level:?}");
            assert_eq!(
                filter.would_enable("app", &Level::ERROR),
                error,
                "{level:?}"
            );
        }
    }

    #[test]
    fn libraries_never_log_below_info() {
        let filter = filter(Some("debug"));
        assert!(!filter.would_enable("h2::proto", &Level::DEBUG));
        assert!(filter.would_enable("h2::proto", &Level::INFO));
    }
}
