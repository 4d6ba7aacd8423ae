//! Working out the run-time values of faults and expectations that the driver knows; the rest is left to the provider.

use crate::model::case::{AccountIs, Change, Expectation, Expected, FieldIs, ProviderOptions, Scopes};
use crate::model::fault::{ErrorAnswer, Fault, Operations, Patch, ProviderName, Redirect, Sign, SigningKey};
use crate::model::value::{Environment, Value};

/// Named values, each bound.
pub fn members(members: &[(String, Value)], environment: &dyn Environment) -> Vec<(String, Value)> {
    members.iter().map(|(name, value)| (name.clone(), value.bind(environment))).collect()
}

/// Names with several values, each bound.
pub fn repeated(members: &[(String, Vec<Value>)], environment: &dyn Environment) -> Vec<(String, Vec<Value>)> {
    members.iter().map(|(name, values)| (name.clone(), list(values, environment))).collect()
}

fn list(values: &[Value], environment: &dyn Environment) -> Vec<Value> {
    values.iter().map(|value| value.bind(environment)).collect()
}

/// A fault as the providers get it; `environment` is what is known where a patch goes.
pub fn fault<'e>(fault: &Fault, environment: &dyn Fn(ProviderName) -> Box<dyn Environment + 'e>) -> Fault {
    Fault {
        patches: fault
            .patches
            .iter()
            .map(|patch| Patch {
                address: patch.address.clone(),
                selectors: patch.selectors.clone(),
                operations: operations(&patch.operations, environment(patch.selectors.at).as_ref()),
            })
            .collect(),
    }
}

fn operations(operations: &Operations, environment: &dyn Environment) -> Operations {
    let bind = |value: &Value| value.bind(environment);
    Operations {
        set: members(&operations.set, environment),
        drop: operations.drop.clone(),
        duplicate: repeated(&operations.duplicate, environment),
        sign: operations.sign.as_ref().map(|sign| Sign {
            alg: sign.alg.as_ref().map(bind),
            key: sign.key.as_ref().map(|key| match key {
                SigningKey::Material(value) => SigningKey::Material(bind(value)),
                named => named.clone(),
            }),
            signature: sign.signature,
            payload_flipped: sign.payload_flipped,
        }),
        encode: operations.encode.clone(),
        replace: operations.replace.as_ref().map(bind),
        error: operations.error.as_ref().map(|error| ErrorAnswer {
            code: error.code.clone(),
            description: error.description.as_ref().map(bind),
            uri: error.uri.as_ref().map(bind),
            subcode: error.subcode.clone(),
        }),
        status: operations.status,
        redirect: operations.redirect.as_ref().map(|redirect| Redirect {
            to: bind(&redirect.to),
            status: redirect.status,
            carry: redirect.carry,
            set: members(&redirect.set, environment),
        }),
        send: operations.send.clone(),
    }
}

/// A change as the provider gets it.
pub fn change(change: &Change, environment: &dyn Environment) -> Change {
    let scopes = |scopes: &Scopes| match scopes {
        Scopes::All => Scopes::All,
        Scopes::These(value) => Scopes::These(value.bind(environment)),
    };
    Change {
        set: members(&change.set, environment),
        drop: change.drop.as_ref().map(|value| value.bind(environment)),
        withdraw: change.withdraw.as_ref().map(scopes),
        restore: change.restore.as_ref().map(scopes),
        ..change.clone()
    }
}

/// Options as the provider gets them.
pub fn options(options: &ProviderOptions, environment: &dyn Environment) -> ProviderOptions {
    ProviderOptions {
        client_secret: options.client_secret.as_ref().map(|value| value.bind(environment)),
        dialect: members(&options.dialect, environment),
        ..options.clone()
    }
}

/// An expectation as the judge gets it.
pub fn expectation(expectation: &Expectation, environment: &dyn Environment) -> Expectation {
    let bind = |value: &Value| value.bind(environment);
    let subject = match &expectation.subject {
        Expected::Account(AccountIs::Is(value)) => Expected::Account(AccountIs::Is(bind(value))),
        Expected::Account(AccountIs::Not(value)) => Expected::Account(AccountIs::Not(bind(value))),
        Expected::Fields(fields) => Expected::Fields(
            fields
                .iter()
                .map(|(name, field)| {
                    let field = match field {
                        FieldIs::Value(value) => FieldIs::Value(bind(value)),
                        FieldIs::Absent => FieldIs::Absent,
                    };
                    (name.clone(), field)
                })
                .collect(),
        ),
        Expected::Any(alternatives) => {
            Expected::Any(alternatives.iter().map(|alternative| self::expectation(alternative, environment)).collect())
        }
        other => other.clone(),
    };
    Expectation {
        subject,
        matches: expectation.matches.as_ref().map(bind),
        lacks: list(&expectation.lacks, environment),
        has: list(&expectation.has, environment),
        ..expectation.clone()
    }
}
