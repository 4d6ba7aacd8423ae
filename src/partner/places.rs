//! Places: what a browser does at the partner to log in, log out, use a feature.

use crate::agent::{AgentError, Browser, Navigation, Page, Submission, WantedForm, form_defaults};
use crate::model::exchange::Cause;
use crate::model::manifest::{Manifest, Place};
use crate::model::persona::Person;

/// The place of that name, as in case files: `login`, `feature` (the first that needs a scope), `feature:contacts`,
/// `endpoints.backchannel_logout`.
pub fn place<'m>(manifest: &'m Manifest, name: &str) -> Option<&'m Place> {
    let at = &manifest.at;
    if name == "feature" {
        return at.features.values().find(|place| !place.needs.is_empty()).or_else(|| at.features.values().next());
    }
    if let Some(feature) = name.strip_prefix("feature:") {
        return at.features.get(feature);
    }
    match name.strip_prefix("endpoints.") {
        Some(endpoint) => at.endpoints.get(endpoint),
        None => at.places.get(name).or_else(|| at.endpoints.get(name)),
    }
}

/// Opens a place in a tab: fetches the page with the form first where the place needs it.
///
/// # Errors
/// No page came of it.
pub async fn open_place(
    base: &str,
    browser: &Browser,
    tab: &str,
    place: &Place,
    person: Option<&Person>,
    adjust: &(dyn Fn(Navigation) -> Navigation + Sync),
    cause: &Cause,
) -> Result<Page, AgentError> {
    let url = absolute(base, &place.path);
    let method = place.method.clone().unwrap_or_else(|| "GET".to_owned()).to_uppercase();
    let own: Vec<(String, String)> =
        place.form.iter().map(|(name, value)| (name.clone(), filled(value, person))).collect();
    if method == "GET" && place.page.is_none() {
        let mut navigation = Navigation { url, ..Navigation::default() };
        if !own.is_empty() {
            navigation.url = with_query(&navigation.url, &own);
        }
        return browser.open(tab, adjust(navigation), cause).await;
    }
    let Some(page) = &place.page else {
        let navigation = Navigation { url, method, form: Some(own), ..Navigation::default() };
        return browser.open(tab, adjust(navigation), cause).await;
    };
    // The page's own hidden members (a CSRF token) go along.
    let shown = browser.open(tab, Navigation { url: absolute(base, page), ..Navigation::default() }, cause).await?;
    let wanted = match own.first() {
        Some((name, _)) => WantedForm::WithMember(name.clone()),
        None => WantedForm::First,
    };
    let plain = adjust(Navigation::default());
    let unchanged = plain.form.is_none() && plain.method.is_empty() && plain.headers.is_empty() && plain.url.is_empty();
    if unchanged {
        let submission = Submission { values: own, without: Vec::new() };
        return browser.submit(tab, &wanted, &submission, plain.stop_before, cause).await;
    }
    let mut members = form_defaults(&shown, &wanted).unwrap_or_default();
    members.retain(|(name, _)| !own.iter().any(|(own, _)| own == name));
    members.extend(own);
    let navigation = Navigation { url, method, form: Some(members), ..Navigation::default() };
    browser.open(tab, adjust(navigation), cause).await
}

/// A path of the manifest as an absolute URL.
pub(super) fn absolute(base: &str, path: &str) -> String {
    let path = path.replace("{base}", base);
    if path.contains("://") { path } else { format!("{base}{path}") }
}

fn filled(pattern: &str, person: Option<&Person>) -> String {
    let Some(person) = person else { return pattern.to_owned() };
    let mut out = pattern.to_owned();
    for field in ["email", "name", "username", "password", "sub"] {
        let mark = format!("{{{field}}}");
        if out.contains(&mark) {
            out = out.replace(&mark, &person.text(field).unwrap_or_default());
        }
    }
    out
}

fn with_query(url: &str, members: &[(String, String)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(members).finish();
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}{query}")
}
