//! Variables and instances.

use super::format::{data_format, data_format_to, required_resampling, resampling};
use super::{required, text};
use crate::pb;
use app::{InstanceUpdate, Limits, VariableKey};
use domain::{
    Error, Instance, InstanceId, Metadata, NewVariable, Result, Variable, VariableId,
    VariableUpdate,
};

/// Reads the definition of a variable to create.
pub(crate) fn new_variable(variable: Option<pb::Variable>) -> Result<NewVariable> {
    let variable = variable.unwrap_or_default();
    let resampling = required_resampling(variable.resampling_alg)?;
    let format = required("Variable.dformat", variable.dformat)?;
    let definition = NewVariable {
        name: variable.name,
        unit: text("Variable.unit", variable.unit)?,
        description: text("Variable.description", variable.description)?,
        format: data_format("Variable.DFormat", &format)?,
        bands: variable.bands,
        palette: Some(variable.palette).filter(|name| !name.is_empty()),
        resampling,
    };
    definition.check()?;
    Ok(definition)
}

/// Reads changes of a variable.
pub(crate) fn variable_update(
    request: pb::UpdateVariableRequest,
) -> Result<(VariableId, VariableUpdate)> {
    let id = VariableId::parse(&request.id)?;
    let update = VariableUpdate {
        name: request.name,
        unit: request.unit.map(|unit| text("unit", unit)).transpose()?,
        description: request
            .description
            .map(|description| text("description", description))
            .transpose()?,
        palette: request.palette,
        resampling: resampling(request.resampling_alg)?,
    };
    Ok((id, update))
}

/// Reads the key that a variable is looked up by.
pub(crate) fn variable_key(request: pb::GetVariableRequest) -> Result<VariableKey> {
    use pb::get_variable_request::Identifier;
    let empty = || Error::invalid("GetVariable: all parameters are empty");
    match request.identifier.ok_or_else(empty)? {
        Identifier::Id(text) | Identifier::Name(text) | Identifier::InstanceId(text)
            if text.is_empty() =>
        {
            Err(empty())
        }
        Identifier::Id(id) => VariableId::parse(&id).map(VariableKey::Id),
        Identifier::Name(name) => text("name", name).map(VariableKey::Name),
        Identifier::InstanceId(id) => InstanceId::parse(&id).map(VariableKey::Instance),
    }
}

/// Writes a variable.
pub(crate) fn variable_to(variable: Variable) -> pb::Variable {
    let Variable {
        id,
        definition,
        instances,
    } = variable;
    pb::Variable {
        id: id.to_string(),
        name: definition.name,
        unit: definition.unit,
        description: definition.description,
        dformat: Some(data_format_to(&definition.format)),
        bands: definition.bands,
        palette: definition.palette.unwrap_or_default(),
        resampling_alg: definition.resampling.number(),
        instances: instances.into_iter().map(instance_to).collect(),
    }
}

/// Writes an instance.
pub(crate) fn instance_to(instance: Instance) -> pb::Instance {
    pb::Instance {
        id: instance.id.to_string(),
        name: instance.name,
        metadata: instance.metadata.into_iter().collect(),
    }
}

/// Reads an instance to create: its variable, name and notes.
pub(crate) fn new_instance(
    request: pb::InstantiateVariableRequest,
    limits: &Limits,
) -> Result<(VariableId, String, Metadata)> {
    domain::check_segment("Instance.name", &request.instance_name)?;
    let id = VariableId::parse(&request.variable_id)?;
    let field = "instance_metadata";
    let notes = metadata(field, request.instance_metadata, limits)?;
    domain::check_metadata(field, &notes)?;
    Ok((id, request.instance_name, notes))
}

/// Reads changes of an instance.
pub(crate) fn instance_update(
    request: pb::UpdateInstanceRequest,
    limits: &Limits,
) -> Result<(InstanceId, InstanceUpdate)> {
    let id = InstanceId::parse(&request.id)?;
    let add = metadata("add_metadata", request.add_metadata, limits)?;
    limits.check_tags("del_metadata_keys", request.del_metadata_keys.len())?;
    let update = InstanceUpdate {
        name: request.name,
        add,
        remove: request.del_metadata_keys.into_iter().collect(),
    };
    Ok((id, update))
}

fn metadata(field: &str, metadata: Metadata, limits: &Limits) -> Result<Metadata> {
    limits.check_tags(field, metadata.len())?;
    metadata
        .into_iter()
        .map(|(key, value)| Ok((text(field, key)?, text(field, value)?)))
        .collect()
}
