//! A local file that appears under its name only when it is complete.

use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::Error;

/// A file being written beside its final place. Dropped without [`PendingFile::persist`], it is
/// removed.
pub(crate) struct PendingFile(NamedTempFile);

impl PendingFile {
    /// Creates an empty file in `folder`, which must exist.
    pub(crate) fn create_in(folder: &Path) -> Result<Self, Error> {
        NamedTempFile::new_in(folder)
            .map(Self)
            .map_err(|source| Error::local("create a file in", folder, source))
    }

    /// Creates an empty file in the folder of `path`.
    pub(crate) fn create_for(path: &Path) -> Result<Self, Error> {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        Self::create_in(folder.unwrap_or(Path::new(".")))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self) -> &std::fs::File {
        self.0.as_file()
    }

    /// The file once more, emptied, for an attempt that starts over.
    pub(crate) fn start_over(&self) -> Result<tokio::fs::File, Error> {
        let failed = |source| Error::local("write", self.path(), source);
        let file = self.0.reopen().map_err(failed)?;
        file.set_len(0).map_err(failed)?;
        Ok(tokio::fs::File::from_std(file))
    }

    /// Makes it readable like any other file; temporary ones are private.
    pub(crate) fn set_readable(&self) -> Result<(), Error> {
        set_readable(self.file()).map_err(|source| Error::local("write", self.path(), source))
    }

    /// Gives the file its name, replacing what had it.
    pub(crate) fn persist(self, path: &Path) -> Result<(), Error> {
        self.set_readable()?;
        self.0
            .persist(path)
            .map(|_| ())
            .map_err(|error| Error::local("write", path, error.error))
    }
}

#[cfg(unix)]
fn set_readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}
