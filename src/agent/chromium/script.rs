//! The few lines of JavaScript that are run in pages.

use serde_json::{Value as Json, json};

use crate::agent::{Submission, WantedForm};

/// Comes back when the page has had its turn: one without scripts after what it has begun already; one with scripts after
/// what they may have begun without the network (timers, Web Crypto) had time to end.
pub(super) const TURN: &str = "(async () => {
    await new Promise(done => setTimeout(done));
    if (document.scripts.length === 0) return true;
    for (let round = 0; round < 3; round++) {
        if (crypto.subtle) await crypto.subtle.digest('SHA-256', new Uint8Array(1));
        await new Promise(done => requestIdleCallback(done, { timeout: 50 }));
        await new Promise(done => setTimeout(done, 5));
    }
    return true;
})()";

/// What is seen of a page.
pub(super) const LOOK: &str = "({
    url: location.href,
    text: document.body ? document.body.innerText : '',
    html: document.documentElement ? document.documentElement.outerHTML : '',
})";

/// Fills in a form and sends it the way a person does: by its button. Gives whether there is such a form.
pub(super) fn submit(wanted: &WantedForm, submission: &Submission) -> String {
    let (kind, name) = match wanted {
        WantedForm::First => ("first", ""),
        WantedForm::Step(step) => ("step", step.as_str()),
        WantedForm::WithMember(member) => ("member", member.as_str()),
    };
    let mut values: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, value) in &submission.values {
        match values.iter_mut().find(|(own, _)| own == name) {
            Some((_, list)) => list.push(value),
            None => values.push((name, vec![value])),
        }
    }
    let order: Json = json!({ "kind": kind, "name": name, "values": values, "without": submission.without });
    format!("({SUBMIT})({order})")
}

const SUBMIT: &str = "order => {
    const forms = [...document.forms];
    const form = forms.find(form => order.kind === 'first'
        || (order.kind === 'step' && form.dataset.step === order.name)
        || (order.kind === 'member' && [...form.elements].some(own => own.name === order.name)));
    if (!form) return false;
    const isButton = own => own.type === 'submit' || own.type === 'image';
    let button = null;
    for (const [name, values] of order.values) {
        const controls = [...form.elements].filter(own => own.name === name);
        const pressed = controls.find(own => isButton(own) && values.includes(own.value));
        if (pressed) { button = pressed; continue; }
        const rest = [...values];
        for (const control of controls.filter(own => !isButton(own))) {
            if (control.type === 'checkbox' || control.type === 'radio') {
                const at = rest.indexOf(control.value);
                control.checked = at >= 0;
                if (at >= 0) rest.splice(at, 1);
            } else if (control.tagName === 'SELECT') {
                for (const option of control.options) option.selected = values.includes(option.value);
                rest.length = 0;
            } else if (rest.length > 0) {
                control.value = rest.shift();
                control.dispatchEvent(new Event('input', { bubbles: true }));
                control.dispatchEvent(new Event('change', { bubbles: true }));
            } else {
                control.disabled = true;
            }
        }
        for (const value of rest) {
            const more = document.createElement('input');
            Object.assign(more, { type: 'hidden', name, value });
            form.append(more);
        }
    }
    for (const control of form.elements) {
        if (order.without.includes(control.name)) control.disabled = true;
    }
    button = button || [...form.elements].find(own => isButton(own) && !own.disabled) || null;
    form.noValidate = true;
    form.requestSubmit(button);
    return true;
}";

/// A page of another place that opens a URL as soon as it is shown: by a link, or by a form with these members.
pub(super) fn lure(url: &str, form: Option<&[(String, String)]>) -> String {
    let Some(members) = form else {
        return format!(
            "<!doctype html><title>elsewhere</title><a id=go href=\"{}\">on</a><script>go.click()</script>",
            escaped(url)
        );
    };
    let inputs: String = members
        .iter()
        .map(|(name, value)| format!("<textarea name=\"{}\">\n{}</textarea>", escaped(name), escaped(value)))
        .collect();
    format!(
        "<!doctype html><meta charset=utf-8><title>elsewhere</title><form id=go method=post action=\"{}\">{inputs}</form>\
         <script>HTMLFormElement.prototype.submit.call(go)</script>",
        escaped(url)
    )
}

/// A page of another place that opens a URL in a window of its own, as soon as it is shown.
pub(super) fn window(url: &str) -> String {
    format!(
        "<!doctype html><title>elsewhere</title><a id=go href=\"{}\"></a><script>var opened = open(go.href)</script>",
        escaped(url)
    )
}

/// What that page posts to the window that it opened, and to every frame in it.
pub(super) fn say(words: &str) -> String {
    format!("({SAY})({})", Json::from(words))
}

const SAY: &str = "words => {
    const all = [opened];
    for (let at = 0; at < all.length; at += 1) {
        for (let frame = 0; frame < all[at].length; frame += 1) all.push(all[at][frame]);
    }
    all.forEach(one => one.postMessage(words, '*'));
    return all.length;
}";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
