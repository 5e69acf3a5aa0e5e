//! Consolidation parameters.

use crate::{App, Result};
use database::consolidation_params::{self, Owner};
use database::in_transaction;
use database::variable::{self, Hold};
use domain::{ConsolidationParams, VariableId};

impl App {
    /// Sets or replaces how consolidated files of a variable are encoded.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`] for an unknown variable, [`domain::Error::Invalid`] when the
    /// encoding cannot be written or does not fit the variable.
    pub async fn config_consolidation(
        &self,
        id: VariableId,
        params: ConsolidationParams,
    ) -> Result<()> {
        Ok(in_transaction(self.database(), |tx| {
            let params = params.clone();
            Box::pin(async move {
                variable::lock(tx, id, Hold::Keep).await?;
                let variable = variable::get_definition(tx, id).await?;
                let params = params.complete(&variable.format, variable.bands.len())?;
                consolidation_params::put(tx, Owner::Variable(id), &params).await
            })
        })
        .await?)
    }

    /// Reads how consolidated files of a variable, or of a job, are encoded.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`] when it was never set.
    pub async fn consolidation_params(&self, id: VariableId) -> Result<ConsolidationParams> {
        let mut connection = self.database().read().await?;
        Ok(consolidation_params::get(&mut connection, Owner::Variable(id)).await?)
    }
}
