//! The flags of the downloader.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Parser;
use runtime::ConfigError;
use runtime::config::{CubeFlags, GdalFlags, PathFlags, RequestBoundFlags, TlsFlags, TokenFlags};
use runtime::value::{self, ValueError};

/// Largest part of an image: the message around it must stay below the 4 MiB that clients accept.
const MAX_CHUNK_BYTES: usize = 3 << 20;

/// Cubes out of the headers that an API server gave, built near the files.
///
/// Every flag can also be given as environment variable: --chunk-size as `GEOCUBE_CHUNK_SIZE`.
#[derive(Debug, Clone, Parser)]
#[command(name = "geocube-downloader", version, rename_all = "camelCase")]
pub struct Config {
    /// Listening address
    #[arg(long, default_value = "0.0.0.0", value_name = "IP")]
    pub host: IpAddr,
    /// Listening port [env also: PORT]
    #[arg(long, default_value = "8080", value_parser = value::integer::<u16>)]
    pub port: u16,
    /// Bytes of one part of an image, at most 3 MiB
    #[arg(long = "chunk-size", alias = "chunkSize", default_value = "1048576", value_parser = chunk_bytes, value_name = "INT")]
    pub chunk_size: usize,
    /// Where the folder of the copies of remote files lies that requests may ask for, readable by its user alone [default: the temporary folder of the system]
    #[arg(long, value_name = "DIR")]
    pub workdir: Option<PathBuf>,
    /// Most bytes of these copies together; files beyond are read in place
    #[arg(long = "predownload-max-size", default_value = "10GiB", value_parser = value::byte_size, value_name = "SIZE")]
    pub predownload_max_size: u64,
    /// Google Cloud project of secrets
    #[arg(long)]
    pub project: Option<String>,
    /// How cubes are built.
    #[command(flatten)]
    pub cubes: CubeFlags,
    /// Bearer tokens; of these, the service takes those of users and administrators.
    #[command(flatten)]
    pub tokens: TokenFlags,
    /// The server's certificate.
    #[command(flatten)]
    pub tls: TlsFlags,
    /// Files that callers may name.
    #[command(flatten)]
    pub paths: PathFlags,
    /// Raster reading.
    #[command(flatten)]
    pub gdal: GdalFlags,
    /// Bounds of requests.
    #[command(flatten)]
    pub bounds: RequestBoundFlags,
}

impl Config {
    /// Checks what flags mean together, so that a start fails before anything is touched.
    ///
    /// # Errors
    /// The first combination that cannot work, with its flags named.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.tokens.secret(self.project.as_deref())?;
        Ok(())
    }
}

fn chunk_bytes(text: &str) -> Result<usize, ValueError> {
    let bytes = value::integer(text)?;
    if (1..=MAX_CHUNK_BYTES).contains(&bytes) {
        Ok(bytes)
    } else {
        Err(ValueError::new("an integer from 1 to 3145728"))
    }
}

#[cfg(test)]
mod tests {
    use super::Config;
    use std::time::Duration;

    fn read(args: &[&str]) -> Result<Config, String> {
        let all = ["geocube-downloader"];
        let parsed =
            runtime::parse::<Config>(all.iter().chain(args), &runtime::Environment::default());
        parsed
            .map(|parsed| parsed.flags)
            .map_err(|exit| exit.to_string())
    }

    #[test]
    fn defaults_are_those_of_the_reference() {
        let config = read(&[]).unwrap();
        assert_eq!((config.port, config.chunk_size), (8080, 1_048_576));
        assert_eq!(config.cubes.duration(), Duration::from_mins(15));
        assert_eq!(config.cubes.parallel_slices(), 1);
        assert_eq!(config.tls.certificate(false), None);
        assert!(config.workdir.is_none() && config.validate().is_ok());
    }

    #[test]
    fn flags_of_the_reference_are_accepted_with_one_dash_or_two() {
        let config = read(&[
            "-port=8083",
            "--chunk-size",
            "4096",
            "-workdir",
            "/scratch",
            "-maxConnectionAge=60",
            "--workers=3",
            "-tls",
            "-gdalBlockSize=512k",
            "-gdalNumCachedBlocks=10",
            "-gdalNumThreads",
            "-1",
        ]);
        let config = config.unwrap();
        assert_eq!((config.port, config.chunk_size), (8083, 4096));
        assert_eq!(config.cubes.duration(), Duration::from_mins(1));
        assert_eq!(config.cubes.parallel_slices(), 3);
        assert!(config.tls.certificate(false).is_some());
        assert_eq!(read(&["-chunkSize=7"]).unwrap().chunk_size, 7);
    }

    #[test]
    fn values_that_cannot_work_are_refused_by_name() {
        for (arg, named) in [
            ("--chunk-size=0", "chunk-size"),
            ("--chunk-size=3145729", "chunk-size"),
            ("--port=65536", "port"),
            ("--predownload-max-size=x", "predownload-max-size"),
            ("--maxPixels=0", "maxPixels"),
            ("--dbConnection=postgresql://h/d", "dbConnection"),
            ("stray", "stray"),
        ] {
            let said = read(&[arg]).unwrap_err();
            assert!(said.contains(named), "{arg}: {said}");
        }
        let config = read(&["--baSecretName=s"]).unwrap();
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains("project"), "{error}");
    }
}
