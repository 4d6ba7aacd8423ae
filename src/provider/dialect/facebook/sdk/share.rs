//! The dialog for sharing, which the script opens in a pop-up: what the page wants to be shared, a line of the person's
//! own, and her answer. Nothing is shared without her pressing the button, in a browser in which she is signed in.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::model::hex::hex;
use crate::model::persona::Item;
use crate::model::wire::Wire;
use crate::provider::authorize;
use crate::provider::inbound::{Inbound, one};
use crate::provider::ledger::Origin;
use crate::provider::mint::answer::{Answer, Carrier};
use crate::provider::mint::mac;
use crate::provider::pages;
use crate::provider::reply::Reply;
use crate::provider::state::{Shared, random_id};

use super::{Style, app, hand_over_path, refuse};

/// The names of the dialog.
const DIALOGS: [&str; 3] = ["dialog/share", "dialog/feed", "dialog/stream.publish"];
/// What a page may want to be shared, in the order in which it is shown.
const MEMBERS: [&str; 6] = ["name", "caption", "description", "link", "picture", "source"];

pub(super) fn is_dialog(path: &str) -> bool {
    DIALOGS.contains(&path)
}

/// The browser's session, and what proves that an answer comes from a page that was made for it.
fn signed_in(
    shared: &Shared,
    inbound: &Inbound,
    tagged: Option<&Origin>,
    about: &[&str],
) -> Option<(Origin, String, String)> {
    let origin = tagged.cloned().unwrap_or_else(|| shared.default_origin());
    let (id, session) = authorize::session_of(shared, inbound, &origin)?;
    let proof = hex(&mac::sha256(id.as_bytes(), about.join("\n").as_bytes()));
    Some((Origin { person: Some(session.person.clone()), ..origin }, session.person, proof))
}

/// What is to be shared: an address under `href` is a link.
fn story(parameters: &[(String, String)]) -> Vec<(&'static str, String)> {
    let value = |name: &str| one(parameters, name).filter(|text| !text.is_empty()).map(str::to_owned);
    let all = MEMBERS.iter().filter_map(|name| {
        let found = value(name).or_else(|| value("href").filter(|_| *name == "link"));
        found.map(|text| (*name, text))
    });
    all.collect()
}

pub(super) fn dialog(shared: &Shared, inbound: &Inbound, tagged: Option<&Origin>) -> Reply {
    let (client, origin) = match app(shared, inbound) {
        Ok(known) => known,
        Err(why) => return refuse(tagged, why),
    };
    let call = one(&inbound.query, "cb").unwrap_or_default();
    let Some((whose, person, proof)) = signed_in(shared, inbound, tagged, &[&client.id, &origin, call]) else {
        let text = "Sign in through the application first, and share afterwards.";
        return Reply::page(Answer::page(200, pages::done("Nobody is signed in", text))).from(tagged.cloned());
    };
    let story = story(&inbound.query);
    let rows: String = story
        .iter()
        .map(|(name, text)| format!("<dt>{}</dt><dd>{}</dd>\n", pages::escaped(name), pages::escaped(text)))
        .collect();
    let name = whose.attempt.person(&person).and_then(|person| person.text("name")).unwrap_or(person);
    let message = one(&inbound.query, "message").unwrap_or_default();
    let field = format!(
        "<p><label for=\"message\">Say something about it</label>\n<input type=\"text\" id=\"message\" name=\"message\" value=\"{}\"></p>\n",
        pages::escaped(message)
    );
    let buttons = pages::buttons(&[("decision", "share", "Share"), ("decision", "cancel", "Cancel")]);
    let mut hidden = vec![("client_id", client.id.as_str()), ("origin", &origin), ("cb", call), ("proof", &proof)];
    hidden.extend(story.iter().map(|(name, text)| (*name, text.as_str())));
    let action = shared.public_path("/www/dialog/share/answer");
    let form = pages::form("share", &action, &hidden, &(field + &buttons));
    let who = format!(
        "<p class=\"faint\">As <strong>{}</strong>, through {}.</p>\n<dl>\n{rows}</dl>\n",
        pages::escaped(&name),
        pages::escaped(&client.id)
    );
    let title = format!("Share on {}?", shared.dialect.title);
    Reply::page(Answer::page(200, pages::frame(&title, &(who + &form)))).from(Some(whose))
}

pub(super) fn answered(style: &Style, shared: &Shared, inbound: &Inbound, tagged: Option<&Origin>) -> Reply {
    let (client, origin) = match app(shared, inbound) {
        Ok(known) => known,
        Err(why) => return refuse(tagged, why),
    };
    let call = one(&inbound.form, "cb").unwrap_or_default();
    let known = signed_in(shared, inbound, tagged, &[&client.id, &origin, call]);
    let Some((whose, person, _)) = known.filter(|(.., proof)| one(&inbound.form, "proof") == Some(proof)) else {
        return refuse(tagged, "This dialog was not opened in this browser; nothing was shared.");
    };
    let mut members = Wire::object();
    if one(&inbound.form, "decision") == Some("share") {
        let own =
            one(&inbound.form, "message").filter(|text| !text.is_empty()).map(|text| ("message", text.to_owned()));
        let mut data: BTreeMap<String, Json> = story(&inbound.form)
            .into_iter()
            .chain(own)
            .map(|(name, text)| (name.to_owned(), Json::from(text)))
            .collect();
        let mut inner = whose.attempt.inner();
        if let Some(person) = inner.people.get_mut(&person) {
            let number: u64 = random_id().bytes().fold(0, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
            let id = format!("{}_{}", person.sub, number % 1_000_000_000_000);
            data.insert("id".to_owned(), Json::from(id.as_str()));
            person.edges.entry(style.wall.to_owned()).or_default().insert(0, Item { visible: None, data });
            members.push("post_id", id);
        }
    }
    if members == Wire::object() {
        members.push("cancelled", "1");
    }
    let to = hand_over_path(shared, &client.id, &origin, call);
    Reply::page(Answer::redirect(&to, members).by(Carrier::Fragment)).from(Some(whose))
}
