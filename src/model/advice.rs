//! Advice about rules that partners miss: the likely cause, how to mend it, what common libraries do
//! (`specs/advice/*.toml`). It helps people; no verdict depends on it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What to tell a developer whose partner missed a rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// The requirements that it is about.
    #[serde(rename = "for")]
    pub about: Vec<String>,
    /// What is mostly behind it, in a sentence or two.
    pub cause: String,
    /// What to do, in a sentence or two.
    pub fix: String,
    /// Library -> what it does about it by itself, or the option to set.
    #[serde(default)]
    pub libraries: BTreeMap<String, String>,
}

/// Reads the file: requirement -> advice.
///
/// # Errors
/// It is not TOML of that shape, or a requirement has two pieces of advice: a sentence.
pub fn read(text: &str) -> Result<BTreeMap<String, Advice>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[serde(default)]
        advice: Vec<Advice>,
    }
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut all = BTreeMap::new();
    for advice in file.advice {
        for id in &advice.about {
            if all.insert(id.clone(), advice.clone()).is_some() {
                return Err(format!("there are two pieces of advice for {id}"));
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_piece_of_advice_may_serve_several_rules_but_no_rule_has_two() {
        let one = "[[advice]]\nfor = [\"a/1\", \"a/2\"]\ncause = \"c\"\nfix = \"f\"\n";
        assert_eq!(read(one).unwrap().len(), 2);
        let two = format!("{one}{}", one.replace("\"a/1\", ", ""));
        assert_eq!(read(&two).unwrap_err(), "there are two pieces of advice for a/2");
    }

    #[test]
    fn a_word_that_is_not_known_is_refused() {
        let said = read("[[advice]]\nfor = [\"a/1\"]\ncause = \"c\"\nfix = \"f\"\nhint = \"h\"\n").unwrap_err();
        assert!(said.contains("hint"), "{said}");
    }
}
