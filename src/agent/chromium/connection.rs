//! The Chrome DevTools Protocol over a pair of pipes: JSON messages that end with a zero byte. Commands get their answer
//! by number; events go to whoever listens to their session. It knows nothing of pages.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{mpsc, oneshot};

/// Why a command has no result.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CommandError {
    /// The browser's process is gone, or closed its pipe.
    #[error("Chromium has ended")]
    Ended,
    /// It says no.
    #[error("Chromium refuses {method}: {why}")]
    Refused {
        /// Which command.
        method: String,
        /// In its words.
        why: String,
    },
}

/// An event of one session.
#[derive(Debug)]
pub(crate) struct Event {
    pub method: String,
    pub params: Json,
}

/// A page that has come to be.
#[derive(Debug)]
pub(crate) struct Attached {
    pub session: String,
    pub target: String,
    /// Which page opened it.
    pub opener: Option<String>,
    pub events: mpsc::UnboundedReceiver<Event>,
}

/// What is waited for and who listens.
#[derive(Default)]
struct Listeners {
    answers: HashMap<u64, oneshot::Sender<Result<Json, CommandError>>>,
    methods: HashMap<u64, String>,
    sessions: HashMap<String, mpsc::UnboundedSender<Event>>,
    contexts: HashMap<String, mpsc::UnboundedSender<Attached>>,
    ended: bool,
}

/// The way to the browser. Clones lead to the same one.
#[derive(Clone)]
pub(crate) struct Connection {
    out: mpsc::UnboundedSender<Vec<u8>>,
    listeners: Arc<Mutex<Listeners>>,
    number: Arc<AtomicU64>,
}

impl Connection {
    /// Speaks over these pipes until one of them is closed.
    pub(crate) fn over(
        input: impl AsyncWrite + Unpin + Send + 'static,
        output: impl AsyncRead + Unpin + Send + 'static,
    ) -> Self {
        let (out, queue) = mpsc::unbounded_channel();
        let listeners: Arc<Mutex<Listeners>> = Arc::default();
        tokio::spawn(write(input, queue));
        tokio::spawn(read(output, Arc::clone(&listeners)));
        Connection { out, listeners, number: Arc::default() }
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a command and gives its result.
    pub(crate) async fn call(&self, session: Option<&str>, method: &str, params: Json) -> Result<Json, CommandError> {
        self.send(session, method, params).await.unwrap_or(Err(CommandError::Ended))
    }

    /// Sends a command whose result nobody waits for.
    pub(crate) fn tell(&self, session: Option<&str>, method: &str, params: Json) {
        drop(self.send(session, method, params));
    }

    /// Sends a command now; its result can be waited for later.
    pub(crate) fn send(
        &self,
        session: Option<&str>,
        method: &str,
        params: Json,
    ) -> oneshot::Receiver<Result<Json, CommandError>> {
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        let mut message = json!({ "id": number, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let (answer, waiting) = oneshot::channel();
        {
            let mut listeners = self.listeners();
            if listeners.ended {
                let _ = answer.send(Err(CommandError::Ended));
                return waiting;
            }
            listeners.answers.insert(number, answer);
            listeners.methods.insert(number, method.to_owned());
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        // A closed queue means that the browser has ended: then the reader tells everybody who waits.
        let _ = self.out.send(bytes);
        waiting
    }

    /// Hears of pages of a browser context.
    pub(crate) fn pages_of(&self, context: &str) -> mpsc::UnboundedReceiver<Attached> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.listeners().contexts.insert(context.to_owned(), sender);
        receiver
    }

    /// Listens no longer to a context.
    pub(crate) fn forget(&self, context: &str) {
        self.listeners().contexts.remove(context);
    }
}

async fn write(mut input: impl AsyncWrite + Unpin, mut queue: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(bytes) = queue.recv().await {
        if input.write_all(&bytes).await.is_err() || input.flush().await.is_err() {
            return;
        }
    }
}

async fn read(output: impl AsyncRead + Unpin, listeners: Arc<Mutex<Listeners>>) {
    let mut output = BufReader::new(output);
    loop {
        let mut bytes = Vec::new();
        match output.read_until(0, &mut bytes).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        bytes.pop();
        if let Ok(message) = serde_json::from_slice::<Json>(&bytes) {
            dispatch(&mut listeners.lock().unwrap_or_else(PoisonError::into_inner), message);
        }
    }
    let mut listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
    listeners.ended = true;
    for (_, answer) in listeners.answers.drain() {
        let _ = answer.send(Err(CommandError::Ended));
    }
    listeners.sessions.clear();
    listeners.contexts.clear();
}

fn dispatch(listeners: &mut Listeners, mut message: Json) {
    if let Some(number) = message["id"].as_u64() {
        let method = listeners.methods.remove(&number).unwrap_or_default();
        let Some(answer) = listeners.answers.remove(&number) else { return };
        let result = match message["error"]["message"].as_str() {
            Some(why) => Err(CommandError::Refused { method, why: why.to_owned() }),
            None => Ok(message["result"].take()),
        };
        let _ = answer.send(result);
        return;
    }
    let method = text(&message["method"]);
    let params = message["params"].take();
    match message["sessionId"].as_str() {
        Some(session) => {
            if let Some(listener) = listeners.sessions.get(session) {
                let _ = listener.send(Event { method, params });
            }
        }
        None if method == "Target.attachedToTarget" => attach(listeners, &params),
        None if method == "Target.detachedFromTarget" => {
            listeners.sessions.remove(params["sessionId"].as_str().unwrap_or_default());
        }
        None => {}
    }
}

fn attach(listeners: &mut Listeners, params: &Json) {
    let info = &params["targetInfo"];
    let session = text(&params["sessionId"]);
    let (sender, events) = mpsc::unbounded_channel();
    let context = info["browserContextId"].as_str().unwrap_or_default();
    if let Some(listener) = listeners.contexts.get(context) {
        listeners.sessions.insert(session.clone(), sender);
        let opener = info["openerId"].as_str().map(str::to_owned);
        let _ = listener.send(Attached { session, target: text(&info["targetId"]), opener, events });
    }
}

/// A text of a message; nothing where there is none.
pub(crate) fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}
