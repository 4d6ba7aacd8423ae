//! The file that `cases new` writes: a case that can be played as it stands, with the rest of the language in comments.

use crate::model::requirement::Requirement;
use crate::model::verdict::Tier;

/// The text of a new case for a rule.
pub fn text(requirement: &Requirement, tier: Tier) -> String {
    let (id, level, clause) = (&requirement.id, requirement.level, &requirement.clause);
    let summary = requirement.summary.replace('\n', " ");
    format!(
        r#"# {level}, {clause}:
# {summary}

# What must hold, as a sentence that can be true or false of a partner.
title = "A person signs in and the partner knows who it is"
# `countersign cases coverage` lists the rules that there are; a new one goes into specs/requirements/.
requirement = "{id}"
# The lowest tier that demands it: basic, standard, strict, fapi.
tier = "{tier}"

# Where it does not apply to every partner (specs/capabilities.toml has the names):
# needs = ["state"]
# The flaws of the reference partner that must make this case fail; needed as soon as there is a fault or an attack.
# `countersign partner --list-flaws` names those that there are, `cases try FILE --all` those that this case catches.
# kills = ["skip-state"]
# Why it matters, for whoever reads a failure:
# about = "…"

# A deviation: from here on the provider's ID token has another issuer. The control run leaves it out.
# [[step]]
# fault = {{ in = "id_token", of = "alice", set = {{ iss = {{ issuer_of = "main", suffix = "/" }} }} }}

# Several deviations instead of one, each with a verdict of its own: put a `[[variant]]` with `name` and `fault` above
# the first step for each, and `fault = "variant"` here.

[[step]]
sign_in = {{ as = "alice" }}

# After a deviation: nobody. Without one: alice.
[[step]]
expect = {{ session = "alice" }}

# What the partner sends may be looked at, too:
# [[step]]
# expect = {{ request = "token", count = 1 }}
"#
    )
}
