//! The mint against third parties: what it signs is verified, and what it spoils is refused, by libraries that did not
//! make it; what it paces is watched over a real connection.

mod answers;
mod paces;
mod served;
mod tokens;

use countersign::model::fault::{Address, Endpoint, Layer, Message, Object, Operations, Patch, Selectors};
use countersign::model::value::{Environment, KeyForm, RunValue, Source, Value};
use countersign::model::wire::Wire;
use countersign::provider::mint::answer::request_parameters;
use countersign::provider::mint::keys;

/// What a provider would know.
struct Known;

impl Environment for Known {
    fn source(&self, source: &Source) -> Option<Wire> {
        match source {
            Source::Key { key, form, .. } => keys::public_for(key, "RS256", *form),
            own if *own == request_parameters() => {
                Some(Wire::from(serde_json::json!({ "state": "s 1", "scope": "openid" })))
            }
            _ => None,
        }
    }
}

fn run(source: Source) -> Value {
    Value::Run(Box::new(RunValue { source, transforms: Vec::new() }))
}

fn key(name: &str, form: KeyForm) -> Value {
    run(Source::Key { key: name.to_owned(), form, members: Vec::new() })
}

fn patch(message: Message, layer: Layer, operations: Operations) -> Patch {
    Patch { address: Address { message, layer }, selectors: Selectors::default(), operations }
}

fn of_token(layer: Layer, operations: Operations) -> Patch {
    patch(Message::Object(Object::IdToken), layer, operations)
}

fn of_answer(layer: Layer, operations: Operations) -> Patch {
    patch(Message::Response(Endpoint::Token), layer, operations)
}
