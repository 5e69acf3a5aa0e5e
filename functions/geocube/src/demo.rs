//! `geocube demo`: the main job, seen from a client that has nothing but the address of a server.

mod client;
mod generate;
mod grid;
mod images;
mod samples;
mod scene;
mod sheet;
mod steps;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use rpc::pb::GetVersionRequest;
use runtime::SecretString;
use uuid::Uuid;

use crate::screen;
use client::{Client, refusal};
use scene::Kind;
use sheet::{Picture, Stretch};
use steps::{Difference, Files, Group, Job, Timed, Wanted, count, seconds};

/// Flags of `geocube demo`.
#[derive(Debug, Args)]
pub struct Flags {
    /// The server
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    pub server: String,
    /// Folder of TIFF files to take instead of generated ones; a date in a name is YYYYMMDD
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,
    /// The contact sheet to write
    #[arg(long, default_value = "contact-sheet.png", value_name = "PNG")]
    pub out: PathBuf,
    /// Keep the generated images
    #[arg(long)]
    pub keep: bool,
    /// Bearer token of the server (environment only)
    #[arg(long, hide = true)]
    pub token: Option<SecretString>,
}

/// Runs the main job on every kind of images and says what it does.
///
/// # Errors
/// The first thing that goes wrong, or a cube that consolidation changed where it must not.
pub async fn run(flags: Flags) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut client = Client::connect(&flags.server, flags.token).await?;
    let version = client.grpc.version(GetVersionRequest {}).await;
    let version = version
        .map_err(|status| refusal(&status))?
        .into_inner()
        .version;
    screen::result(&format!("Geocube {version} at {}", flags.server));

    let suffix = Uuid::new_v4().simple().to_string()[..8].to_owned();
    let images = match flags.images {
        Some(folder) => Images::of_user(&folder)?,
        None => Images::generate(&suffix)?,
    };
    for (number, kind) in images.kinds.iter().enumerate() {
        let (suffix, out) = if number == 0 {
            (suffix.clone(), flags.out.clone())
        } else {
            let number = number + 1;
            (format!("{suffix}-{number}"), numbered(&flags.out, number))
        };
        let job = Job::new(client.clone(), kind, suffix)?;
        main_job(job, &out).await?;
    }
    if !flags.keep {
        images.remove_generated();
    }
    screen::result(&format!("all done in {}", seconds(started.elapsed())));
    Ok(())
}

/// The images to work on.
struct Images {
    kinds: Vec<Kind>,
    /// Folder of those that were made here.
    generated: Option<PathBuf>,
}

impl Images {
    fn of_user(folder: &Path) -> anyhow::Result<Self> {
        let kinds = Kind::group(images::scenes_of(folder)?);
        let files = kinds.iter().map(|kind| kind.scenes.len()).sum();
        screen::result(&format!(
            "took {} of {} from {}",
            count(files, "image"),
            count(kinds.len(), "kind"),
            folder.display()
        ));
        Ok(Self {
            kinds,
            generated: None,
        })
    }

    fn generate(suffix: &str) -> anyhow::Result<Self> {
        let started = Instant::now();
        let folder = std::env::temp_dir().join(format!("geocube-demo-{suffix}"));
        let kinds = Kind::group(generate::scenes_in(&folder)?);
        let files = kinds.iter().map(|kind| kind.scenes.len()).sum();
        screen::result(&format!(
            "generated {} in {}: eight days, three scenes a day in two zones, clouds as holes ({})",
            count(files, "image"),
            folder.display(),
            seconds(started.elapsed())
        ));
        Ok(Self {
            kinds,
            generated: Some(folder),
        })
    }

    /// By now the catalogue refers to the consolidated files alone.
    fn remove_generated(self) {
        if let Some(folder) = self.generated
            && let Err(error) = std::fs::remove_dir_all(&folder)
        {
            screen::note(&format!("{} is left: {error}", folder.display()));
        }
    }
}

/// From nothing to a consolidated time series and its picture.
async fn main_job(mut job: Job<'_>, out: &Path) -> anyhow::Result<()> {
    screen::result(&format!("catalogue, names ending in {}:", job.suffix));
    job.create_records().await.context("creating records")?;
    job.create_variable()
        .await
        .context("creating the variable")?;
    job.index().await.context("indexing")?;

    screen::result("before consolidation:");
    let all_on_grid = job.kind.scenes.iter().all(|scene| job.grid.holds(scene));
    let before = Reading::take(&mut job, all_on_grid).await?;
    let files_before = Files::of(&job.sources().await?);
    screen::result(&format!("  read from {}", files_before.text()));

    screen::result("consolidation:");
    let consolidation = job.consolidate().await.context("consolidating")?;

    screen::result("after consolidation:");
    let after = Reading::take(&mut job, all_on_grid).await?;
    let files_after = Files::of(&job.sources().await?);
    screen::result(&format!("  read from {}", files_after.text()));
    let equal = check(&job, &before, &after)?;

    screen::result("pictures:");
    let stretch = picture(&job, &after.all, out)?;
    let days = job.days(Wanted::All);
    if let Some(clearest) = clearest(&job, &after.all, &days) {
        let tile = job
            .tile(clearest, &stretch)
            .await
            .context("getting a tile")?;
        ensure!(!tile.is_empty(), "the tile is empty");
    }

    screen::result("summary:");
    for (what, value) in [
        ("datasets", job.records.len().to_string()),
        ("files before", files_before.text()),
        ("files after", files_after.text()),
        ("consolidation", seconds(consolidation)),
        ("cube before", seconds(before.all.time)),
        ("cube after", seconds(after.all.time)),
        ("equal pixels", equal),
        ("contact sheet", out.display().to_string()),
    ] {
        screen::result(&format!("  {what:<14} {value}"));
    }
    Ok(())
}

/// The cubes that are compared.
struct Reading {
    /// Every record.
    all: Timed,
    /// The records on the grid, where these are not all and there are any.
    on_grid: Option<Timed>,
}

impl Reading {
    async fn take(job: &mut Job<'_>, all_on_grid: bool) -> anyhow::Result<Self> {
        let all = job.cube(Wanted::All).await.context("getting a cube")?;
        all.report("cube of all the images", job);
        if all_on_grid || job.days(Wanted::OnGrid).is_empty() {
            return Ok(Self { all, on_grid: None });
        }
        let on_grid = job.cube(Wanted::OnGrid).await.context("getting a cube")?;
        on_grid.report("cube of the images on its grid", job);
        Ok(Self {
            all,
            on_grid: Some(on_grid),
        })
    }
}

/// Compares before and after: not a pixel of an image on the grid may change. Those that are warped may differ a
/// little, as they are warped once more.
fn check(job: &Job<'_>, before: &Reading, after: &Reading) -> anyhow::Result<String> {
    let format = job.format();
    let all = Difference::between(&before.all.cube, &after.all.cube, &format)?;
    let any_on_grid = !job.days(Wanted::OnGrid).is_empty();
    let exact = match (&before.on_grid, &after.on_grid) {
        (Some(before), Some(after)) => {
            Some(Difference::between(&before.cube, &after.cube, &format)?)
        }
        _ if any_on_grid => Some(all),
        _ => None,
    };
    let mut text = all.text();
    if let Some(exact) = exact {
        ensure!(
            exact.different == 0,
            "consolidation is lossless and on the grid of the images, yet it changed {} of {} pixels",
            exact.different,
            exact.pixels
        );
        text = if exact == all {
            "all of them".to_owned()
        } else {
            format!("all of the images on the grid; {text} with those that are warped")
        };
    }
    screen::result(&format!("  equal before and after: {text}"));
    Ok(text)
}

/// Draws the contact sheet.
fn picture(job: &Job<'_>, timed: &Timed, out: &Path) -> anyhow::Result<Stretch> {
    let format = job.format();
    let slices = &timed.cube.slices;
    let images: Vec<&[u8]> = slices
        .iter()
        .filter_map(|slice| slice.pixels.as_deref())
        .collect();
    let stretch = Stretch::of(&images, &format);
    let captions = caption(
        &job.days(Wanted::All),
        slices.iter().map(|slice| &slice.records),
    );
    let pictures: Vec<Picture<'_>> = captions
        .into_iter()
        .zip(slices)
        .map(|(caption, slice)| Picture::new(caption, slice.pixels.as_deref()))
        .collect();
    if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let canvas = sheet::draw(&pictures, &format, &stretch);
    canvas.save(out)?;
    screen::result(&format!(
        "  contact sheet of {}: {} x {} pixels in {}",
        count(pictures.len(), "image"),
        canvas.width,
        canvas.height,
        out.display()
    ));
    Ok(stretch)
}

/// The day of each slice; a day without any dataset has none.
fn caption<'s>(days: &[Group], slices: impl Iterator<Item = &'s Vec<String>>) -> Vec<String> {
    slices
        .map(|records| {
            let day = days
                .iter()
                .find(|day| records.iter().any(|record| day.records.contains(record)));
            day.map(|day| day.day.to_string()).unwrap_or_default()
        })
        .collect()
}

/// The day with the most valid pixels.
fn clearest<'d>(job: &Job<'_>, timed: &Timed, days: &'d [Group]) -> Option<&'d Group> {
    let format = job.format();
    let valid = |pixels: &[u8]| {
        // some of the pixels tell enough
        let looked_at = (0..format.width * format.height).step_by(7);
        let first_band = looked_at.map(|pixel| pixel * format.bands);
        first_band
            .filter_map(|index| samples::number(format.dtype, pixels, index))
            .filter(|value| samples::is_value(*value, format.no_data))
            .count()
    };
    let slices = timed.cube.slices.iter();
    let clearest = slices
        .filter_map(|slice| Some((valid(slice.pixels.as_deref()?), slice)))
        .max_by_key(|(valid, _)| *valid)?
        .1;
    days.iter().find(|day| {
        day.records
            .iter()
            .any(|record| clearest.records.contains(record))
    })
}

/// `a.png` as `a-2.png`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let part = |part: Option<&std::ffi::OsStr>| {
        part.map(|part| part.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    path.with_file_name(format!("{}-{number}.png", part(path.file_stem())))
}
