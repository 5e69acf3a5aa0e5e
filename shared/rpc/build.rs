//! Compiles the public contract, `proto/pb/*.proto`, without a system `protoc`.
//!
//! Writes two files for `src/pb.rs`: the Rust types, clients and servers (`geocube.rs`) and the
//! encoded descriptors (`geocube.bin`).

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use protox::Compiler;

/// Root of the import paths: the files know each other as `pb/<name>.proto`.
const PROTO_ROOT: &str = "../../proto";

/// Payload fields, shared between messages without copying.
const SHARED_BYTES: [&str; 3] = [
    ".geocube.ImageHeader.data",
    ".geocube.ImageChunk.data",
    ".geocube.ImageFile.data",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PROTO_ROOT}");
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    let files = contract_files(Path::new(PROTO_ROOT))?;

    // Source positions carry the comments: the generated code wants them, reflection does not.
    let mut compiler = Compiler::new([PROTO_ROOT])?;
    compiler.include_imports(true).open_files(&files)?;
    fs::write(
        out_dir.join("geocube.bin"),
        compiler.encode_file_descriptor_set(),
    )?;

    compiler.include_source_info(true);
    let mut config = tonic_prost_build::configure().btree_map(".geocube");
    for field in SHARED_BYTES {
        config = config.bytes(field);
    }
    config.compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// Every file of the contract, sorted so that equal sources give equal code.
fn contract_files(root: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join("pb"))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
