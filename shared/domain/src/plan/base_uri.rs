//! Where the files of a cell are.

use crate::{Error, InstanceId, RecordId, Result, TaskId, Uri};

/// Folder of the files of one cell and instance:
/// `<storage>/<layout>/<cell>/<instance>[/<collapse record>]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUri(Uri);

impl BaseUri {
    /// The folder of a cell; empty segments and `.` of the names are left out.
    ///
    /// # Errors
    /// [`Error::Invalid`] when layout or cell are empty, or the result is no valid address.
    pub fn try_new(
        storage: &Uri,
        layout: &str,
        cell_uri: &str,
        instance_id: InstanceId,
        collapse: Option<RecordId>,
    ) -> Result<Self> {
        let root = Uri::parse(storage.as_str().trim_end_matches('/'))?;
        let layout = segments("Layout.name", layout)?;
        let cell = segments("cell uri", cell_uri)?;
        let ids = [
            Some(instance_id.to_string()),
            collapse.map(|id| id.to_string()),
        ];
        let names = layout.into_iter().chain(cell).map(str::to_owned);
        root.join(names.chain(ids.into_iter().flatten())).map(Self)
    }

    /// The folder.
    pub fn uri(&self) -> &Uri {
        &self.0
    }

    /// Whether a file is directly in the folder: those of its sub-folders are not.
    pub fn holds(&self, file: &Uri) -> bool {
        file.as_str()
            .rsplit_once('/')
            .filter(|(_, name)| !name.is_empty())
            .and_then(|(folder, _)| Uri::parse(folder).ok())
            .is_some_and(|folder| folder.is_below(&self.0) && self.0.is_below(&folder))
    }

    /// The file of a task.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the address is too long.
    pub fn file(&self, task_id: TaskId) -> Result<Uri> {
        self.0.join([format!("{task_id}.tif")])
    }
}

fn segments<'a>(field: &str, text: &'a str) -> Result<Vec<&'a str>> {
    let segments: Vec<&str> = text
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "."))
        .collect();
    if segments.is_empty() {
        return Err(Error::invalid(format!(
            "{field}: {text:?}, expected a name"
        )));
    }
    Ok(segments)
}
