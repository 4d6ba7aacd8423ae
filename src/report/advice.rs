//! Advice as text.

use crate::model::advice::Advice;

/// What to do where a rule is missed.
pub fn text(rule: &str, advice: &Advice) -> String {
    let mut out = format!("where {rule} is missed\n");
    out.push_str(&format!("  likely cause   {}\n  how to fix it  {}\n", advice.cause, advice.fix));
    for (library, what) in &advice.libraries {
        out.push_str(&format!("  - {library}: {what}\n"));
    }
    out
}
