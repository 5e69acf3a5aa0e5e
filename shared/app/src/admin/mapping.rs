//! Changes of the value mapping of indexed datasets.

use crate::{App, Result};
use database::{dataset, in_transaction};
use domain::{DType, DataFormat, DataMapping, Error, InstanceId, RecordId};
use std::collections::BTreeMap;

/// A mapping to give to some datasets.
#[derive(Clone, Debug)]
pub struct MappingUpdate {
    /// Instance of the datasets.
    pub instance: InstanceId,
    /// Their records; none of them when the list is empty.
    pub records: Vec<RecordId>,
    /// The mapping. Its sample type does not count: each dataset keeps that of its file.
    pub mapping: DataMapping,
}

impl App {
    /// Gives the datasets of an instance and some records, of every status and locked ones too,
    /// another value mapping; the files stay as they are. Answers the number of datasets for each
    /// mapping that they had, as text. With `simulate` nothing is changed.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the mapping leaves the bounds of the sample type of a dataset.
    pub async fn update_datasets(
        &self,
        update: MappingUpdate,
        simulate: bool,
    ) -> Result<BTreeMap<String, u64>> {
        let counts = in_transaction(self.database(), |tx| {
            let MappingUpdate {
                instance,
                records,
                mapping,
            } = update.clone();
            Box::pin(async move {
                for dtype in dataset::dtypes(tx, instance, &records).await? {
                    check(&mapping.format, dtype)?;
                }
                if simulate {
                    dataset::count_mappings(tx, instance, &records).await
                } else {
                    dataset::set_mapping(tx, instance, &records, &mapping).await
                }
            })
        })
        .await?;
        if !simulate {
            tracing::info!(instance.id = %update.instance, ?counts, "datasets have another mapping");
        }
        Ok(counts)
    }
}

/// The format must also make sense for the samples that are in the file.
fn check(format: &DataFormat, dtype: DType) -> domain::Result<()> {
    match DataFormat::try_new(dtype, format.no_data, format.min, format.max) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::invalid(format!("Invalid dformat {error}"))),
    }
}
