//! The browser against servers of a few lines: each rule over a real socket.

mod bounds;
mod cookies;
mod forms;
mod record;
mod server;
mod travel;

use std::sync::Arc;
use std::time::Duration;

use countersign::agent::{AgentError, Browser, Limits, Navigation, Page, Surroundings, Tag};
use countersign::model::exchange::{Cause, Party, Sequence};
use countersign::model::fault::ProviderName;

pub(crate) use server::{Reply, Server, html, reply, to};

/// A browser for whom `http://localhost:{port}` is the provider and `http://127.0.0.1:{port}` the partner.
pub(crate) fn browser(server: &Server) -> Browser {
    browser_with(server, Limits { answer: Duration::from_secs(20), ..Limits::default() })
}

pub(crate) fn browser_with(server: &Server, limits: Limits) -> Browser {
    Browser::new(
        "one",
        Surroundings {
            sequence: Sequence::default(),
            origins: vec![
                (server.named(""), Party::Provider(ProviderName::Main)),
                (server.at(""), Party::Partner),
                ("http://attacker.example".to_owned(), Party::Elsewhere),
            ],
            tag: Some(Tag {
                header: "x-countersign",
                value: Arc::new(|browser: &str, tab: &str| format!("{browser}/{tab}")),
            }),
            limits,
            tls: None,
            chromium: None,
        },
    )
}

pub(crate) fn cause() -> Cause {
    Cause { step: 3, browser: "one".to_owned(), tab: "first".to_owned(), ..Cause::default() }
}

pub(crate) fn get(url: &str) -> Navigation {
    Navigation { url: url.to_owned(), ..Navigation::default() }
}

pub(crate) async fn open(browser: &Browser, url: &str) -> Result<Page, AgentError> {
    browser.open("first", get(url), &cause()).await
}
