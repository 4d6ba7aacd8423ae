//! Odd ways through a login that are right: the login under way in a signed cookie instead of at the server, the code
//! redeemed behind a page that says to wait, the end of it in a pop-up.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::state::{App, Transaction, random};
use super::web::{Page, Visit, escaped};

/// Waiting pages open at a time.
const WAITING: usize = 1_000;

fn mac(app: &App, text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(app.constant.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac
}

/// The login under way as the value of a cookie that nobody else can write.
pub(super) fn sealed(app: &App, transaction: &Transaction) -> String {
    let text = URL_SAFE_NO_PAD.encode(serde_json::to_vec(transaction).unwrap_or_default());
    let seal = URL_SAFE_NO_PAD.encode(mac(app, &text).finalize().into_bytes());
    format!("{text}.{seal}")
}

/// The login under way from a cookie that [`sealed`] made.
pub(super) fn unsealed(app: &App, cookie: &str) -> Option<Transaction> {
    let (text, seal) = cookie.split_once('.')?;
    mac(app, text).verify_slice(&URL_SAFE_NO_PAD.decode(seal).ok()?).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// Goes on with a callback in the background; the browser gets a page that comes back for the end of it.
pub(super) fn wait_for(app: &App, work: impl Future<Output = Page> + Send + 'static) -> Page {
    let ticket = random();
    let task = tokio::spawn(work);
    let mut inner = app.inner();
    if inner.waiting.len() >= WAITING {
        inner.waiting.clear();
    }
    inner.waiting.insert(ticket.clone(), task);
    let refresh =
        format!("<meta http-equiv=\"refresh\" content=\"0; url=/callback/wait?ticket={}\">", escaped(&ticket));
    Page::html(200, "One moment", &format!("{refresh}<p>You are being signed in.</p>"))
}

/// The end of a login that was begun behind a waiting page.
pub(super) async fn waited(app: &Arc<App>, visit: &Visit) -> Page {
    let ticket = visit.query.get("ticket").cloned().unwrap_or_default();
    let task = app.inner().waiting.remove(&ticket);
    match task {
        Some(task) => task.await.unwrap_or_else(|_| Page::sorry(500, "Something went wrong here.")),
        None => Page::to("/"),
    }
}

/// What a pop-up shows when the login is over: it tells its opener and closes.
pub(super) fn in_a_pop_up(page: Page) -> Page {
    let script = "<script>if (window.opener) { window.opener.postMessage('signed-in', location.origin); window.close() }</script>";
    let content = format!("<p>You are signed in and may close this window.</p>{script}");
    Page { cookie: page.cookie, login: page.login, ..Page::html(200, "Signed in", &content) }
}
