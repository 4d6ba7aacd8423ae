//! Actions in words.

use std::time::Duration;

use crate::model::case::{
    AccountChange, Act, Answer, Case, Change, Cookies, Expirable, FaultSource, How, Notify, ParPolicy, PkcePolicy,
    ProviderOptions, RefreshPolicy, ScopeAnswer, Scopes, SignIn, Site, Subject, Target, Via, Visit, Who,
};
use crate::model::fault::ProviderName;
use crate::model::persona::Audience;

use super::{expectations, faults, number_of, values};

/// One action or expectation.
pub(super) fn act(act: &Act, case: &Case) -> String {
    match act {
        Act::SignIn(sign_in) => sign_in_words(sign_in),
        Act::Visit(visit) => visit_words(visit),
        Act::Consent(own) => format!("{} answers the provider's page{}", who(&own.who), answer(own)),
        Act::Cookies(cookies) => cookies_words(cookies),
        Act::Change(change) => change_words(change),
        Act::Notify(notify) => notify_words(notify),
        Act::Fault(FaultSource::Variant) => "from now on, the variant's deviation".to_owned(),
        Act::Fault(FaultSource::Here(fault)) => format!("from now on, {}", faults::fault(fault)),
        Act::Mend(name) if name == "all" => "every deviation is over; what was held goes out".to_owned(),
        Act::Mend(name) => format!("the deviation of {} is over; what it held goes out", number_of(case, name)),
        Act::Provider(options) => provider_words(options),
        Act::Wait(length) => format!("{} pass at the partner", seconds(*length)),
        Act::Restart => "the partner is restarted".to_owned(),
        Act::Expect(expectation) => format!("expect: {}", expectations::expectation(expectation, case)),
    }
}

pub(super) fn seconds(length: Duration) -> String {
    format!("{} s", length.as_secs_f64())
}

/// Empty for the provider that every partner has.
pub(super) fn at(provider: ProviderName) -> String {
    match provider {
        ProviderName::Main => String::new(),
        other => format!(" at the provider \"{}\"", other.name()),
    }
}

fn who(who: &Who) -> String {
    match who {
        Who::Named(name) => name.clone(),
        Who::Someone => "somebody new".to_owned(),
    }
}

fn sign_in_words(sign_in: &SignIn) -> String {
    let again = if sign_in.while_signed_in { ", without signing out before" } else { "" };
    let stop = if sign_in.stop_at_callback { ", and stops before opening the provider's answer" } else { "" };
    format!("{} signs in{}{}{again}{stop}", who(&sign_in.answer.who), at(sign_in.at), answer(&sign_in.answer))
}

fn answer(answer: &Answer) -> String {
    match &answer.scopes {
        ScopeAnswer::Everything => String::new(),
        ScopeAnswer::Grant(value) => format!(" and grants only {}", values::value(value)),
        ScopeAnswer::Decline(value) => format!(" and declines {}", values::value(value)),
        ScopeAnswer::DeclineOptional => " and declines everything optional".to_owned(),
        ScopeAnswer::Cancel => " but refuses".to_owned(),
    }
}

fn visit_words(visit: &Visit) -> String {
    let subject = visit.who.as_ref().map_or("the browser".to_owned(), who);
    let target = match &visit.target {
        Target::Place(place) => format!("opens the partner's {}", place_words(place)),
        Target::Url(value) => format!("opens {}", values::value(value)),
        Target::Reload => "reloads the page".to_owned(),
        Target::Back => "goes back".to_owned(),
    };
    let mut words = format!("{subject} {target}{}", at(visit.at));
    for (name, value) in &visit.set {
        words.push_str(&format!(", with {name} = {}", values::value(value)));
    }
    for name in &visit.drop {
        words.push_str(&format!(", without {name}"));
    }
    for (name, list) in &visit.duplicate {
        let list: Vec<String> = list.iter().map(values::value).collect();
        words.push_str(&format!(", with {name} more than once: {}", list.join(" and ")));
    }
    for (name, value) in &visit.headers {
        words.push_str(&format!(", with the header {name}: {}", values::value(value)));
    }
    if let Some(method) = &visit.method {
        words.push_str(&format!(", by {method}"));
    }
    if let Some(site) = visit.from {
        let site = match site {
            Site::Attacker => "the attacker's site",
            Site::Provider => "the provider's site",
        };
        let how = match visit.how {
            How::Link => "a link",
            How::Form => "a form",
            How::Frame => "a frame",
            How::Image => "an image",
            How::Fetch => "a script",
            How::Window => "a window opened",
        };
        words.push_str(&format!(", caused by {how} on {site}"));
        if let Some(says) = &visit.says {
            words.push_str(&format!(", which posts {} to it and to every frame in it", values::value(says)));
        }
    }
    words
}

pub(super) fn place_words(place: &str) -> String {
    match place.split_once([':', '.']) {
        Some(("feature", name)) => format!("feature \"{name}\""),
        Some(("endpoints", name)) => format!("endpoint {name}"),
        _ => match place {
            "feature" => "first feature that needs a scope".to_owned(),
            other => other.replace('_', " "),
        },
    }
}

fn cookies_words(cookies: &Cookies) -> String {
    let mut parts = Vec::new();
    if let Some(value) = &cookies.plant {
        let under = if cookies.as_session { " under the session cookie's name" } else { "" };
        parts.push(format!("gets the cookies of {}{under}", values::value(value)));
    }
    for (name, value) in &cookies.set {
        parts.push(format!("gets the cookie {name} = {}", values::value(value)));
    }
    for name in &cookies.drop {
        parts.push(match name.as_str() {
            "all" => "loses every cookie".to_owned(),
            "session" => "loses the session cookie".to_owned(),
            other => format!("loses the cookie {other}"),
        });
    }
    format!("the browser {}", parts.join(" and "))
}

fn change_words(change: &Change) -> String {
    let mut parts = Vec::new();
    for (name, value) in &change.set {
        let name = if name == "*" { "every text" } else { name };
        parts.push(format!("{name} becomes {}", values::value(value)));
    }
    if let Some(value) = &change.drop {
        parts.push(format!("{} vanishes", values::value(value)));
    }
    for (name, audience) in &change.visible {
        parts.push(match audience {
            Audience::Everyone => format!("{name} is for everybody"),
            Audience::Friends => format!("{name} is for friends only"),
            Audience::FriendsOfFriends => format!("{name} is for friends and their friends only"),
            Audience::OnlyMe => format!("{name} is for nobody else"),
            Audience::Custom(_) => format!("{name} is for chosen people only"),
        });
    }
    parts.extend(change.withdraw.as_ref().map(|scopes| format!("{} is withdrawn", scopes_words(scopes))));
    parts.extend(change.restore.as_ref().map(|scopes| format!("{} is granted again", scopes_words(scopes))));
    parts.extend(change.expire.map(|expired| {
        let what = match expired {
            Expirable::AccessToken => "access token",
            Expirable::RefreshToken => "refresh token",
            Expirable::Code => "code",
        };
        format!("the {what} expires")
    }));
    parts.extend(change.account.map(|account| {
        match account {
            AccountChange::New => "the account is replaced by a new one with the same data",
            AccountChange::Disabled => "the account is disabled",
            AccountChange::Enabled => "the account is enabled again",
            AccountChange::Deleted => "the account is deleted",
            AccountChange::SignedOut => "the person is signed out",
        }
        .to_owned()
    }));
    let told = match change.notify {
        Some(false) => ", and the partner is not told",
        Some(true) => ", and the partner is told in the usual way",
        None => "",
    };
    let provider =
        if change.at == ProviderName::Main { "the provider".to_owned() } else { change.at.name().to_owned() };
    format!("at {provider}, of {}: {}{told}", change.of, parts.join("; "))
}

fn scopes_words(scopes: &Scopes) -> String {
    match scopes {
        Scopes::All => "everything that was granted".to_owned(),
        Scopes::These(value) => values::value(value),
    }
}

fn notify_words(notify: &Notify) -> String {
    let named = match &notify.subject {
        None => String::new(),
        Some(subject) => match subject {
            Subject::Sub => ", named by sub".to_owned(),
            Subject::Sid | Subject::Session => ", named by this browser's session".to_owned(),
            Subject::Both => ", named by sub and session".to_owned(),
            Subject::None => ", without naming anybody".to_owned(),
            Subject::Email => ", named by e-mail address".to_owned(),
            Subject::Table(value) => format!(", named by {}", values::value(value)),
        },
    };
    let event = notify.event.as_ref().map(|event| format!(" ({event})")).unwrap_or_default();
    let to = notify.to.as_ref().map(|to| format!(" to the endpoint {to}")).unwrap_or_default();
    let via = match notify.via {
        Via::Push => "",
        Via::Poll => ", to be fetched by the partner",
        Via::Frame => ", through a frame in the browser",
    };
    let sender = if notify.at == ProviderName::Main {
        "the provider".to_owned()
    } else {
        format!("the provider \"{}\"", notify.at.name())
    };
    format!("{sender} sends the partner a {}{event} about {}{named}{to}{via}", notify.send, notify.about)
}

fn provider_words(options: &ProviderOptions) -> String {
    let mut parts = Vec::new();
    parts.extend(options.clock.map(|seconds| format!("its clock is {seconds:+} s off")));
    parts.extend(options.pkce.map(|policy| {
        match policy {
            PkcePolicy::Check => "it checks PKCE where it is used",
            PkcePolicy::Ignore => "it ignores PKCE",
            PkcePolicy::Require => "it requires PKCE",
        }
        .to_owned()
    }));
    parts.extend(
        options.iss_parameter.map(|on| {
            format!("its authorization responses {} iss (RFC 9207)", if on { "name" } else { "do not name" })
        }),
    );
    parts.extend(options.par.map(|policy| {
        match policy {
            ParPolicy::Off => "it takes no pushed authorization requests",
            ParPolicy::Offer => "it offers pushed authorization requests",
            ParPolicy::Require => "it requires pushed authorization requests",
        }
        .to_owned()
    }));
    parts.extend(options.refresh.map(|policy| {
        match policy {
            RefreshPolicy::Rotate => "each refresh gives a new refresh token",
            RefreshPolicy::Keep => "refresh tokens stay the same",
            RefreshPolicy::Strict => "a refresh token that is used twice revokes the whole grant",
            RefreshPolicy::None => "it gives no refresh tokens",
        }
        .to_owned()
    }));
    parts.extend(options.access_lifetime.map(|length| format!("access tokens live for {}", seconds(length))));
    parts.extend(options.keys_max_age.map(|length| format!("its keys may be cached for {}", seconds(length))));
    parts.extend(
        options.key.map(|key| format!("it signs with its key \"{key}\", and publishes those before it as well")),
    );
    parts.extend(
        options.consent_remembered.map(|on| if on { "it remembers consent" } else { "it asks every time" }.to_owned()),
    );
    parts.extend(options.client_secret.as_ref().map(|value| format!("the client secret is {}", values::value(value))));
    parts.extend(options.device_interval.map(|length| format!("devices may ask every {}", seconds(length))));
    parts.extend(options.poll_batch.map(|batch| format!("{batch} events per answer")));
    parts.extend(options.dialect.iter().map(|(name, value)| format!("{name} is {}", values::value(value))));
    format!("from now on, of the provider{}, honestly: {}", at(options.at), parts.join("; "))
}
