//! Canaries: traceable values, and whether one of them is live on a page.

/// A canary of a kind (CASE-LANGUAGE 1.7, `markup:script`), as (hostile, harmless): the second is for control runs.
/// `nonce` makes it unique. `None`: no such kind.
pub fn canary(kind: &str, nonce: &str) -> Option<(String, String)> {
    let _ = (kind, nonce);
    todo!()
}
