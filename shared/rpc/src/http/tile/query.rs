//! The part of a tile's request that the query gives.

use crate::pb;
use crate::pb::get_tile_request::RecordsLister;
use axum::extract::Query;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::{Error, Result};
use http::Uri;
use prost_types::Timestamp;
use std::collections::BTreeMap;

/// Parameters that are read; others are ignored, as gateways do.
#[derive(Default)]
struct Parameters {
    ids: Vec<String>,
    min: Option<f32>,
    max: Option<f32>,
    from_time: Option<Timestamp>,
    to_time: Option<Timestamp>,
    tags: BTreeMap<String, String>,
}

/// Reads `records.ids` (repeated), `min`, `max`, `filters.from_time`, `filters.to_time` and
/// `filters.tags[key]`. The length of a URI is bounded by the type, at 64 KiB.
pub(super) fn read(uri: &Uri, request: &mut pb::GetTileRequest) -> Result<()> {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri);
    let Query(pairs) = pairs.map_err(|error| Error::invalid(format!("Invalid query: {error}")))?;
    let mut parameters = Parameters::default();
    for (name, value) in pairs {
        parameters.add(&name, value)?;
    }
    request.min = parameters.min.unwrap_or_default();
    request.max = parameters.max.unwrap_or_default();
    request.records_lister = parameters.records_lister()?;
    Ok(())
}

impl Parameters {
    fn add(&mut self, name: &str, value: String) -> Result<()> {
        match name {
            "records.ids" => self.ids.push(value),
            "min" => once(name, &mut self.min, number(name, &value)?)?,
            "max" => once(name, &mut self.max, number(name, &value)?)?,
            "filters.from_time" => {
                once(
                    name,
                    &mut self.from_time,
                    instant(name, &value, NaiveTime::MIN)?,
                )?;
            }
            "filters.to_time" => {
                once(name, &mut self.to_time, instant(name, &value, END_OF_DAY)?)?;
            }
            _ => {
                let key = name
                    .strip_prefix("filters.tags[")
                    .and_then(|rest| rest.strip_suffix(']'));
                if let Some(key) = key
                    && self.tags.insert(key.to_owned(), value).is_some()
                {
                    return Err(twice(name));
                }
            }
        }
        Ok(())
    }

    fn records_lister(self) -> Result<Option<RecordsLister>> {
        let Self {
            ids,
            min: _,
            max: _,
            from_time,
            to_time,
            tags,
        } = self;
        let filtered = from_time.is_some() || to_time.is_some() || !tags.is_empty();
        match (ids.is_empty(), filtered) {
            (true, false) => Ok(None),
            (false, false) => Ok(Some(RecordsLister::Records(pb::GroupedRecordIds { ids }))),
            (true, true) => Ok(Some(RecordsLister::Filters(pb::RecordFilters {
                tags,
                from_time,
                to_time,
            }))),
            (false, true) => Err(Error::invalid(
                "Invalid query: records and filters exclude each other, expected one of them",
            )),
        }
    }
}

fn once<T>(name: &str, field: &mut Option<T>, value: T) -> Result<()> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(twice(name)),
    }
}

fn twice(name: &str) -> Error {
    Error::invalid(format!(
        "Invalid {name:.64}: given twice, expected one value"
    ))
}

fn number(name: &str, text: &str) -> Result<f32> {
    let number = text.parse().ok().filter(|number: &f32| number.is_finite());
    number.ok_or_else(|| Error::invalid(format!("Invalid {name}: {text:.64?}, expected a number")))
}

/// The last time of a day that the catalogue tells from the next day.
const END_OF_DAY: NaiveTime = NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap();

/// An instant of RFC 3339, or a time of a day that is given alone.
fn instant(name: &str, text: &str, of_day: NaiveTime) -> Result<Timestamp> {
    let instant = DateTime::parse_from_rfc3339(text).map(|instant| instant.to_utc());
    let instant = instant.or_else(|_| {
        text.parse()
            .map(|day: NaiveDate| day.and_time(of_day).and_utc())
    });
    let instant: DateTime<Utc> = instant.map_err(|_| {
        Error::invalid(format!("Invalid {name}: {text:.64?}, expected a time such as 2020-01-31T00:00:00Z or 2020-01-31"))
    })?;
    Ok(Timestamp {
        seconds: instant.timestamp(),
        nanos: instant.timestamp_subsec_nanos() as i32,
    })
}

#[cfg(test)]
mod tests {
    use super::{RecordsLister, read};
    use crate::pb::GetTileRequest;
    use domain::Result;

    fn parse(query: &str) -> Result<GetTileRequest> {
        let mut request = GetTileRequest::default();
        read(&format!("/tile?{query}").parse().unwrap(), &mut request).map(|()| request)
    }

    #[test]
    fn records_and_bounds_are_read() {
        let request = parse("records.ids=a&min=-1.5&records.ids=b&max=1e3&styles=default").unwrap();
        assert_eq!((request.min, request.max), (-1.5, 1000.0));
        let Some(RecordsLister::Records(records)) = request.records_lister else {
            panic!("{request:?}")
        };
        assert_eq!(records.ids, ["a", "b"]);
    }

    #[test]
    fn filters_are_read() {
        let query = "filters.from_time=2020-01-31T01:00:00%2B01:00&filters.to_time=2020-02-01&\
                     filters.tags[source]=s*&filters.tags%5Ba%20b%5D=%26";
        let Some(RecordsLister::Filters(filters)) = parse(query).unwrap().records_lister else {
            panic!()
        };
        let seconds = [filters.from_time, filters.to_time].map(|time| time.unwrap().seconds);
        // the whole of the last day
        assert_eq!(seconds, [1_580_428_800, 1_580_515_200 + 86_399]);
        let tags: Vec<_> = filters
            .tags
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(tags, [("a b", "&"), ("source", "s*")]);
    }

    #[test]
    fn neither_is_left_to_the_use_case() {
        assert!(parse("").unwrap().records_lister.is_none());
        assert!(
            parse("filters.tagsx=1&filters.tags[x=1")
                .unwrap()
                .records_lister
                .is_none()
        );
    }

    #[test]
    fn bad_parameters_are_named() {
        for (query, name) in [
            ("min=x", "min"),
            ("max=NaN", "max"),
            ("max=inf", "max"),
            ("min=1&min=1", "min"),
            ("min=", "min"),
            ("filters.from_time=yesterday", "filters.from_time"),
            ("filters.to_time=2020-13-01", "filters.to_time"),
            ("filters.to_time=", "filters.to_time"),
            ("filters.tags[a]=1&filters.tags[a]=2", "filters.tags[a]"),
            ("records.ids=a&filters.tags[a]=1", "records and filters"),
        ] {
            let error = parse(query).unwrap_err().to_string();
            assert!(
                error.starts_with("Invalid ") && error.contains(name),
                "{query}: {error}"
            );
        }
    }
}
