//! Patches on members: `set`, `drop`, `duplicate`, with names or JSON Pointers. Knows values and places, and nothing of
//! what the message is.

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
/// A value that nobody knows, or a place that does not exist.
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
        duplicate(wire, name, values)?;
    }
    Ok(())
}

/// Whether any of the operations is one on members.
pub fn changes_members(operations: &Operations) -> bool {
    !operations.set.is_empty() || !operations.drop.is_empty() || !operations.duplicate.is_empty()
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

/// The steps of a name: itself, or those of a JSON Pointer (RFC 6901).
fn steps(name: &str) -> Vec<String> {
    match name.strip_prefix('/') {
        None => vec![name.to_owned()],
        Some(pointer) => pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect(),
    }
}

/// The object or list in which a name stands, and its last step. `None`: there is no such place.
fn place<'w>(wire: &'w mut Wire, name: &str) -> Option<(&'w mut Wire, String)> {
    let mut steps = steps(name);
    let last = steps.pop()?;
    let mut at = wire;
    for step in &steps {
        at = match at {
            Wire::Object(members) => members.iter_mut().find(|(own, _)| own == step).map(|(_, value)| value)?,
            Wire::List(items) => items.get_mut(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some((at, last))
}

fn nowhere(name: &str) -> Unresolved {
    Unresolved::text(format!("the place `{name}`"))
}

fn set(wire: &mut Wire, name: &str, value: Wire) -> Result<(), Unresolved> {
    let (target, last) = place(wire, name).ok_or_else(|| nowhere(name))?;
    match target {
        Wire::Object(_) => target.set(&last, value),
        Wire::List(items) => match last.parse::<usize>() {
            Ok(at) if at < items.len() => items[at] = value,
            Ok(at) if at == items.len() => items.push(value),
            Err(_) if last == "-" => items.push(value),
            _ => return Err(nowhere(name)),
        },
        _ => return Err(nowhere(name)),
    }
    Ok(())
}

/// What is not there is left out already.
fn remove(wire: &mut Wire, name: &str) {
    match place(wire, name) {
        Some((Wire::List(items), last)) => {
            if let Some(at) = last.parse::<usize>().ok().filter(|at| *at < items.len()) {
                items.remove(at);
            }
        }
        Some((object, last)) => {
            object.remove(&last);
        }
        None => {}
    }
}

/// The members take the place of the first one of that name, in the order given.
fn duplicate(wire: &mut Wire, name: &str, values: Vec<Wire>) -> Result<(), Unresolved> {
    let Some((Wire::Object(members), last)) = place(wire, name) else { return Err(nowhere(name)) };
    let at = members.iter().position(|(own, _)| *own == last).unwrap_or(members.len());
    members.retain(|(own, _)| *own != last);
    members.splice(at..at, values.into_iter().map(|value| (last.clone(), value)));
    Ok(())
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
        for nowhere in ["/c/d", "/a/b/7", "/a/b/x", "/a/b/1/y"] {
            assert!(apply(&mut wire, &at(nowhere), &Saved::default()).is_err(), "{nowhere}");
        }
        apply(&mut wire, &at("/a/b/-"), &Saved::default()).unwrap();
        assert_eq!(json(&wire), r#"{"a":{"b":[1,"x","x"]}}"#);
    }

    #[test]
    fn a_slash_in_front_makes_a_name_of_one_step_and_its_escapes_are_undone() {
        let mut wire = Wire::object();
        let at = |name: &str| Operations { set: vec![(name.into(), Value::text("x"))], ..Operations::default() };
        for name in ["/kid", "/a~1b", "/m~0n", "/"] {
            apply(&mut wire, &at(name), &Saved::default()).unwrap();
        }
        assert_eq!(json(&wire), r#"{"kid":"x","a/b":"x","m~n":"x","":"x"}"#);
    }

    #[test]
    fn members_inside_can_be_written_twice_and_keep_their_place() {
        let mut wire = Wire::from(serde_json::json!({ "a": { "b": 1, "c": 2 } }));
        let operations = Operations {
            duplicate: vec![("/a/b".into(), vec![Value::text("x"), Value::text("y")])],
            ..Operations::default()
        };
        apply(&mut wire, &operations, &Saved::default()).unwrap();
        assert_eq!(json(&wire), r#"{"a":{"b":"x","b":"y","c":2}}"#);
    }

    #[test]
    fn a_member_of_what_is_no_object_is_an_error() {
        let at = |name: &str| Operations { set: vec![(name.into(), Value::text("x"))], ..Operations::default() };
        assert!(apply(&mut Wire::from("text"), &at("sub"), &Saved::default()).is_err());
    }
}
