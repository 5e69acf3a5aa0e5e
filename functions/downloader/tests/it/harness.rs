//! A started downloader, and files and requests for it.

use cog::{
    EncodedTile, Error, ImageLayout, ImageTags, LevelLayout, Offsets, RecordLayout, TileSource,
};
use rpc::pb::data_format::Dtype;
use rpc::pb::geocube_downloader_client::GeocubeDownloaderClient;
use rpc::pb::get_cube_metadata_response::Response as Item;
use rpc::pb::{self, Resampling};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Request, Status};

pub const LONG: Duration = Duration::from_secs(30);

/// Pixels of a side of [`image`].
pub const SIDE: i32 = 64;

/// A started program and what it said until it listened.
pub struct Downloader {
    pub port: u16,
    pub said: String,
    /// What it said since then.
    pub later: Arc<Mutex<String>>,
    pub child: Child,
}

/// The program with some flags and variables of the environment.
pub fn program(args: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_geocube-downloader"));
    command
        .args(["--host=127.0.0.1", "--port=0"])
        .args(args)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

impl Downloader {
    pub async fn start(args: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = program(args, environment).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let listening = async {
            loop {
                let line = lines.next_line().await.unwrap();
                let line = line.unwrap_or_else(|| panic!("the program ended: {said}"));
                said.push_str(&line);
                said.push('\n');
                if !line.contains("listening") {
                    continue;
                }
                let at = line.find("127.0.0.1:").unwrap();
                let port = line[at + 10..].split(|letter: char| !letter.is_ascii_digit());
                return port.into_iter().next().unwrap().parse().unwrap();
            }
        };
        let port = timeout(LONG, listening).await.unwrap();
        let later = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&later);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut heard = heard.lock().unwrap();
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        Self {
            port,
            said,
            later,
            child,
        }
    }

    /// A downloader open to everybody, which may read the files of a folder.
    pub async fn of_folder(folder: &Path) -> Self {
        let allowed = format!("--allowedPaths={}", folder.display());
        Self::start(&[&allowed], &[]).await
    }

    pub async fn client(&self) -> GeocubeDownloaderClient<Channel> {
        let address = format!("http://127.0.0.1:{}", self.port);
        GeocubeDownloaderClient::connect(address).await.unwrap()
    }

    /// All messages of a cube.
    pub async fn cube(&self, request: pb::GetCubeMetadataRequest) -> Result<Vec<Item>, Status> {
        items(self.client().await, Request::new(request)).await
    }
}

/// All messages of a cube.
pub async fn items(
    mut client: GeocubeDownloaderClient<Channel>,
    request: Request<pb::GetCubeMetadataRequest>,
) -> Result<Vec<Item>, Status> {
    let mut stream = client.download_cube(request).await?.into_inner();
    let mut items = Vec::new();
    while let Some(message) = stream.message().await? {
        items.push(message.response.unwrap());
    }
    Ok(items)
}

struct Constant(u8);

impl TileSource for Constant {
    fn copy_tile(&mut self, _: EncodedTile, out: &mut dyn Write) -> Result<(), Error> {
        out.write_all(&vec![self.0; (SIDE * SIDE) as usize])
            .map_err(Error::Write)
    }
}

/// Writes an image of one value, in degrees from 3 east, 45 north.
pub fn image(path: &Path, value: u8) {
    let side = SIDE as u32;
    let mut tags = ImageTags::new(side, side, side, side, 8);
    tags.geo.pixel_scale = vec![0.01, 0.01, 0.0];
    tags.geo.tiepoints = vec![0.0, 0.0, 0.0, 3.0, 45.0, 0.0];
    // geographic, pixels are areas, WGS 84
    tags.geo.keys = vec![1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326];
    let lengths = vec![u64::from(side * side)];
    let record = RecordLayout {
        levels: vec![LevelLayout {
            image: ImageLayout { tags, lengths },
            masks: Vec::new(),
        }],
        first_tile: (0, 0),
    };
    let mut bytes = Vec::new();
    cog::write_cog(&record, Offsets::Auto, &mut Constant(value), &mut bytes).unwrap();
    std::fs::write(path, bytes).unwrap();
}

pub fn format() -> pb::DataFormat {
    pb::DataFormat {
        dtype: Dtype::UInt8.into(),
        no_data: 0.0,
        min_value: 0.0,
        max_value: 255.0,
    }
}

/// The first band of a file as it is.
pub fn source(uri: &str) -> pb::InternalMeta {
    pb::InternalMeta {
        container_uri: uri.to_owned(),
        container_subdir: String::new(),
        bands: vec![1],
        dformat: Some(format()),
        range_min: 0.0,
        range_max: 255.0,
        exponent: 1.0,
    }
}

pub fn record(name: &str) -> pb::Record {
    pb::Record {
        id: "00000000-0000-4000-8000-000000000001".to_owned(),
        name: name.to_owned(),
        time: Some(prost_types::Timestamp::default()),
        tags: [("sensor".to_owned(), "a*b".to_owned())].into(),
        aoi_id: "00000000-0000-4000-8000-000000000002".to_owned(),
        aoi: None,
    }
}

/// One slice per list of sources, on the grid of [`image`].
pub fn request(slices: &[&[pb::InternalMeta]]) -> pb::GetCubeMetadataRequest {
    let meta = |sources: &&[pb::InternalMeta]| pb::DatasetMeta {
        internals_meta: sources.to_vec(),
    };
    let group = |number: usize| pb::GroupedRecords {
        records: vec![record(&format!("r{number}"))],
    };
    pb::GetCubeMetadataRequest {
        datasets_meta: slices.iter().map(meta).collect(),
        grouped_records: (0..slices.len()).map(group).collect(),
        ref_dformat: Some(format()),
        resampling_alg: Resampling::Near.into(),
        pix_to_crs: Some(pb::GeoTransform {
            a: 3.0,
            b: 0.01,
            c: 0.0,
            d: 45.0,
            e: 0.0,
            f: -0.01,
        }),
        crs: "EPSG:4326".to_owned(),
        size: Some(pb::Size {
            width: SIDE,
            height: SIDE,
        }),
        ..Default::default()
    }
}
