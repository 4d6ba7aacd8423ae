//! Lines of output as documents show them: blanks do not count, and `…` stands for anything.

/// A line with one blank between its words.
pub fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a line has the parts of another one, in order; `…` stands for anything.
pub fn holds(own: &str, wanted: &str) -> bool {
    let mut rest = own;
    wanted.split('…').all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}
