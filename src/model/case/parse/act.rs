//! Actions (CASE-LANGUAGE 1.3).

use std::ops::Range;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use crate::model::case::{
    AccountChange, Act, Answer, Change, Cookies, Expirable, FaultSource, How, Notify, ParPolicy, PkcePolicy,
    ProviderOptions, RefreshPolicy, ScopeAnswer, Scopes, SignIn, Site, Subject, Target, Via, Visit, Who,
};
use crate::model::manifest::PLACES;
use crate::model::persona::Audience;

use super::expect;
use super::fault::{fault, provider};
use super::reader::{Node, Reader, members};
use super::value::{named, repeated, seconds, value};

/// The words of actions.
pub(super) const ACTIONS: [&str; 11] =
    ["sign_in", "visit", "consent", "cookies", "change", "notify", "fault", "mend", "provider", "wait", "restart"];

/// The action, or the expectation, under a word.
pub(super) fn act<'t>(reader: &Reader<'t>, word: &str, node: Node<'t>) -> Option<Act> {
    Some(match word {
        "sign_in" => Act::SignIn(sign_in(reader, node)?),
        "visit" => Act::Visit(visit(reader, node)?),
        "consent" => {
            let table = reader.table_of(node)?;
            reader.only(table, &["as", "grant", "decline", "cancel"], "`consent`");
            Act::Consent(answer(reader, table))
        }
        "cookies" => Act::Cookies(cookies(reader, node)?),
        "change" => Act::Change(change(reader, node)?),
        "notify" => Act::Notify(notify(reader, node)?),
        "fault" => Act::Fault(match node.get_ref() {
            DeValue::String(text) if text == "variant" => FaultSource::Variant,
            DeValue::String(text) => {
                reader.error(node.span(), format!("`{text}` is no fault"), "fault = \"variant\", or a table with `in`");
                return None;
            }
            _ => FaultSource::Here(fault(reader, node)),
        }),
        "mend" => Act::Mend(reader.text_of(node)?),
        "provider" => Act::Provider(options(reader, node)?),
        "wait" => Act::Wait(reader.duration_of(node)?),
        "restart" => {
            if reader.bool_of(node)? {
                Act::Restart
            } else {
                reader.error(node.span(), "`restart = false` does nothing", "leave the step out");
                return None;
            }
        }
        _ => Act::Expect(Box::new(expect::expectation(reader, node)?)),
    })
}

fn who<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Who> {
    reader.person(node).map(|name| if name == "someone" { Who::Someone } else { Who::Named(name) })
}

fn answer<'t>(reader: &Reader<'t>, table: &'t DeTable<'t>) -> Answer {
    let mut answer = Answer::default();
    if let Some(who) = table.get("as").and_then(|node| who(reader, node)) {
        answer.who = who;
    }
    let mut said: Vec<(&str, Range<usize>, ScopeAnswer)> = Vec::new();
    for (name, span, node) in members(table) {
        let scopes = match name {
            "grant" => ScopeAnswer::Grant(value(reader, node)),
            "decline" => match node.get_ref() {
                DeValue::String(text) if text == "optional" => ScopeAnswer::DeclineOptional,
                _ => ScopeAnswer::Decline(value(reader, node)),
            },
            "cancel" => match reader.bool_of(node) {
                Some(true) => ScopeAnswer::Cancel,
                _ => continue,
            },
            _ => continue,
        };
        said.push((name, span, scopes));
    }
    if let [first, second, ..] = said.as_slice() {
        let message = format!("a person gives one answer; this one has `{}` and `{}`", first.0, second.0);
        reader.error(second.1.clone(), message, "keep one of grant, decline and cancel");
    }
    if let Some((_, _, scopes)) = said.into_iter().next() {
        answer.scopes = scopes;
    }
    answer
}

fn sign_in<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<SignIn> {
    let table = reader.table_of(node)?;
    reader.only(table, &["as", "at", "grant", "decline", "cancel", "stop", "while_signed_in"], "`sign_in`");
    let callback = |word: &str| (word == "callback").then_some(true);
    let stop = table.get("stop").and_then(|node| reader.word_of(node, "place to stop", &["callback"], callback));
    Some(SignIn {
        answer: answer(reader, table),
        at: table.get("at").and_then(|node| provider(reader, node)).unwrap_or_default(),
        stop_at_callback: stop.unwrap_or_default(),
        while_signed_in: table.get("while_signed_in").and_then(|node| reader.bool_of(node)).unwrap_or_default(),
    })
}

fn visit<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Visit> {
    if let DeValue::String(_) = node.get_ref() {
        return Some(Visit::to(target(reader, node)?));
    }
    let table = reader.table_of(node)?;
    let keys = ["to", "url", "at", "as", "set", "drop", "duplicate", "headers", "method", "from", "how", "says"];
    reader.only(table, &keys, "`visit`");
    let target = match (table.get("to"), table.get("url")) {
        (Some(place), None) => target(reader, place)?,
        (None, Some(url)) => Target::Url(value(reader, url)),
        (Some(_), Some(url)) => {
            reader.error(url.span(), "a visit goes to a place or to an address", "keep one of `to` and `url`");
            return None;
        }
        (None, None) => {
            reader.error(
                node.span(),
                "a visit says where it goes",
                "visit = \"login\", visit = { to = \"callback\", set = … }",
            );
            return None;
        }
    };
    let site = |word: &str| match word {
        "attacker" => Some(Site::Attacker),
        "provider" => Some(Site::Provider),
        _ => None,
    };
    let how = |word: &str| match word {
        "link" => Some(How::Link),
        "form" => Some(How::Form),
        "frame" => Some(How::Frame),
        "image" => Some(How::Image),
        "fetch" => Some(How::Fetch),
        "window" => Some(How::Window),
        _ => None,
    };
    let hows = ["link", "form", "frame", "image", "fetch", "window"];
    let how = table.get("how").and_then(|node| reader.word_of(node, "way to cause a request", &hows, how));
    let how = how.unwrap_or_default();
    let site = table.get("from").and_then(|node| reader.word_of(node, "site", &["attacker", "provider"], site));
    let says = table.get("says");
    if let Some(says) = says.filter(|_| how != How::Window || site.is_none()) {
        let help = "visit = { to = …, from = \"attacker\", how = \"window\", says = … }";
        reader.error(says.span(), "only a site that opens a window can post something to it", help);
    }
    Some(Visit {
        target,
        at: table.get("at").and_then(|node| provider(reader, node)).unwrap_or_default(),
        who: table.get("as").and_then(|node| who(reader, node)),
        set: table.get("set").map(|node| named(reader, node)).unwrap_or_default(),
        drop: table.get("drop").map(|node| reader.texts_of(node)).unwrap_or_default(),
        duplicate: table.get("duplicate").map(|node| repeated(reader, node)).unwrap_or_default(),
        headers: table.get("headers").map(|node| named(reader, node)).unwrap_or_default(),
        method: table.get("method").and_then(|node| reader.text_of(node)),
        from: site,
        how,
        says: says.map(|node| value(reader, node)),
    })
}

fn target<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Target> {
    let text = reader.text_of(node)?;
    Some(match text.as_str() {
        "reload" => Target::Reload,
        "back" => Target::Back,
        place => {
            let known = PLACES.contains(&place)
                || place == "feature"
                || place.starts_with("feature:")
                || place.starts_with("endpoints.");
            if !known {
                let all: Vec<&str> = PLACES.iter().copied().chain(["feature", "reload", "back"]).collect();
                reader.unknown(node.span(), &format!("`{place}` is no place"), place, &all, "place");
                return None;
            }
            Target::Place(text)
        }
    })
}

fn cookies<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Cookies> {
    let table = reader.table_of(node)?;
    reader.only(table, &["plant", "as", "set", "drop"], "`cookies`");
    let session = |word: &str| (word == "session").then_some(true);
    Some(Cookies {
        plant: table.get("plant").map(|node| value(reader, node)),
        as_session: table
            .get("as")
            .and_then(|node| reader.word_of(node, "cookie", &["session"], session))
            .unwrap_or_default(),
        set: table.get("set").map(|node| named(reader, node)).unwrap_or_default(),
        drop: table.get("drop").map(|node| reader.texts_of(node)).unwrap_or_default(),
    })
}

fn change<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Change> {
    let table = reader.table_of(node)?;
    let keys = ["of", "at", "set", "drop", "visible", "account", "withdraw", "restore", "expire", "notify"];
    reader.only(table, &keys, "`change`");
    let Some(of) = table.get("of") else {
        reader.error(node.span(), "a change says of whom", "change = { of = \"alice\", withdraw = \"all\" }");
        return None;
    };
    let account = |word: &str| match word {
        "new" => Some(AccountChange::New),
        "disabled" => Some(AccountChange::Disabled),
        "enabled" => Some(AccountChange::Enabled),
        "deleted" => Some(AccountChange::Deleted),
        "signed_out" => Some(AccountChange::SignedOut),
        _ => None,
    };
    let accounts = ["new", "disabled", "enabled", "deleted", "signed_out"];
    let expire = |word: &str| match word {
        "access_token" => Some(Expirable::AccessToken),
        "refresh_token" => Some(Expirable::RefreshToken),
        "code" => Some(Expirable::Code),
        _ => None,
    };
    let told = |word: &str| match word {
        "default" => Some(true),
        "nothing" => Some(false),
        _ => None,
    };
    Some(Change {
        of: reader.person(of)?,
        at: table.get("at").and_then(|node| provider(reader, node)).unwrap_or_default(),
        set: table.get("set").map(|node| named(reader, node)).unwrap_or_default(),
        drop: table.get("drop").map(|node| value(reader, node)),
        visible: table.get("visible").map(|node| visible(reader, node)).unwrap_or_default(),
        account: table.get("account").and_then(|node| reader.word_of(node, "state of an account", &accounts, account)),
        withdraw: table.get("withdraw").map(|node| scopes(reader, node)),
        restore: table.get("restore").map(|node| scopes(reader, node)),
        expire: table.get("expire").and_then(|node| {
            reader.word_of(node, "thing that expires", &["access_token", "refresh_token", "code"], expire)
        }),
        notify: table.get("notify").and_then(|node| reader.word_of(node, "signal", &["default", "nothing"], told)),
    })
}

fn visible<'t>(reader: &Reader<'t>, node: Node<'t>) -> Vec<(String, Audience)> {
    let audience = |word: &str| match word {
        "public" => Some(Audience::Everyone),
        "friends" => Some(Audience::Friends),
        "only_me" => Some(Audience::OnlyMe),
        _ => None,
    };
    let Some(table) = reader.table_of(node) else { return Vec::new() };
    let words = ["public", "friends", "only_me"];
    members(table)
        .into_iter()
        .filter_map(|(name, _, node)| {
            reader.word_of(node, "audience", &words, audience).map(|own| (name.to_owned(), own))
        })
        .collect()
}

fn scopes<'t>(reader: &Reader<'t>, node: Node<'t>) -> Scopes {
    match node.get_ref() {
        DeValue::String(text) if text == "all" => Scopes::All,
        _ => Scopes::These(value(reader, node)),
    }
}

pub(super) const MESSAGES: [&str; 5] =
    ["logout_token", "security_event", "signed_request", "platform_event", "frontchannel_logout"];

fn notify<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Notify> {
    let table = reader.table_of(node)?;
    reader.only(table, &["send", "about", "at", "subject", "event", "to", "via"], "`notify`");
    let Some(send) = table.get("send") else {
        reader.error(node.span(), "a notification says what it sends", "notify = { send = \"logout_token\" }");
        return None;
    };
    let known =
        |word: &str| (MESSAGES.contains(&word) || reader.vocabulary.objects.contains(word)).then(|| word.to_owned());
    let via = |word: &str| match word {
        "push" => Some(Via::Push),
        "poll" => Some(Via::Poll),
        "frame" => Some(Via::Frame),
        _ => None,
    };
    let send = reader.word_of(send, "message that is sent", &MESSAGES, known)?;
    // There is no other way for it.
    let usual = if send == "frontchannel_logout" { Via::Frame } else { Via::default() };
    Some(Notify {
        send,
        about: table.get("about").and_then(|node| reader.person(node)).unwrap_or_else(|| "alice".to_owned()),
        at: table.get("at").and_then(|node| provider(reader, node)).unwrap_or_default(),
        subject: table.get("subject").and_then(|node| subject(reader, node)),
        event: table.get("event").and_then(|node| reader.text_of(node)),
        to: table.get("to").and_then(|node| reader.text_of(node)),
        via: table
            .get("via")
            .and_then(|node| reader.word_of(node, "way", &["push", "poll", "frame"], via))
            .unwrap_or(usual),
    })
}

fn subject<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<Subject> {
    if let DeValue::Table(_) = node.get_ref() {
        return Some(Subject::Table(value(reader, node)));
    }
    let words = ["sub", "sid", "both", "none", "email", "session"];
    reader.word_of(node, "subject", &words, |word| match word {
        "sub" => Some(Subject::Sub),
        "sid" => Some(Subject::Sid),
        "both" => Some(Subject::Both),
        "none" => Some(Subject::None),
        "email" => Some(Subject::Email),
        "session" => Some(Subject::Session),
        _ => None,
    })
}

/// Keys that may take the place of the provider's first one.
pub(super) const NEXT_KEYS: [&str; 2] = ["second", "fresh"];

/// Options of every dialect.
const OPTIONS: [&str; 13] = [
    "at",
    "clock",
    "pkce",
    "iss_parameter",
    "par",
    "refresh",
    "access_lifetime",
    "keys_max_age",
    "key",
    "consent",
    "client_secret",
    "device_interval",
    "poll_batch",
];

fn options<'t>(reader: &Reader<'t>, node: Node<'t>) -> Option<ProviderOptions> {
    let table = reader.table_of(node)?;
    let mut all = ProviderOptions::default();
    let length = |node: Node<'t>| -> Option<Duration> { reader.duration_of(node) };
    for (name, _, node) in members(table) {
        match name {
            "at" => all.at = provider(reader, node).unwrap_or_default(),
            "clock" => all.clock = seconds(reader, node),
            "pkce" => {
                all.pkce = reader.word_of(node, "policy", &["check", "ignore", "require"], |word| match word {
                    "check" => Some(PkcePolicy::Check),
                    "ignore" => Some(PkcePolicy::Ignore),
                    "require" => Some(PkcePolicy::Require),
                    _ => None,
                });
            }
            "iss_parameter" => all.iss_parameter = reader.bool_of(node),
            "par" => {
                all.par = reader.word_of(node, "policy", &["off", "offer", "require"], |word| match word {
                    "off" => Some(ParPolicy::Off),
                    "offer" => Some(ParPolicy::Offer),
                    "require" => Some(ParPolicy::Require),
                    _ => None,
                });
            }
            "refresh" => {
                all.refresh =
                    reader.word_of(node, "policy", &["rotate", "keep", "strict", "none"], |word| match word {
                        "rotate" => Some(RefreshPolicy::Rotate),
                        "keep" => Some(RefreshPolicy::Keep),
                        "strict" => Some(RefreshPolicy::Strict),
                        "none" => Some(RefreshPolicy::None),
                        _ => None,
                    });
            }
            "access_lifetime" => all.access_lifetime = length(node),
            "keys_max_age" => all.keys_max_age = length(node),
            "key" => {
                all.key =
                    reader.word_of(node, "key", &NEXT_KEYS, |word| NEXT_KEYS.into_iter().find(|own| *own == word));
            }
            "consent" => {
                all.consent_remembered = reader.word_of(node, "policy", &["ask", "remember"], |word| match word {
                    "ask" => Some(false),
                    "remember" => Some(true),
                    _ => None,
                });
            }
            "client_secret" => all.client_secret = Some(value(reader, node)),
            "device_interval" => all.device_interval = length(node),
            "poll_batch" => {
                all.poll_batch = reader.count_of(node, 1, 1_000).and_then(|batch| u32::try_from(batch).ok());
            }
            // Dialects add options; which values one takes is known when the case is played.
            own if !reader.vocabulary.dialects.is_empty() && !reader.vocabulary.options.contains(own) => {
                let options = reader.vocabulary.options.iter().map(String::as_str);
                let known: Vec<&str> = OPTIONS.into_iter().chain(options).collect();
                reader.unknown(node.span(), &format!("no provider has the option `{own}`"), own, &known, "option");
            }
            own => all.dialect.push((own.to_owned(), value(reader, node))),
        }
    }
    Some(all)
}
