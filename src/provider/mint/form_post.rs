//! The authorization response as a form that posts itself (OAuth 2.0 Form Post Response Mode, section 2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::model::markup::escaped;
use crate::model::wire::Wire;

use super::answer::{Answer, header};

/// The only script of the provider.
const SCRIPT: &str = "document.forms[0].submit()";

/// A page whose form carries the parameters to `to`, by itself or by the press of a button.
pub(super) fn page(to: &str, parameters: &Wire) -> Answer {
    let mut inputs = String::new();
    if let Wire::Object(members) = parameters {
        for (name, value) in members {
            inputs.push_str(&format!(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">\n",
                escaped(name),
                escaped(&value.to_text())
            ));
        }
    }
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Continue</title></head>\n<body>\n\
         <form data-step=\"form_post\" method=\"post\" action=\"{}\">\n{inputs}<noscript><button>Continue</button></noscript>\n</form>\n\
         <script>{SCRIPT}</script>\n</body></html>\n",
        escaped(to)
    );
    let mut answer = Answer::page(200, html);
    let digest = STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    answer.headers.retain(|(name, _)| name != "content-security-policy");
    let policy = format!("default-src 'none'; script-src 'sha256-{digest}'; frame-ancestors 'none'");
    answer.headers.push(header("content-security-policy", &policy));
    answer
}
