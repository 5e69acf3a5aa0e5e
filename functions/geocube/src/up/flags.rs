//! The flags of `geocube up`.

use std::path::PathBuf;
use std::thread::available_parallelism;

use clap::Args;
use runtime::SecretString;

/// Flags of `geocube up`.
#[derive(Debug, Args)]
#[command(rename_all = "camelCase")]
pub struct Flags {
    /// Folder of everything: database, images, logs
    #[arg(long, default_value = ".geocube", value_name = "DIR")]
    pub data: PathBuf,
    /// Port of gRPC and HTTP on loopback; 0 takes a free one
    #[arg(long, default_value = "8080", value_parser = runtime::value::integer::<u16>)]
    pub port: u16,
    /// A database of your own to use instead of a private one
    #[arg(long, alias = "dbConnection", value_name = "URL")]
    pub db: Option<SecretString>,
    /// Port of the consolidater on loopback; 0 takes a free one
    #[arg(long, default_value = "0", value_parser = runtime::value::integer::<u16>)]
    pub consolidater_port: u16,
    /// Flags of the API server, passed on: --local, --allowedPaths PATHS and all the others
    #[arg(allow_hyphen_values = true, value_name = "FLAG")]
    pub passed: Vec<String>,
}

impl Flags {
    /// What is passed on to the API server. The machine has one user: slices of a cube are built on all of its
    /// processors, unless another `--workers` follows.
    pub fn for_the_api_server(&self) -> Vec<String> {
        let workers = available_parallelism().map_or(1, usize::from);
        let mut flags = vec![format!("--workers={workers}")];
        flags.extend(self.passed.iter().cloned());
        flags
    }
}

/// Flags with a value that the consolidater shares with the API server.
const SHARED: [&str; 16] = [
    "allowedPaths",
    "allowedSubdirs",
    "aws-endpoint",
    "aws-region",
    "aws-shared-credentials-file",
    "baSecretName",
    "cancelledJobs",
    "consolidationsQueue",
    "eventsQueue",
    "gdalBlockSize",
    "gdalNumCachedBlocks",
    "gdalNumThreads",
    "ingestionStorage",
    "pgqConnection",
    "tokensFile",
    "tokensReload",
];

/// Those of the flags for the API server that the consolidater has to know as well.
pub fn shared_with_consolidater(passed: &[String]) -> Vec<String> {
    let mut shared = Vec::new();
    let mut rest = passed.iter();
    while let Some(flag) = rest.next() {
        let Some(name) = flag.strip_prefix("--").or_else(|| flag.strip_prefix('-')) else {
            continue;
        };
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (name, None),
        };
        if name == "project" {
            if let Some(value) = value.or_else(|| rest.next().map(String::as_str)) {
                shared.push(format!("--psProject={value}"));
            }
        } else if SHARED.contains(&name)
            && let Some(value) = value.or_else(|| rest.next().map(String::as_str))
        {
            shared.push(format!("--{name}={value}"));
        } else if matches!(name, "local" | "with-gcs" | "with-s3") {
            shared.push(flag.clone());
        }
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Up {
        #[command(flatten)]
        flags: Flags,
    }

    #[test]
    fn slices_are_built_on_all_processors_unless_a_flag_follows() {
        let Up { flags } = Up::parse_from(["up", "--local", "--workers=1"]);
        let passed = flags.for_the_api_server();
        let processors = available_parallelism().unwrap();
        assert_eq!(
            passed,
            [
                format!("--workers={processors}"),
                "--local".to_owned(),
                "--workers=1".to_owned(),
            ]
        );
    }

    #[test]
    fn the_consolidater_hears_of_what_both_need() {
        let passed = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (given, shared) in [
            ("--local --allowedPaths /a", "--local --allowedPaths=/a"),
            (
                "-local=false --allowedSubdirs=HDF5",
                "-local=false --allowedSubdirs=HDF5",
            ),
            ("-tokensFile /t --workers 4", "--tokensFile=/t"),
            ("--cancelledJobs=gs://b/c", "--cancelledJobs=gs://b/c"),
            (
                "--gdalNumThreads -1 --with-gcs",
                "--gdalNumThreads=-1 --with-gcs",
            ),
            (
                "--project p --eventsQueue e",
                "--psProject=p --eventsQueue=e",
            ),
            ("stray --tokensFile", ""),
        ] {
            assert_eq!(shared_with_consolidater(&passed(given)).join(" "), shared);
        }
    }
}
