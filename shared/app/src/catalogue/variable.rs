//! Variables and instances.

use super::streaming::items;
use crate::{App, Page, Result};
use database::variable::{self, Hold};
use database::{in_statement, in_transaction, instance, pieces};
use domain::{
    Instance, InstanceId, Metadata, NewVariable, Pattern, Variable, VariableId, VariableUpdate,
};
use futures::Stream;
use std::collections::BTreeSet;

/// What a variable is looked up by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableKey {
    /// Its id.
    Id(VariableId),
    /// Its exact name.
    Name(String),
    /// The id of one of its instances; the answer holds that instance only.
    Instance(InstanceId),
}

/// Changes of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceUpdate {
    /// New name; `None` keeps it.
    pub name: Option<String>,
    /// Notes to insert or overwrite, first.
    pub add: Metadata,
    /// Keys of notes to drop, afterwards; unknown ones are ignored.
    pub remove: BTreeSet<String>,
}

impl InstanceUpdate {
    fn apply(self, before: &Instance) -> domain::Result<Instance> {
        let mut after = before.clone();
        if let Some(name) = self.name {
            after.name = name;
        }
        after.metadata.extend(self.add);
        after.metadata.retain(|key, _| !self.remove.contains(key));
        after.check_change(before)?;
        Ok(after)
    }
}

impl App {
    /// Creates a variable.
    ///
    /// # Errors
    /// [`domain::Error::AlreadyExists`] when the name is taken, [`domain::Error::NotFound`] for an
    /// unknown palette.
    pub async fn create_variable(&self, definition: NewVariable) -> Result<VariableId> {
        Ok(in_statement(self.database(), |tx| {
            let definition = definition.clone();
            Box::pin(async move { variable::create(tx, &definition).await })
        })
        .await?)
    }

    /// Reads a variable.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`].
    pub async fn variable(&self, key: &VariableKey) -> Result<Variable> {
        let mut connection = self.database().read().await?;
        let variable = match key {
            VariableKey::Id(id) => variable::get(&mut connection, *id).await,
            VariableKey::Name(name) => variable::get_by_name(&mut connection, name).await,
            VariableKey::Instance(id) => variable::get_by_instance(&mut connection, *id).await,
        };
        Ok(variable?)
    }

    /// Lists variables by name. The first ones are read before this returns, the others follow
    /// piece by piece.
    pub async fn list_variables(
        &self,
        name: Option<Pattern>,
        page: Page,
    ) -> Result<impl Stream<Item = Result<Variable>> + Send + 'static + use<>> {
        items(pieces(
            variable::Listing::new(name, page),
            self.database().clone(),
        ))
        .await
    }

    /// Changes a variable.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`] for an unknown variable or palette,
    /// [`domain::Error::AlreadyExists`] when the new name is taken, [`domain::Error::Invalid`] when
    /// the result breaks a rule.
    pub async fn update_variable(&self, id: VariableId, update: VariableUpdate) -> Result<()> {
        Ok(in_transaction(self.database(), |tx| {
            let update = update.clone();
            Box::pin(async move {
                variable::lock(tx, id, Hold::Change).await?;
                let before = variable::get_definition(tx, id).await?;
                let after = update.apply(&before)?;
                if after != before {
                    variable::update(tx, id, &after).await?;
                }
                Ok::<_, database::Error>(())
            })
        })
        .await?)
    }

    /// Deletes a variable, its instances and its consolidation parameters.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`]; [`domain::Error::InUse`] when an instance has datasets.
    pub async fn delete_variable(&self, id: VariableId) -> Result<()> {
        Ok(in_transaction(self.database(), |tx| {
            Box::pin(async move { variable::delete(tx, id).await })
        })
        .await?)
    }

    /// Adds an instance to a variable.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`] for an unknown variable, [`domain::Error::AlreadyExists`] when
    /// the name is taken within it.
    pub async fn instantiate_variable(
        &self,
        id: VariableId,
        name: String,
        metadata: Metadata,
    ) -> Result<Instance> {
        Ok(in_transaction(self.database(), |tx| {
            let (name, metadata) = (name.clone(), metadata.clone());
            Box::pin(async move {
                variable::lock(tx, id, Hold::Keep).await?;
                if let Some(variable) = instance::owner_of_name(tx, id, &name).await? {
                    let name = format!("{variable}:{name}");
                    return Err(domain::Error::already_exists(
                        domain::Entity::Instance,
                        "name",
                        name,
                    )
                    .into());
                }
                let id = instance::create(tx, id, &name, &metadata).await?;
                Ok::<_, database::Error>(Instance { id, name, metadata })
            })
        })
        .await?)
    }

    /// Renames an instance or edits its notes.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`], [`domain::Error::AlreadyExists`], [`domain::Error::Invalid`].
    pub async fn update_instance(&self, id: InstanceId, update: InstanceUpdate) -> Result<()> {
        Ok(in_transaction(self.database(), |tx| {
            let update = update.clone();
            Box::pin(async move {
                let before = instance::get_for_update(tx, id).await?;
                let after = update.apply(&before)?;
                if after != before {
                    instance::update(tx, &after).await?;
                }
                Ok::<_, database::Error>(())
            })
        })
        .await?)
    }

    /// Deletes an instance.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`]; [`domain::Error::InUse`] when it has datasets.
    pub async fn delete_instance(&self, id: InstanceId) -> Result<()> {
        Ok(in_statement(self.database(), |tx| {
            Box::pin(async move { instance::delete(tx, id).await })
        })
        .await?)
    }
}

#[cfg(test)]
mod tests {
    use super::InstanceUpdate;
    use domain::{Instance, InstanceId};

    #[test]
    fn notes_are_added_before_keys_are_dropped() {
        let map = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        let before = Instance {
            id: InstanceId::new(),
            name: "master".to_owned(),
            metadata: map(&[("k", "v")]),
        };
        let update = InstanceUpdate {
            name: None,
            add: map(&[("x", "y"), ("y", "z")]),
            remove: ["k", "y", "absent"].map(str::to_owned).into(),
        };
        assert_eq!(update.apply(&before).unwrap().metadata, map(&[("x", "y")]));
    }
}
