//! Web-mercator tiles.

use super::record::{filters_from, record_ids};
use crate::pb;
use app::{CubeSelection, Limits, TileRequest};
use domain::tile::TileAddress;
use domain::{Error, InstanceId, Result};

/// Reads the request of a tile.
pub(crate) fn tile_request(request: pb::GetTileRequest, limits: &Limits) -> Result<TileRequest> {
    use pb::get_tile_request::RecordsLister;
    let instance_id = InstanceId::parse(&request.instance_id)?;
    let selection = match request.records_lister {
        None => {
            return Err(Error::invalid(
                "either record ids or record filters must be provided",
            ));
        }
        Some(RecordsLister::Filters(filters)) => {
            CubeSelection::Filters(filters_from(Some(filters), limits)?)
        }
        Some(RecordsLister::Records(group)) if group.ids.is_empty() => {
            return Err(Error::invalid("At least one record must be provided"));
        }
        Some(RecordsLister::Records(group)) => {
            CubeSelection::Groups(vec![record_ids(&group.ids, limits)?])
        }
    };
    let address = TileAddress::try_new(request.x, request.y, request.z)?;
    let (min, max) = (f64::from(request.min), f64::from(request.max));
    let stretch = (min < max && min.is_finite() && max.is_finite()).then_some((min, max));
    Ok(TileRequest {
        instance_id,
        address,
        selection,
        stretch,
    })
}
