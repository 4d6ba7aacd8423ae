//! Certificates as files, for a partner in another process: in a folder of their own that only this user reads.

use std::path::{Path, PathBuf};

use super::TlsError;

/// Where the files are. They go when this goes.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) fn write(ca: &str, certificate: &str, key: &str) -> Result<Files, TlsError> {
        let wrong = |path: &Path, error: std::io::Error| TlsError::new(path.display().to_string(), error);
        let number = getrandom::u64().map_err(|error| TlsError::new("no random numbers", error))?;
        let folder = std::env::temp_dir().join(format!("countersign-{number:016x}"));
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).map_err(|error| wrong(&folder, error))?;
        let files = Files { folder };
        for (path, text) in [(files.ca(), ca), (files.certificate(), certificate), (files.key(), key)] {
            std::fs::write(&path, text).map_err(|error| wrong(&path, error))?;
        }
        Ok(files)
    }

    /// The authority's certificate, PEM.
    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// A certificate for this machine, PEM.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("cert.pem")
    }

    /// Its key, PEM (PKCS#8).
    pub fn key(&self) -> PathBuf {
        self.folder.join("key.pem")
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // Nothing in it is worth anything once the run is over.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
