//! Patches on members: `set`, `drop`, `duplicate`, with names or JSON Pointers.

use crate::model::fault::Operations;
use crate::model::value::{Environment, Source, Unresolved, Value};
use crate::model::wire::Wire;

/// An environment that also knows what a message would have said.
pub struct With<'a> {
    /// The message as it was.
    pub members: &'a Wire,
    /// Everything else.
    pub behind: &'a dyn Environment,
}

impl Environment for With<'_> {
    fn source(&self, source: &Source) -> Option<Wire> {
        match source {
            Source::Original(name) => self.members.get(name).cloned(),
            other => self.behind.source(other),
        }
    }
}

/// Applies the operations on members to an object.
///
/// # Errors
/// A value that nobody knows, or a JSON Pointer that leads nowhere.
pub fn apply(wire: &mut Wire, operations: &Operations, environment: &dyn Environment) -> Result<(), Unresolved> {
    let original = wire.clone();
    let with = With { members: &original, behind: environment };
    for (name, value) in &operations.set {
        let value = value.resolve(&with)?;
        set(wire, name, value)?;
    }
    for name in &operations.drop {
        remove(wire, name);
    }
    for (name, values) in &operations.duplicate {
        let values = values.iter().map(|value| value.resolve(&with)).collect::<Result<Vec<_>, _>>()?;
        duplicate(wire, name, values);
    }
    Ok(())
}

/// Every value of a list of named values, worked out.
///
/// # Errors
/// A value that nobody knows.
pub fn resolved(
    values: &[(String, Value)],
    members: &Wire,
    environment: &dyn Environment,
) -> Result<Vec<(String, Wire)>, Unresolved> {
    let with = With { members, behind: environment };
    values.iter().map(|(name, value)| Ok((name.clone(), value.resolve(&with)?))).collect()
}

fn set(wire: &mut Wire, name: &str, value: Wire) -> Result<(), Unresolved> {
    match name.strip_prefix('/') {
        None => wire.set(name, value),
        Some(pointer) => {
            let (path, last) = pointer.rsplit_once('/').unwrap_or(("", pointer));
            let target = walk(wire, path).ok_or_else(|| Unresolved::text(format!("the place `{name}`")))?;
            let last = unescape(last);
            match target {
                Wire::List(items) => match last.parse::<usize>().ok().filter(|at| *at < items.len()) {
                    Some(at) => items[at] = value,
                    None => items.push(value),
                },
                object => object.set(&last, value),
            }
        }
    }
    Ok(())
}

fn remove(wire: &mut Wire, name: &str) {
    match name.strip_prefix('/') {
        None => {
            wire.remove(name);
        }
        Some(pointer) => {
            let (path, last) = pointer.rsplit_once('/').unwrap_or(("", pointer));
            match walk(wire, path) {
                Some(Wire::List(items)) => {
                    if let Some(at) = last.parse::<usize>().ok().filter(|at| *at < items.len()) {
                        items.remove(at);
                    }
                }
                Some(object) => {
                    object.remove(&unescape(last));
                }
                None => {}
            }
        }
    }
}

/// The members take the place of the first one of that name, in the order given.
fn duplicate(wire: &mut Wire, name: &str, values: Vec<Wire>) {
    if let Wire::Object(members) = wire {
        let at = members.iter().position(|(own, _)| own == name).unwrap_or(members.len());
        members.retain(|(own, _)| own != name);
        let at = at.min(members.len());
        members.splice(at..at, values.into_iter().map(|value| (name.to_owned(), value)));
    }
}

fn walk<'w>(wire: &'w mut Wire, path: &str) -> Option<&'w mut Wire> {
    let mut at = wire;
    for step in path.split('/').filter(|step| !step.is_empty()) {
        let step = unescape(step);
        at = match at {
            Wire::Object(members) => members.iter_mut().find(|(own, _)| *own == step).map(|(_, value)| value)?,
            Wire::List(items) => items.get_mut(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(at)
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::{RunValue, Saved, Transform};

    fn run(source: Source, transforms: Vec<Transform>) -> Value {
        Value::Run(Box::new(RunValue { source, transforms }))
    }

    fn json(wire: &Wire) -> String {
        String::from_utf8(wire.to_json_bytes()).unwrap()
    }

    #[test]
    fn a_patch_may_speak_of_what_would_have_been_said() {
        let mut wire = Wire::from(serde_json::json!({ "iss": "http://i" }));
        let value = run(Source::Original("iss".into()), vec![Transform::Suffix(Value::text("/"))]);
        let operations = Operations { set: vec![("iss".into(), value)], ..Operations::default() };
        apply(&mut wire, &operations, &Saved::default()).unwrap();
        assert_eq!(json(&wire), r#"{"iss":"http://i/"}"#);
    }

    #[test]
    fn members_can_be_left_out_and_written_twice() {
        let mut wire = Wire::from(serde_json::json!({ "a": 1, "sub": "x" }));
        let operations = Operations {
            drop: vec!["a".into()],
            duplicate: vec![("sub".into(), vec![Value::text("x"), Value::text("y")])],
            ..Operations::default()
        };
        apply(&mut wire, &operations, &Saved::default()).unwrap();
        assert_eq!(json(&wire), r#"{"sub":"x","sub":"y"}"#);
    }

    #[test]
    fn a_pointer_reaches_inside_and_one_that_leads_nowhere_is_an_error() {
        let mut wire = Wire::from(serde_json::json!({ "a": { "b": [1, 2] } }));
        let at = |name: &str| Operations { set: vec![(name.into(), Value::text("x"))], ..Operations::default() };
        apply(&mut wire, &at("/a/b/1"), &Saved::default()).unwrap();
        assert_eq!(json(&wire), r#"{"a":{"b":[1,"x"]}}"#);
        assert!(apply(&mut wire, &at("/c/d"), &Saved::default()).is_err());
    }
}
