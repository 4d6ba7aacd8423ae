//! A message as it will be written: JSON with what JSON libraries refuse to write.
//!
//! A member may be there twice, in a given order, as raw text (`1e400`) or as bytes that are not UTF-8.
//! Every message of the provider is a [`Wire`] until the last moment, so that one set of patches serves all.

use serde_json::Value as Json;

/// One value on its way to the wire.
#[derive(Debug, Clone, PartialEq)]
pub enum Wire {
    /// An ordinary JSON scalar (never an array or object that a patch could want to reach into).
    Json(Json),
    /// JSON text written as it stands.
    Raw(String),
    /// Bytes written as they stand; inside JSON they become a string with those bytes, quotes and controls escaped.
    Bytes(Vec<u8>),
    /// An array.
    List(Vec<Wire>),
    /// An object; names may repeat and keep their order.
    Object(Vec<(String, Wire)>),
}

impl From<Json> for Wire {
    fn from(json: Json) -> Self {
        match json {
            Json::Array(items) => Wire::List(items.into_iter().map(Wire::from).collect()),
            Json::Object(members) => {
                Wire::Object(members.into_iter().map(|(name, value)| (name, Wire::from(value))).collect())
            }
            scalar => Wire::Json(scalar),
        }
    }
}

impl From<&str> for Wire {
    fn from(text: &str) -> Self {
        Wire::Json(Json::String(text.to_owned()))
    }
}

impl From<String> for Wire {
    fn from(text: String) -> Self {
        Wire::Json(Json::String(text))
    }
}

impl From<i64> for Wire {
    fn from(number: i64) -> Self {
        Wire::Json(Json::from(number))
    }
}

impl From<bool> for Wire {
    fn from(truth: bool) -> Self {
        Wire::Json(Json::Bool(truth))
    }
}

impl Wire {
    /// An empty object.
    pub fn object() -> Self {
        Wire::Object(Vec::new())
    }

    /// The first member called `name`.
    pub fn get(&self, name: &str) -> Option<&Wire> {
        match self {
            Wire::Object(members) => members.iter().find(|(own, _)| own == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Replaces the member in its place, or adds it at the end. Nothing happens to a value that is not an object.
    pub fn set(&mut self, name: &str, value: impl Into<Wire>) {
        if let Wire::Object(members) = self {
            let value = value.into();
            match members.iter_mut().find(|(own, _)| own == name) {
                Some((_, old)) => *old = value,
                None => members.push((name.to_owned(), value)),
            }
        }
    }

    /// Adds a member without looking whether there is one already.
    pub fn push(&mut self, name: &str, value: impl Into<Wire>) {
        if let Wire::Object(members) = self {
            members.push((name.to_owned(), value.into()));
        }
    }

    /// Leaves every member called `name` out; says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        match self {
            Wire::Object(members) => {
                let before = members.len();
                members.retain(|(own, _)| own != name);
                before != members.len()
            }
            _ => false,
        }
    }

    /// The value as plain text: a string without quotes, anything else as its JSON text.
    pub fn to_text(&self) -> String {
        match self {
            Wire::Json(Json::String(text)) => text.clone(),
            Wire::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => String::from_utf8_lossy(&other.to_json_bytes()).into_owned(),
        }
    }

    /// The value as plain bytes: what [`Wire::to_text`] gives, but bytes stay what they are.
    pub fn to_plain_bytes(&self) -> Vec<u8> {
        match self {
            Wire::Json(Json::String(text)) => text.clone().into_bytes(),
            Wire::Bytes(bytes) => bytes.clone(),
            other => other.to_json_bytes(),
        }
    }

    /// The JSON text, byte for byte as it goes out.
    pub fn to_json_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_json(&mut out);
        out
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Wire::Json(json) => push_json(out, json),
            Wire::Raw(text) => out.extend_from_slice(text.as_bytes()),
            Wire::Bytes(bytes) => {
                out.push(b'"');
                for byte in bytes {
                    match byte {
                        b'"' | b'\\' => out.extend([b'\\', *byte]),
                        0..=0x1f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                        other => out.push(*other),
                    }
                }
                out.push(b'"');
            }
            Wire::List(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write_json(out);
                }
                out.push(b']');
            }
            Wire::Object(members) => {
                out.push(b'{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    push_json(out, name);
                    out.push(b':');
                    value.write_json(out);
                }
                out.push(b'}');
            }
        }
    }

    /// The value as ordinary JSON, for judging: of repeated members the last counts, raw text that is not JSON and
    /// bytes become strings.
    pub fn to_json(&self) -> Json {
        match self {
            Wire::Json(json) => json.clone(),
            Wire::Raw(text) => serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.clone())),
            Wire::Bytes(bytes) => Json::String(String::from_utf8_lossy(bytes).into_owned()),
            Wire::List(items) => Json::Array(items.iter().map(Wire::to_json).collect()),
            Wire::Object(members) => {
                Json::Object(members.iter().map(|(name, value)| (name.clone(), value.to_json())).collect())
            }
        }
    }
}

/// The JSON text of a value behind what is there.
fn push_json(out: &mut Vec<u8>, value: &impl serde::Serialize) {
    // Text, numbers and their lists and objects can be written, and a vector takes whatever is.
    let _ = serde_json::to_writer(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_members_and_raw_text_are_written_as_they_stand() {
        let mut wire = Wire::object();
        wire.push("sub", "alice");
        wire.push("sub", "bob");
        wire.push("exp", Wire::Raw("1e400".into()));
        assert_eq!(wire.to_json_bytes(), br#"{"sub":"alice","sub":"bob","exp":1e400}"#);
    }

    #[test]
    fn bytes_in_a_string_do_not_end_it() {
        let mut wire = Wire::object();
        wire.push("token", Wire::Bytes(b"a\"b\\c\n\xff".to_vec()));
        assert_eq!(wire.to_json_bytes(), b"{\"token\":\"a\\\"b\\\\c\\u000a\xff\"}");
    }
}
