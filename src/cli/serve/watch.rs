//! Watches the file of `serve`: the system says when something changed, and nothing here polls. It knows a path, and not
//! what stands in the file.

use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// A file, and the text that was read last.
pub struct Watched {
    path: PathBuf,
    last: String,
    changed: mpsc::Receiver<()>,
    // Ends the watch when it is dropped.
    _watcher: notify::RecommendedWatcher,
}

impl Watched {
    /// Watches the folder of a file, so that a file that is put in the place of another one is seen, too.
    pub fn new(path: &Path, text: &str) -> Result<Watched, String> {
        let (tell, changed) = mpsc::channel(1);
        // A change between the first reading and the beginning of the watch has no event: it is looked for once.
        let _ = tell.try_send(());
        let heard = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| may_have_changed(event.kind)) {
                // One word that waits is enough.
                let _ = tell.try_send(());
            }
        };
        let mut watcher = notify::recommended_watcher(heard).map_err(|error| error.to_string())?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        watcher.watch(folder, RecursiveMode::NonRecursive).map_err(|error| error.to_string())?;
        Ok(Watched { path: path.to_owned(), last: text.to_owned(), changed, _watcher: watcher })
    }

    /// Waits until the file says something else; gives what, or why it cannot be read.
    pub async fn changed(&mut self) -> Result<String, String> {
        loop {
            if self.changed.recv().await.is_none() {
                std::future::pending::<()>().await;
            }
            match std::fs::read_to_string(&self.path) {
                Ok(text) if text == self.last => {}
                Ok(text) => {
                    self.last.clone_from(&text);
                    return Ok(text);
                }
                // It is away while an editor puts a new one in its place: that is told once.
                Err(_) if self.last.is_empty() => {}
                Err(error) => {
                    self.last.clear();
                    return Err(error.to_string());
                }
            }
        }
    }
}

/// Whether a file may be complete and new. Where the system says when a writer has closed it, nothing before counts.
fn may_have_changed(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) | EventKind::Modify(ModifyKind::Name(_)) => true,
        EventKind::Create(_) => true,
        EventKind::Modify(_) => !cfg!(target_os = "linux"),
        _ => false,
    }
}
