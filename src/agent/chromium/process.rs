//! One Chromium for a run: found, started without a window in a profile of its own, ended with everything it started.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::connection::{Connection, text};
use crate::tls::Authority;

/// Names under which it is looked for in `PATH`.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// The variable that names another one.
const VARIABLE: &str = "CHROMIUM";
/// Until it answers the first command.
const START: Duration = Duration::from_secs(30);
/// Until it has ended after it was asked to.
const END: Duration = Duration::from_secs(3);

/// What it is told. Nothing goes out by itself: no updates, no sync, no reports.
const FLAGS: [&str; 24] = [
    "--headless",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-breakpad",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--disable-dev-shm-usage",
    "--disable-popup-blocking",
    // Timers of pages that nobody looks at run as those of others do.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    // Frames of other sites stay in the page's process, where their requests are seen with it.
    "--disable-site-isolation-trials",
    // A context has one process for all its pages. Else every step from one site to another, of which a login has three,
    // starts one: of 0.39 s that a context with such steps takes, 0.1 s.
    "--renderer-process-limit=1",
    // Pages are made in contexts only.
    "--no-startup-window",
    "--mute-audio",
    "--disable-features=LocalNetworkAccessChecks,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,BackForwardCache,\
     IsolateOrigins,site-per-process,Translate,OptimizationHints,MediaRouter,AutofillServerCommunication",
];

/// Settings of its profile, which every context begins with. A context counts as a private window, and in those Chromium
/// holds back the cookies of other sites, whatever they say of `SameSite`; in any other window it does not. What a provider's
/// frame in a partner's page does (session management, silent renewal) depends on them, provider and partner being
/// different sites: 0 is "hold back none". No flag and no command of the protocol says the same.
const PREFERENCES: &str = r#"{ "profile": { "cookie_controls_mode": 0 } }"#;

/// Why there is no browser.
#[derive(Debug, thiserror::Error)]
pub enum ChromiumError {
    /// It is not installed.
    #[error(
        "there is no Chromium: looked for {} in PATH\n  help: install it (Debian: apt-get install chromium), or name it: CHROMIUM=/path/to/chrome; without it, --browser http drives every partner that needs no scripts",
        NAMES.join(", ")
    )]
    Missing,
    /// `CHROMIUM` leads nowhere.
    #[error("CHROMIUM={} is no file\n  help: name the program itself, such as /usr/bin/chromium", .0.display())]
    NoFile(PathBuf),
    /// It does not start.
    #[error("{} does not start: {why}\n  help: see whether `{} --headless --version` works", program.display(), program.display())]
    Start {
        /// Which.
        program: PathBuf,
        /// Why.
        why: String,
    },
}

/// A running Chromium. Clones of its connection lead to the same process.
pub struct Chromium {
    connection: Connection,
    child: Mutex<Option<Child>>,
    profile: PathBuf,
    user_agent: String,
}

impl Chromium {
    /// Where it is.
    ///
    /// # Errors
    /// Nowhere.
    pub fn find() -> Result<PathBuf, ChromiumError> {
        if let Some(named) = std::env::var_os(VARIABLE).filter(|named| !named.is_empty()) {
            let path = PathBuf::from(named);
            return if path.is_file() { Ok(path) } else { Err(ChromiumError::NoFile(path)) };
        }
        let folders: Vec<PathBuf> =
            std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
        let all = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        all.into_iter().find(|path| path.is_file()).ok_or(ChromiumError::Missing)
    }

    /// Starts it. Of all hosts it can resolve this machine and `hosts`, nothing else.
    ///
    /// # Errors
    /// It is missing or does not start.
    pub async fn start(hosts: &[String]) -> Result<Chromium, ChromiumError> {
        Chromium::start_mapped(hosts, &[], None).await
    }

    /// The same, with hosts that stand for others (`("www.facebook.com:80", "127.0.0.1:9400")`), and for https with the
    /// authority whose certificates it takes; every other one it verifies as ever.
    ///
    /// # Errors
    /// It is missing or does not start.
    pub async fn start_mapped(
        hosts: &[String],
        mapped: &[(String, String)],
        authority: Option<&Authority>,
    ) -> Result<Chromium, ChromiumError> {
        let program = Chromium::find()?;
        let failed = |why: String| ChromiumError::Start { program: program.clone(), why };
        let unique = getrandom::u64().map_err(|error| failed(error.to_string()))?;
        let profile = std::env::temp_dir().join(format!("countersign-chromium-{unique:016x}"));
        let settings = profile.join("Default");
        let written =
            std::fs::create_dir_all(&settings).and_then(|()| std::fs::write(settings.join("Preferences"), PREFERENCES));
        let mut command = command(&program, &profile, hosts, mapped);
        if let Some(authority) = authority {
            command.arg(format!("--ignore-certificate-errors-spki-list={}", authority.pins().join(",")));
        }
        let mut child = written.and_then(|()| command.spawn()).map_err(|error| {
            remove(&profile);
            failed(error.to_string())
        })?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("it has no pipes".to_owned()));
        };
        let connection = Connection::over(input, output);
        let mut chromium = Chromium { connection, child: Mutex::new(Some(child)), profile, user_agent: String::new() };
        // Every page is held until it is known what it may contact, pop-ups as well.
        let watch = json!({
            "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true, "filter": [{ "type": "page" }],
        });
        let connection = chromium.connection.clone();
        let greeting = async {
            connection.call(None, "Target.setAutoAttach", watch).await?;
            connection.call(None, "Browser.getVersion", json!({})).await
        };
        match tokio::time::timeout(START, greeting).await {
            Ok(Ok(version)) => {
                chromium.user_agent = text(&version["userAgent"]);
                Ok(chromium)
            }
            Ok(Err(error)) => {
                chromium.stop().await;
                Err(failed(error.to_string()))
            }
            Err(_) => {
                chromium.stop().await;
                Err(failed(format!("it did not answer within {} s", START.as_secs())))
            }
        }
    }

    /// What its pages send as `User-Agent`.
    pub fn user_agent(&self) -> &str {
        &self.user_agent
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Ends it, with everything it started, and removes its profile.
    pub async fn stop(&self) {
        let Some(mut child) = self.child.lock().await.take() else { return };
        self.connection.tell(None, "Browser.close", json!({}));
        let group = child.id();
        if tokio::time::timeout(END, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
        if let Some(group) = group {
            end_group(group);
        }
        remove(&self.profile);
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Not stopped: the closed pipe and `kill_on_drop` end the process.
        remove(&self.profile);
    }
}

fn command(program: &Path, profile: &Path, hosts: &[String], mapped: &[(String, String)]) -> Command {
    // The pipe is on descriptors 3 and 4 by Chromium's definition; the shell puts ours there.
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null"]).arg(program).args(FLAGS);
    // The first rule that fits is the one that holds.
    let mut rules: String = mapped.iter().map(|(from, to)| format!("MAP {from} {to} , ")).collect();
    rules.push_str("MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE *.localhost , EXCLUDE 127.0.0.1 , EXCLUDE [::1]");
    for host in hosts {
        rules.push_str(" , EXCLUDE ");
        rules.push_str(host);
    }
    command.arg(format!("--host-resolver-rules={rules}"));
    command.arg(format!("--user-data-dir={}", profile.display()));
    if is_root() {
        // Chromium refuses to run as root with its sandbox; containers and CI often know no other user.
        command.arg("--no-sandbox");
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.process_group(0).kill_on_drop(true);
    command
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    // A process's own folder belongs to the user it runs as.
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Helpers that outlive the browser process end with its group.
fn end_group(group: u32) {
    let mut kill = std::process::Command::new("/bin/sh");
    kill.args(["-c", "kill -9 -- \"-$0\" 2>/dev/null"]).arg(group.to_string());
    let _ = kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

fn remove(profile: &Path) {
    // Helpers may still write their last; what is left then is a temporary folder.
    for _ in 0..3 {
        if std::fs::remove_dir_all(profile).is_ok() || !profile.exists() {
            return;
        }
    }
}
