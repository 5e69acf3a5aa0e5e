//! The structure of a file in words and columns.

use super::table::{self, Side};
use crate::screen;
use cog::{FileKind, Georeference, RecordSummary, Series, Spread, Summary};

/// Records listed unless all are asked for.
const LISTED: usize = 20;
/// Kinds of records described in detail.
const DETAILED: usize = 5;

/// What to print of a file.
pub fn lines(name: &str, summary: &Summary, all: bool) -> Vec<String> {
    let mut lines = vec![title(name, summary)];
    if let Some(why) = &summary.not_optimised {
        lines.push(format!("  not cloud-optimised: {why}"));
    }
    lines.extend(layout(summary));
    let kinds = kinds(&summary.records);
    for members in kinds.iter().take(DETAILED) {
        lines.push(String::new());
        lines.extend(kind(&summary.records, members));
    }
    if kinds.len() > DETAILED {
        let more = kinds.len() - DETAILED;
        lines.push(String::new());
        lines.push(format!("{more} more kinds of records: --json has them all"));
    }
    if summary.records.len() > 1 {
        lines.push(String::new());
        lines.extend(records(&summary.records, all));
    }
    // names and markers are whatever the file says
    lines.iter().map(|line| screen::harmless(line)).collect()
}

fn title(name: &str, summary: &Summary) -> String {
    let kind = match summary.kind {
        FileKind::Cog => "COG",
        FileKind::Mucog => "MuCOG",
        FileKind::Tiff => "plain TIFF",
        FileKind::MultiTiff => "TIFF of several images",
    };
    let form = if summary.big_tiff { ", BigTIFF" } else { "" };
    let order = if summary.big_endian {
        ", big-endian"
    } else {
        ""
    };
    format!(
        "{name}: {kind}{form}{order}, {}, {}",
        counted(summary.records.len() as u64, "record"),
        screen::bytes(summary.bytes)
    )
}

fn layout(summary: &Summary) -> Vec<String> {
    let order = match &summary.arrangement.pattern {
        Some(pattern) => format!("{pattern} ({})", summary.arrangement.meaning),
        None => summary.arrangement.meaning.to_owned(),
    };
    let series = summary.series.as_ref();
    vec![
        format!(
            "  header       {} before the first block",
            screen::bytes(summary.header_bytes)
        ),
        format!("  block order  {order}"),
        format!(
            "  time series  {}",
            series.map_or_else(|| "no blocks in common".to_owned(), cost)
        ),
    ]
}

/// What one block of all records takes.
fn cost(series: &Series) -> String {
    let Spread {
        least,
        median,
        most,
    } = series.reads;
    let spread = if least == most {
        String::new()
    } else {
        format!(", from {least} to {most}")
    };
    format!(
        "{} of {} for one block of {} (median of {}{spread})",
        counted(median, "read"),
        screen::bytes(series.bytes.median),
        counted(series.records, "record"),
        counted(series.places, "place"),
    )
}

/// Positions of the records that are made alike.
fn kinds(records: &[RecordSummary]) -> Vec<Vec<usize>> {
    let mut kinds: Vec<Vec<usize>> = Vec::new();
    for (at, record) in records.iter().enumerate() {
        let like = kinds
            .iter_mut()
            .find(|members| records[members[0]].is_like(record));
        match like {
            Some(members) => members.push(at),
            None => kinds.push(vec![at]),
        }
    }
    kinds
}

fn kind(records: &[RecordSummary], members: &[usize]) -> Vec<String> {
    let first = &records[members[0]];
    let mut lines = Vec::new();
    if records.len() > 1 {
        lines.push(match members {
            [only] => format!("record {}", only + 1),
            [first, ..] => format!("{} records like record {}", members.len(), first + 1),
            [] => String::new(),
        });
    }
    let bands = counted(u64::from(first.bands), "band");
    let apart = match (first.bands, first.planar) {
        (1, _) => "",
        (_, true) => " lying apart",
        (_, false) => " interleaved by pixel",
    };
    lines.push(format!(
        "  samples      {bands}{apart} of {}, {}, predictor {}",
        first.sample_type, first.compression, first.predictor
    ));
    lines.push(format!("  validity     {}", validity(first)));
    let place = first.georeference.as_ref();
    lines.push(format!(
        "  place        {}",
        place.map_or_else(|| "none".to_owned(), place_of)
    ));
    let rows = levels(records, members);
    lines.extend(table::lines(
        &[
            ("level", Side::Left),
            ("pixels", Side::Right),
            ("block", Side::Right),
            ("blocks", Side::Right),
            ("sparse", Side::Right),
            ("stored", Side::Right),
            ("masks", Side::Right),
        ],
        &rows,
    ));
    lines
}

fn validity(record: &RecordSummary) -> String {
    let nodata = record
        .nodata
        .as_ref()
        .map(|value| format!("nodata {value}"));
    let parts = [
        nodata,
        record.alpha.then(|| "alpha band".to_owned()),
        record.mask.then(|| "mask".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "all pixels".to_owned()
    } else {
        parts.join(", ")
    }
}

fn place_of(place: &Georeference) -> String {
    let [x, width, b, y, d, height] = place.transform;
    let system = match place.epsg {
        Some(code) => format!("EPSG:{code}"),
        None => "a reference system without code".to_owned(),
    };
    let turned = if b != 0.0 || d != 0.0 {
        ", rotated"
    } else {
        ""
    };
    format!("{system}, origin {x}, {y}, pixel {width} x {height}{turned}")
}

/// One row for each level, with the sums of the records.
fn levels(records: &[RecordSummary], members: &[usize]) -> Vec<Vec<String>> {
    let first = &records[members[0]];
    let row = |(number, level): (usize, &cog::LevelSummary)| {
        let all = || {
            members
                .iter()
                .filter_map(|at| records[*at].levels.get(number))
        };
        let sum = |figure: fn(&cog::LevelSummary) -> u64| all().map(figure).sum::<u64>();
        let form = if level.tiled { "" } else { " strip" };
        vec![
            number.to_string(),
            format!("{} x {}", level.width, level.height),
            format!("{} x {}{form}", level.block_width, level.block_height),
            sum(|level| level.blocks).to_string(),
            sum(|level| level.sparse).to_string(),
            screen::bytes(all().map(|level| level.bytes).fold(0, u64::saturating_add)),
            screen::bytes(
                all()
                    .map(|level| level.mask_bytes)
                    .fold(0, u64::saturating_add),
            ),
        ]
    };
    first.levels.iter().enumerate().map(row).collect()
}

fn records(records: &[RecordSummary], all: bool) -> Vec<String> {
    let listed = if all { records.len() } else { LISTED };
    let row = |(at, record): (usize, &RecordSummary)| {
        let (sparse, blocks) = record.sparse();
        let origin = record.georeference.as_ref().map(|place| {
            let [x, _, _, y, ..] = place.transform;
            format!("{x}, {y}")
        });
        vec![
            (at + 1).to_string(),
            record.subdir.clone(),
            record.name.clone().unwrap_or_default(),
            format!("{sparse} of {blocks}"),
            screen::bytes(record.bytes()),
            origin.unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = records.iter().enumerate().take(listed).map(row).collect();
    let mut lines = table::lines(
        &[
            ("record", Side::Right),
            ("prefix", Side::Left),
            ("name", Side::Left),
            ("sparse", Side::Right),
            ("stored", Side::Right),
            ("origin", Side::Left),
        ],
        &rows,
    );
    if records.len() > listed {
        let more = records.len() - listed;
        lines.push(format!("  {more} more records: --all lists them"));
    }
    lines
}

/// `1 record`, `2 records`.
fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

#[cfg(test)]
mod tests;
