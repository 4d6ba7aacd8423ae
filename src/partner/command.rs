//! A partner that is started: its command, its port, its readiness, its end.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::unix::pipe;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::model::manifest::{Manifest, Start, duration, typed};

use crate::tls::{Client, Stream};

use super::group::{self, Signal};
use super::printed::{Output, Printed, follow};
use super::trust::trust;
use super::{Boxed, Company, Launch, LaunchError, Running, Setup};

/// How long a partner may take to become ready, where its manifest says nothing else.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long it may take to end when asked politely.
const END_WITHIN: Duration = Duration::from_secs(5);

/// Starts the `[start]` command of a manifest.
pub(super) struct CommandPartner {
    folder: PathBuf,
    base: String,
    start: Start,
    env: BTreeMap<String, String>,
    setup: Vec<String>,
}

impl CommandPartner {
    pub fn new(path: &Path, manifest: &Manifest, start: &Start) -> Self {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let second = manifest.second_provider.iter().flat_map(|second| &second.env);
        let env = start.env.iter().chain(second).map(|(name, value)| (name.clone(), value.clone())).collect();
        CommandPartner {
            folder: folder.to_owned(),
            base: manifest.at.base.clone(),
            start: start.clone(),
            env,
            setup: start.setup.clone(),
        }
    }

    fn has_fixed_port(&self) -> bool {
        !self.base.contains("{port}")
    }

    fn trouble(&self, what: impl Into<String>, help: impl Into<String>) -> LaunchError {
        LaunchError { what: what.into(), help: help.into(), started: true }
    }
}

impl Launch for CommandPartner {
    fn launch<'a>(&'a self, setup: &'a Setup) -> Boxed<'a, Result<Arc<dyn Running>, LaunchError>> {
        Box::pin(async move {
            let port = if setup.port != 0 { setup.port } else { self.port()? };
            let base = self.base.replace("{port}", &port.to_string()).trim_end_matches('/').to_owned();
            let client = setup.client(&base)?;
            let files = setup
                .tls
                .as_ref()
                .map(|tls| tls.files())
                .transpose()
                .map_err(|error| self.trouble(error.to_string(), "make the folder for temporary files writable"))?;
            let paths = files.map(|files| [files.ca(), files.certificate(), files.key()]);
            let fill = |text: &str| {
                let mut text = text
                    .replace("{issuer}", &setup.issuer)
                    .replace("{client.id}", &setup.client_id)
                    .replace("{client.secret}", &setup.client_secret)
                    .replace("{base}", &base)
                    .replace("{port}", &port.to_string());
                for (at, mark) in ["{tls.ca}", "{tls.cert}", "{tls.key}"].into_iter().enumerate() {
                    let path = paths.as_ref().map(|paths| paths[at].display().to_string());
                    text = text.replace(mark, &path.unwrap_or_default());
                }
                for other in &setup.others {
                    let mark = |what: &str| format!("{{{}.{what}}}", other.provider);
                    text = text
                        .replace(&mark("issuer"), &other.issuer)
                        .replace(&mark("client.id"), &other.client_id)
                        .replace(&mark("client.secret"), &other.client_secret);
                }
                text
            };
            let words: Vec<String> = self.start.command.iter().map(|word| fill(word)).collect();
            let mut env: BTreeMap<String, String> =
                self.env.iter().map(|(name, value)| (name.clone(), fill(value))).collect();
            if let Some(files) = files {
                trust(files, std::env::var("JAVA_TOOL_OPTIONS").ok().as_deref(), &mut env);
            }
            let others = setup.others.iter().map(|other| other.client_secret.clone());
            let secrets = others.chain([setup.client_secret.clone()]).collect();
            let running = self.spawn(&words, &env, &base, secrets)?;
            let ready = format!("{base}{}", self.start.ready.as_deref().unwrap_or("/"));
            let within = self.start.ready_within.as_deref().and_then(duration).unwrap_or(READY_WITHIN);
            match running.wait_ready(&ready, client.as_ref(), self.start.ready.is_some(), within).await {
                Ok(()) => Ok(Arc::new(running) as Arc<dyn Running>),
                Err((what, advice)) => {
                    let output = running.output();
                    running.stop().await;
                    let output = if output.is_empty() {
                        "it printed nothing".to_owned()
                    } else {
                        format!("its last output:\n{output}")
                    };
                    Err(self.trouble(format!("{what}; {output}"), advice.unwrap_or_else(|| self.help(&words))))
                }
            }
        })
    }

    fn company(&self) -> Company {
        if self.has_fixed_port() { Company::OneAtATime } else { Company::SideBySide }
    }
}

impl CommandPartner {
    fn help(&self, words: &[String]) -> String {
        let setup = if self.setup.is_empty() {
            String::new()
        } else {
            format!("run `{}` in {} once; ", typed(&self.setup), self.folder.display())
        };
        format!("{setup}try `{}` there by hand, with the variables of [start] env set", typed(words))
    }

    /// A free port below the ephemeral range, so that no outgoing connection takes it in between.
    fn port(&self) -> Result<u16, LaunchError> {
        if self.has_fixed_port() {
            let port = url::Url::parse(&self.base).ok().and_then(|url| url.port_or_known_default());
            let port = port.ok_or_else(|| {
                self.trouble(format!("[at] base `{}` is no URL", self.base), "base = \"http://127.0.0.1:{port}\"")
            })?;
            return self.must_be_free(port).map(|()| port);
        }
        for _ in 0..200 {
            let port = 20_000 + (getrandom::u32().unwrap_or(0) % 10_000) as u16;
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(port);
            }
        }
        Err(self.trouble("no free port was found between 20000 and 30000", "end what listens there"))
    }

    /// Whoever listens there already would be taken for the partner.
    fn must_be_free(&self, port: u16) -> Result<(), LaunchError> {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(LaunchError {
                started: false,
                ..self.trouble(
                    format!("port {port} of [at] base is taken: something else listens there already"),
                    "end it (a partner that still runs?), or let a free one be chosen: base = \"http://127.0.0.1:{port}\", and hand {port} to the partner in [start]",
                )
            }),
            _ => Ok(()),
        }
    }

    fn spawn(
        &self,
        words: &[String],
        env: &BTreeMap<String, String>,
        base: &str,
        secrets: Vec<String>,
    ) -> Result<CommandRunning, LaunchError> {
        let Some((program, arguments)) = words.split_first() else {
            return Err(self.trouble("[start] command is empty", "command = [\"node\", \"app.mjs\"]"));
        };
        let mut command = std::process::Command::new(program);
        command.args(arguments).envs(env).current_dir(&self.folder);
        // One pipe for both, so that lines stand in the order in which they were printed.
        let piped = std::io::pipe().and_then(|(reader, writer)| {
            command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
            pipe::Receiver::from_owned_fd(reader.into())
        });
        let pipe = piped.map_err(|error| {
            self.trouble(format!("there is no pipe for what it prints: {error}"), "close what has too many files open")
        })?;
        group::lead(&mut command);
        let child = Command::from(command)
            .spawn()
            .map_err(|error| self.trouble(format!("`{program}` cannot be started: {error}"), self.help(words)))?;
        let group = child.id().unwrap_or(0);
        let output = Output::new(secrets);
        let (ended, watching) = watch::channel(None);
        tokio::spawn(follow(child, Printed::new(pipe, &output), ended));
        Ok(CommandRunning {
            base: base.to_owned(),
            folder: self.folder.clone(),
            stop: self.start.stop.clone(),
            group,
            ended: watching,
            output,
        })
    }
}

struct CommandRunning {
    base: String,
    folder: PathBuf,
    stop: Vec<String>,
    group: u32,
    ended: watch::Receiver<Option<String>>,
    output: Arc<Mutex<Output>>,
}

impl CommandRunning {
    /// Asks until it answers; ends early when the process does.
    async fn wait_ready(
        &self,
        url: &str,
        client: Option<&Client>,
        must_be_good: bool,
        within: Duration,
    ) -> Result<(), (String, Option<String>)> {
        let deadline = Instant::now() + within;
        let mut pause = Duration::from_millis(10);
        let mut ended = self.ended.clone();
        let mut last = None;
        loop {
            let seen = tokio::time::timeout_at(deadline, status_of(url, client)).await.unwrap_or(None);
            last = seen.or(last);
            match seen {
                Some(status) if !must_be_good || (200..300).contains(&status) => return Ok(()),
                _ => {}
            }
            if Instant::now() >= deadline {
                let (last, advice) = match last {
                    Some(status) => (
                        format!("it answered {status}"),
                        "[start] ready must be a path that answers 2xx; leave it out, and any answer will do"
                            .to_owned(),
                    ),
                    None => (
                        "it never answered".to_owned(),
                        format!(
                            "it must listen at {}: hand it {{port}} in [start] env or command, or write into [at] base the port that it always takes; where it only needs longer, ready_within = \"2m\"",
                            self.base
                        ),
                    ),
                };
                return Err((format!("{url} was not ready within {} s: {last}", within.as_secs_f32()), Some(advice)));
            }
            // There is no event for a port that begins to listen; the process's end is one.
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_millis(250)),
                how = ended.wait_for(Option::is_some) => {
                    let how = how.ok().and_then(|how| how.clone()).unwrap_or_else(|| "it ended".to_owned());
                    return Err((format!("the partner never became ready: {how}"), None));
                }
            }
        }
    }
}

/// The status of a GET, if there is an answer that begins like HTTP.
pub(super) async fn status_of(url: &str, client: Option<&Client>) -> Option<u16> {
    let url = url::Url::parse(url).ok()?;
    let host = url.host_str()?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, url.port_or_known_default()?)).await.ok()?;
    let mut stream = match client {
        Some(client) => client.connect(host, stream, false).await.ok()?,
        None => Stream::Plain(stream),
    };
    let request = format!("GET {} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n", url.path());
    stream.write_all(request.as_bytes()).await.ok()?;
    stream.flush().await.ok()?;
    let mut head = Vec::new();
    while head.len() < 12 {
        let mut chunk = [0u8; 64];
        let got = stream.read(&mut chunk).await.ok()?;
        if got == 0 {
            return None;
        }
        head.extend_from_slice(&chunk[..got]);
    }
    let text = std::str::from_utf8(&head[..12]).ok()?;
    text.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()
}

impl Running for CommandRunning {
    fn base(&self) -> &str {
        &self.base
    }

    fn ended(&self) -> Option<String> {
        self.ended.borrow().clone()
    }

    fn wait_ended<'a>(&'a self) -> Boxed<'a, String> {
        Box::pin(async move {
            let mut ended = self.ended.clone();
            let how = ended.wait_for(Option::is_some).await.ok().and_then(|how| how.clone());
            how.unwrap_or_else(|| "it ended".to_owned())
        })
    }

    fn stop<'a>(&'a self) -> Boxed<'a, ()> {
        Box::pin(async move {
            if let Some((program, arguments)) = self.stop.split_first() {
                let mut command = Command::new(program);
                command.args(arguments).current_dir(&self.folder).kill_on_drop(true);
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                // Whatever comes of it: the group is ended next.
                let _ = tokio::time::timeout(END_WITHIN, command.status()).await;
            }
            group::signal(self.group, Signal::Please);
            let politely = tokio::time::timeout(END_WITHIN, self.wait_ended()).await.is_ok();
            if !politely || group::is_alive(self.group) {
                group::signal(self.group, Signal::Now);
                let _ = tokio::time::timeout(END_WITHIN, self.wait_ended()).await;
            }
        })
    }

    fn output(&self) -> String {
        let output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        output.last(20)
    }
}

impl Drop for CommandRunning {
    fn drop(&mut self) {
        if group::is_alive(self.group) {
            group::signal(self.group, Signal::Now);
        }
    }
}
