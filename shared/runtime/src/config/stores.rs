//! Which object stores are reached, and how.

use std::path::PathBuf;

use clap::Args;

/// Flags of object stores.
#[derive(Debug, Clone, Args)]
#[group(skip)]
#[command(rename_all = "camelCase")]
pub struct StoreFlags {
    /// Read gs:// files, also where no other flag or argument names one
    #[arg(long = "with-gcs")]
    pub with_gcs: bool,
    /// Read s3:// files, also where no other flag or argument names one
    #[arg(long = "with-s3")]
    pub with_s3: bool,
    /// Region of S3
    #[arg(long = "aws-region", value_name = "REGION")]
    pub aws_region: Option<String>,
    /// Endpoint of an S3-compatible store
    #[arg(long = "aws-endpoint", value_name = "URL")]
    pub aws_endpoint: Option<String>,
    /// File of AWS credentials
    #[arg(long = "aws-shared-credentials-file", value_name = "FILE")]
    pub aws_shared_credentials_file: Option<PathBuf>,
}
