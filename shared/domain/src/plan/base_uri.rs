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
        let cell = segments("cell uri", cell_uri)?;
        let cell = cell.into_iter().map(str::to_owned);
        root(storage, layout)?
            .join(cell.chain(ids(instance_id, collapse)))
            .map(Self)
    }

    /// The cell whose folder, made by [`BaseUri::try_new`], holds a file. None for other files.
    ///
    /// # Errors
    /// [`Error::Invalid`] when layout or storage make no valid address.
    pub fn cell_of(
        file: &Uri,
        storage: &Uri,
        layout: &str,
        instance_id: InstanceId,
        collapse: Option<RecordId>,
    ) -> Result<Option<String>> {
        let (file, root) = (file.canonical(), root(storage, layout)?.canonical());
        let folder = |text: &str| text.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        let below = file.as_str().strip_prefix(root.as_str());
        let Some(mut cell) = below
            .and_then(|path| path.strip_prefix('/'))
            .and_then(folder)
        else {
            return Ok(None);
        };
        let ids: Vec<String> = ids(instance_id, collapse).collect();
        for id in ids.iter().rev() {
            match cell.rsplit_once('/') {
                Some((rest, found)) if found == id => cell.truncate(rest.len()),
                Some(_) | None => return Ok(None),
            }
        }
        Ok(Some(cell))
    }

    /// The folder.
    pub fn uri(&self) -> &Uri {
        &self.0
    }

    /// Whether a file is directly in the folder: those of its sub-folders are not.
    pub fn holds(&self, file: &Uri) -> bool {
        folder_of(file).is_some_and(|folder| folder.is_below(&self.0) && self.0.is_below(&folder))
    }

    /// The file of a task.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the address is too long.
    pub fn file(&self, task_id: TaskId) -> Result<Uri> {
        self.0.join([format!("{task_id}.tif")])
    }
}

/// The folder that a file is directly in.
pub(super) fn folder_of(file: &Uri) -> Option<Uri> {
    let (folder, name) = file.as_str().rsplit_once('/')?;
    Uri::parse(folder).ok().filter(|_| !name.is_empty())
}

/// Folder of all the cells of a layout.
fn root(storage: &Uri, layout: &str) -> Result<Uri> {
    let root = Uri::parse(storage.as_str().trim_end_matches('/'))?;
    root.join(segments("Layout.name", layout)?)
}

fn ids(instance: InstanceId, collapse: Option<RecordId>) -> impl Iterator<Item = String> {
    [
        Some(instance.to_string()),
        collapse.map(|id| id.to_string()),
    ]
    .into_iter()
    .flatten()
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
