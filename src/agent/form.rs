//! Forms: which members a page's form would send, and what a person's entries make of them (HTML, "form submission").
//! It sends nothing.

use scraper::ElementRef;
use url::Url;

use super::html::{base, collapsed, elements, parse};
use super::{Submission, WantedForm};

/// How members travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// In the URL.
    Query,
    /// `application/x-www-form-urlencoded`
    UrlEncoded,
    /// `multipart/form-data`
    Multipart,
}

/// A form that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filled {
    pub action: Url,
    pub encoding: Encoding,
    pub members: Vec<(String, String)>,
}

/// The forms of a page, as they stand.
#[derive(Debug, Clone)]
pub(crate) struct Forms {
    here: Url,
    relative_to: Url,
    all: Vec<Form>,
}

/// A form of a page.
#[derive(Debug, Clone)]
struct Form {
    step: Option<String>,
    action: Option<String>,
    method: Option<String>,
    enctype: Option<String>,
    controls: Vec<Control>,
}

#[derive(Debug, Clone)]
struct Control {
    name: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// Goes along as it stands.
    Sent(String),
    /// An unchecked box, a list without choice.
    Idle,
    /// Sends the form; its member goes along only if it is the one that is pressed.
    Button { value: String, action: Option<String>, method: Option<String>, enctype: Option<String> },
}

impl WantedForm {
    /// For people.
    pub(crate) fn words(&self) -> String {
        match self {
            WantedForm::First => "at all".to_owned(),
            WantedForm::Step(step) => format!("of the step `{step}`"),
            WantedForm::WithMember(name) => format!("with a member `{name}`"),
        }
    }
}

impl Forms {
    /// Those of a page at `url`.
    pub(crate) fn read(body: &[u8], url: &Url) -> Forms {
        let html = parse(body);
        let elements = elements(&html);
        Forms::of(&elements, url, &base(&elements, url))
    }

    /// Those of a page at `url` whose elements are known.
    pub(crate) fn of(elements: &[ElementRef], url: &Url, relative_to: &Url) -> Forms {
        Forms { here: url.clone(), relative_to: relative_to.clone(), all: forms(elements) }
    }

    /// The form as it would be sent with these entries; `None`: there is no such form.
    pub(crate) fn filled(&self, wanted: &WantedForm, submission: &Submission) -> Option<Filled> {
        let form = self.all.iter().find(|form| form.is(wanted))?;
        let pressed = form.pressed(submission);
        let members = form.members(pressed, submission);
        let (own_action, own_method, own_enctype) = match pressed.map(|at| &form.controls[at].kind) {
            Some(Kind::Button { action, method, enctype, .. }) => {
                (action.as_deref(), method.as_deref(), enctype.as_deref())
            }
            _ => (None, None, None),
        };
        let action = own_action.or(form.action.as_deref()).map(str::trim).filter(|action| !action.is_empty());
        let action = match action {
            Some(action) => self.relative_to.join(action).ok()?,
            None => {
                let mut here = self.here.clone();
                here.set_fragment(None);
                here
            }
        };
        let method = own_method.or(form.method.as_deref());
        let is_post = method.is_some_and(|method| method.trim().eq_ignore_ascii_case("post"));
        let enctype = own_enctype.or(form.enctype.as_deref()).unwrap_or_default();
        let encoding = match (is_post, enctype.trim().eq_ignore_ascii_case("multipart/form-data")) {
            (false, _) => Encoding::Query,
            (true, true) => Encoding::Multipart,
            (true, false) => Encoding::UrlEncoded,
        };
        Some(Filled { action, encoding, members })
    }
}

impl Form {
    fn is(&self, wanted: &WantedForm) -> bool {
        match wanted {
            WantedForm::First => true,
            WantedForm::Step(step) => self.step.as_ref() == Some(step),
            WantedForm::WithMember(name) => self.controls.iter().any(|control| control.name == *name),
        }
    }

    /// The button whose member the entries name, else the first one, as with the Enter key.
    fn pressed(&self, submission: &Submission) -> Option<usize> {
        let is_button = |at: &usize| matches!(self.controls[*at].kind, Kind::Button { .. });
        let named = |at: &usize| match &self.controls[*at] {
            Control { name, kind: Kind::Button { value, .. } } if !name.is_empty() => {
                submission.values.iter().any(|(own, text)| own == name && text == value)
            }
            _ => false,
        };
        let all = || (0..self.controls.len()).filter(is_button);
        all().find(named).or_else(|| all().next())
    }

    fn members(&self, pressed: Option<usize>, submission: &Submission) -> Vec<(String, String)> {
        let mut members: Vec<(String, String)> = Vec::new();
        for (at, control) in self.controls.iter().enumerate().filter(|(_, control)| !control.name.is_empty()) {
            match &control.kind {
                Kind::Sent(value) => members.push((control.name.clone(), value.clone())),
                Kind::Button { value, .. } if pressed == Some(at) => {
                    members.push((control.name.clone(), value.clone()))
                }
                Kind::Idle | Kind::Button { .. } => {}
            }
        }
        let mut named: Vec<&str> = submission.values.iter().map(|(name, _)| name.as_str()).collect();
        named.dedup();
        for name in named {
            let texts = submission.values.iter().filter(|(own, _)| own == name).cloned();
            let place = members.iter().position(|(own, _)| own == name).unwrap_or(members.len());
            members.retain(|(own, _)| own != name);
            let place = place.min(members.len());
            members.splice(place..place, texts);
        }
        members.retain(|(name, _)| !submission.without.contains(name));
        members.iter_mut().for_each(|(_, value)| *value = with_crlf(value));
        members
    }
}

/// Line ends travel as CRLF.
fn with_crlf(text: &str) -> String {
    if text.contains(['\r', '\n']) {
        text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
    } else {
        text.to_owned()
    }
}

fn forms(all: &[ElementRef]) -> Vec<Form> {
    let mut owners: Vec<ElementRef> = Vec::new();
    let mut forms: Vec<Form> = Vec::new();
    for element in all {
        let name = element.value().name();
        let attr = |name: &str| element.attr(name).map(str::to_owned);
        if name == "form" {
            owners.push(*element);
            forms.push(Form {
                step: attr("data-step"),
                action: attr("action"),
                method: attr("method"),
                enctype: attr("enctype"),
                controls: Vec::new(),
            });
        }
    }
    let mut last = None;
    for element in all.iter().copied() {
        match element.value().name() {
            "form" => last = owners.iter().position(|owner| *owner == element),
            "input" | "select" | "textarea" | "button" => {
                let around = element.ancestors().filter_map(ElementRef::wrap).find(|up| up.value().name() == "form");
                let owner = match element.attr("form") {
                    Some(id) => owners.iter().position(|owner| owner.attr("id") == Some(id)),
                    None => match around {
                        Some(form) => owners.iter().position(|owner| *owner == form),
                        // The parser closes a form between the parts of a table at once, but its members stay its own.
                        None => last.filter(|at| !owners[*at].has_children()),
                    },
                };
                if let (Some(at), false) = (owner, is_disabled(element)) {
                    forms[at].controls.extend(controls(element));
                }
            }
            _ => {}
        }
    }
    forms
}

fn is_disabled(element: ElementRef) -> bool {
    element.attr("disabled").is_some()
        || element
            .ancestors()
            .filter_map(ElementRef::wrap)
            .any(|up| up.value().name() == "fieldset" && up.attr("disabled").is_some())
}

fn controls(element: ElementRef) -> Vec<Control> {
    let name = element.attr("name").unwrap_or_default().to_owned();
    let value = element.attr("value").map(str::to_owned);
    let kind = element.attr("type").unwrap_or_default().to_ascii_lowercase();
    let button = |value: String| {
        let attr = |name: &str| element.attr(name).map(str::to_owned);
        Kind::Button { value, action: attr("formaction"), method: attr("formmethod"), enctype: attr("formenctype") }
    };
    let kind = match (element.value().name(), kind.as_str()) {
        ("select", _) => return choices(element, &name),
        ("textarea", _) => Kind::Sent(element.text().collect()),
        ("button", "reset" | "button") | ("input", "reset" | "button") => return Vec::new(),
        ("button", _) | ("input", "submit") => button(value.unwrap_or_default()),
        // Its coordinates are its members; a person who cannot see where to click has none.
        ("input", "image") => return vec![Control { name: String::new(), kind: button(String::new()) }],
        ("input", "checkbox" | "radio") if element.attr("checked").is_none() => Kind::Idle,
        ("input", "checkbox" | "radio") => Kind::Sent(value.unwrap_or_else(|| "on".to_owned())),
        ("input", "file") => Kind::Sent(String::new()),
        ("input", "hidden") if name.eq_ignore_ascii_case("_charset_") => Kind::Sent("UTF-8".to_owned()),
        _ => Kind::Sent(value.unwrap_or_default()),
    };
    vec![Control { name, kind }]
}

fn choices(select: ElementRef, name: &str) -> Vec<Control> {
    let control = |kind: Kind| Control { name: name.to_owned(), kind };
    let options: Vec<ElementRef> = select
        .descendants()
        .filter_map(ElementRef::wrap)
        .filter(|element| element.value().name() == "option" && !is_unavailable(*element))
        .collect();
    let value = |option: &ElementRef| match option.attr("value") {
        Some(value) => value.to_owned(),
        None => collapsed(&option.text().collect::<String>()),
    };
    let chosen: Vec<&ElementRef> = options.iter().filter(|option| option.attr("selected").is_some()).collect();
    if select.attr("multiple").is_some() {
        let mut all = vec![control(Kind::Idle)];
        all.extend(chosen.iter().map(|option| control(Kind::Sent(value(option)))));
        return all;
    }
    let shown = chosen.last().copied().or_else(|| options.first());
    vec![control(shown.map_or(Kind::Idle, |option| Kind::Sent(value(option))))]
}

fn is_unavailable(option: ElementRef) -> bool {
    let group = option.parent().and_then(ElementRef::wrap).filter(|up| up.value().name() == "optgroup");
    option.attr("disabled").is_some() || group.is_some_and(|group| group.attr("disabled").is_some())
}

/// The body of a POST, and its type.
pub(crate) fn body(encoding: Encoding, members: &[(String, String)]) -> (String, Vec<u8>) {
    if encoding == Encoding::Multipart {
        return multipart(members);
    }
    ("application/x-www-form-urlencoded".to_owned(), urlencoded(members).into_bytes())
}

/// `a=1&b=2`
pub(crate) fn urlencoded(members: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(members).finish()
}

fn multipart(members: &[(String, String)]) -> (String, Vec<u8>) {
    let mut boundary = "----countersign".to_owned();
    while members.iter().any(|(name, value)| name.contains(&boundary) || value.contains(&boundary)) {
        boundary.push('-');
    }
    let mut body = String::new();
    for (name, value) in members {
        let name = with_crlf(name).replace("\r\n", "%0D%0A").replace('"', "%22");
        body.push_str(&format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    (format!("multipart/form-data; boundary={boundary}"), body.into_bytes())
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
