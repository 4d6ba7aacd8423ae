//! Certificates as files, for a partner in another process: in a folder of their own that only this user reads.

use std::path::{Path, PathBuf};

use super::TlsError;

/// Where the files are. They go when this goes.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) fn write(ca: &str, trust_store: &[u8], certificate: &str, key: &str) -> Result<Files, TlsError> {
        let wrong = |path: &Path, error: std::io::Error| TlsError::new(path.display().to_string(), error);
        let number = getrandom::u64().map_err(|error| TlsError::new("no random numbers", error))?;
        let folder = std::env::temp_dir().join(format!("countersign-{number:016x}"));
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).map_err(|error| wrong(&folder, error))?;
        let files = Files { folder };
        let all: [(PathBuf, &[u8]); 4] = [
            (files.ca(), ca.as_bytes()),
            (files.trust_store(), trust_store),
            (files.certificate(), certificate.as_bytes()),
            (files.key(), key.as_bytes()),
        ];
        for (path, bytes) in all {
            std::fs::write(&path, bytes).map_err(|error| wrong(&path, error))?;
        }
        Ok(files)
    }

    /// The authority's certificate, PEM.
    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The authority's certificate as a trust store for Java (JKS), with [`super::TRUST_STORE_PASSWORD`].
    pub fn trust_store(&self) -> PathBuf {
        self.folder.join("ca.jks")
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
