//! The grammar of case files as JSON Schema, for editors: made from the same lists of words that the reader uses. The
//! reader stays the judge; what only it can see (names that nobody saved, steps that come later) is not in here.

use serde_json::{Map, Value as Json, json};

use crate::model::case::ManifestList;
use crate::model::fault::{Endpoint, Grant, Object};
use crate::model::manifest::PLACES;
use crate::model::verdict::Tier;

use super::{act, expect, fault, header, schema, step};

/// What a word means, in a sentence; editors show it.
fn said(description: &str, schema: Json) -> Json {
    let mut schema = schema;
    schema["description"] = Json::from(description);
    schema
}

fn text(description: &str) -> Json {
    said(description, json!({ "type": "string" }))
}

fn truth(description: &str) -> Json {
    said(description, json!({ "type": "boolean" }))
}

fn words(description: &str, words: &[&str]) -> Json {
    said(description, json!({ "enum": words }))
}

fn any(description: &str) -> Json {
    said(description, json!({}))
}

fn duration(description: &str) -> Json {
    said(description, json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" }))
}

fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/definitions/{name}") })
}

/// A reference with words of its own; beside `$ref` draft 7 ignores everything else.
fn named(description: &str, name: &str) -> Json {
    said(description, json!({ "allOf": [reference(name)] }))
}

fn list_of(description: &str, item: Json) -> Json {
    said(description, json!({ "type": "array", "items": item }))
}

fn one_or_list(description: &str) -> Json {
    said(description, json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] }))
}

/// A closed table.
fn table(description: &str, properties: &[(&str, Json)], required: &[&str]) -> Json {
    let members: Map<String, Json> =
        properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({
        "description": description,
        "type": "object",
        "properties": members,
        "required": required,
        "additionalProperties": false,
    })
}

fn open_table(description: &str) -> Json {
    said(description, json!({ "type": "object" }))
}

/// The whole grammar.
pub(crate) fn case() -> Json {
    let mut definitions = Map::new();
    for (name, schema) in [
        ("step", steps()),
        ("expectation", expectation()),
        ("fault", json!({ "anyOf": [reference("patch"), { "type": "array", "items": reference("patch") }] })),
        ("patch", patch()),
        ("level", level()),
        ("variant", variant()),
        (
            "provider",
            words(
                "Which provider; `other` and `attacker` need the capability second-provider.",
                &["main", "other", "attacker"],
            ),
        ),
        (
            "person",
            json!({ "description": "A person of the dialect's personas.toml, or `someone`.", "type": "string" }),
        ),
        ("requirement", json!({ "type": "string", "pattern": "^[a-z0-9-]+/.+$" })),
        ("schema", message_schema()),
    ] {
        definitions.insert(name.to_owned(), schema);
    }
    let tiers = Tier::ALL.map(Tier::name);
    let properties = [
        ("title", text("A sentence: what must hold.")),
        ("requirement", named("The rule that this case tests; every expectation inherits it.", "requirement")),
        ("tier", words("Lowest tier in which the case runs.", &tiers)),
        ("level", named("Only to soften the rule's own level, or to vary it by tier.", "level")),
        (
            "dialects",
            list_of("Dialects it runs on; every one that has the rule when absent.", json!({ "type": "string" })),
        ),
        ("needs", list_of("Capabilities; lacking one gives not applicable.", json!({ "type": "string" }))),
        ("unless", list_of("Capabilities; having one gives not applicable.", json!({ "type": "string" }))),
        (
            "kills",
            list_of("Flaws of the reference partner that must make this case fail.", json!({ "type": "string" })),
        ),
        ("about", text("Why; shown with a failure.")),
        ("bystander", truth("`false` only where everybody is meant to be affected.")),
        ("variant", list_of("The same steps with other data, one verdict each.", reference("variant"))),
        (
            "step",
            said(
                "Actions and expectations, in order.",
                json!({ "type": "array", "minItems": 1, "items": reference("step") }),
            ),
        ),
    ];
    assert_eq!(properties.iter().map(|(name, _)| *name).collect::<Vec<_>>(), header::KEYS, "the header has other keys");
    let mut whole =
        table("A case: one TOML file under cases/.", &properties, &["title", "requirement", "tier", "step"]);
    whole["$schema"] = Json::from("http://json-schema.org/draft-07/schema#");
    whole["title"] = Json::from("Countersign case");
    whole["definitions"] = Json::Object(definitions);
    whole
}

fn level() -> Json {
    let one = json!({ "enum": ["MUST", "SHOULD", "MAY"] });
    let by_tier: Vec<(&str, Json)> = Tier::ALL.iter().map(|tier| (tier.name(), one.clone())).collect();
    json!({ "anyOf": [one, table("By tier, from the named one upwards.", &by_tier, &[])] })
}

fn variant() -> Json {
    let lists = header::LISTS.map(ManifestList::name);
    let properties = [
        ("name", text("What it is called.")),
        ("each", words("One variant for each entry of this list of the manifest.", &lists)),
        ("fault", named("Put in place by the step `fault = \"variant\"`.", "fault")),
        ("value", any("Read by { saved = \"variant\" }.")),
        ("level", named("Softens the case's level for this variant.", "level")),
        ("tier", words("Raises the tier for this variant.", &Tier::ALL.map(Tier::name))),
    ];
    table("The same steps with other data.", &properties, &[])
}

fn steps() -> Json {
    let mut properties = vec![
        ("name", text("For `mend`, `since` and messages.")),
        (
            "browser",
            text(
                "A browser comes to life when first named; `new`: a fresh one each time; `every`: all, in `expect` only.",
            ),
        ),
        ("tab", text("A tab of that browser; tabs share the jar.")),
        (
            "save",
            said(
                "Name -> address of something that this step made.",
                json!({ "type": "object", "additionalProperties": { "type": "string" } }),
            ),
        ),
        (
            "repeat",
            said("So many times, one after the other.", json!({ "type": "integer", "minimum": 1, "maximum": 10000 })),
        ),
        ("background", truth("Do not wait for the end.")),
        ("attack", truth("Left out of the control run (faults always are).")),
        (
            "needs",
            list_of(
                "Capabilities; where the partner lacks one, this step is left out. Where every expectation about the case's own rule is left out, the case is not applicable.",
                json!({ "type": "string" }),
            ),
        ),
        ("requirement", named("Of an `expect` step: another rule than the header's.", "requirement")),
        ("level", named("Of an `expect` step: another level.", "level")),
    ];
    assert_eq!(properties.iter().map(|(name, _)| *name).collect::<Vec<_>>(), step::KEYS, "a step has other keys");
    let actions = actions();
    assert_eq!(actions.iter().map(|(name, _)| *name).collect::<Vec<_>>(), act::ACTIONS, "there are other actions");
    let one_of: Vec<Json> = act::ACTIONS.iter().chain(&["expect"]).map(|word| json!({ "required": [word] })).collect();
    properties.extend(actions);
    properties.push(("expect", named("What must be seen.", "expectation")));
    let mut step = table("One action, or one expectation.", &properties, &[]);
    step["oneOf"] = Json::from(one_of);
    step
}

/// What a person answers at the provider.
fn answers() -> Vec<(&'static str, Json)> {
    vec![
        ("as", named("Who; alice when absent.", "person")),
        ("grant", any("Only these scopes.")),
        ("decline", any("All but these scopes, or \"optional\": all that the manifest marks so.")),
        ("cancel", truth("The person refuses.")),
    ]
}

fn actions() -> Vec<(&'static str, Json)> {
    let at = || named("Whose; main when absent.", "provider");
    let mut sign_in = answers();
    sign_in.insert(1, ("at", at()));
    sign_in.push(("stop", words("The browser gets the authorization response but does not open it.", &["callback"])));
    sign_in.push(("while_signed_in", truth("Do not sign out first where the browser is still signed in.")));
    let places: Vec<&str> = PLACES.iter().copied().chain(["feature", "reload", "back"]).collect();
    let place =
        json!({ "anyOf": [{ "enum": places }, { "type": "string", "pattern": "^(feature:|endpoints\\.).+$" }] });
    let visit = table(
        "A browser opens something at the partner and follows redirects until it rests.",
        &[
            ("to", said("A place of the manifest.", place.clone())),
            ("url", any("An address.")),
            ("at", at()),
            ("as", named("Fills the place's form.", "person")),
            ("set", open_table("Parameters set.")),
            ("drop", one_or_list("Parameters left out.")),
            ("duplicate", open_table("Parameters written once per value.")),
            ("headers", open_table("Request headers.")),
            ("method", text("The place's when absent.")),
            ("from", words("The site that causes it; typed by the person when absent.", &["attacker", "provider"])),
            ("how", words("How that site causes it.", &["link", "form", "frame", "image", "fetch", "window"])),
            ("says", any("What the site posts to the window that it has opened, and to every frame in it.")),
        ],
        &[],
    );
    vec![
        ("sign_in", table("Opens the login, answers the provider's page, follows to the end.", &sign_in, &[])),
        ("visit", said("A browser opens something at the partner.", json!({ "anyOf": [place, visit] }))),
        ("consent", table("The person answers the provider's page that this tab shows.", &answers(), &[])),
        (
            "cookies",
            table(
                "Changes this browser's jar.",
                &[
                    ("plant", any("A saved jar, or a token that is a cookie.")),
                    ("as", words("Each planted value goes under the session cookie's name.", &["session"])),
                    ("set", open_table("Name -> value.")),
                    ("drop", one_or_list("Names, `session` or `all`.")),
                ],
                &[],
            ),
        ),
        ("change", change()),
        ("notify", notify()),
        (
            "fault",
            said(
                "A deliberate deviation, from now on.",
                json!({ "anyOf": [{ "enum": ["variant"] }, reference("fault")] }),
            ),
        ),
        ("mend", text("Ends the fault of that step, or `all`; messages that it held are sent now.")),
        ("provider", provider_options()),
        ("wait", duration("Time passes at the partner.")),
        ("restart", words_true("Restarts the partner; needs the capability restart.")),
    ]
}

fn words_true(description: &str) -> Json {
    said(description, json!({ "const": true }))
}

fn change() -> Json {
    table(
        "A fact about a person at a provider becomes different.",
        &[
            ("of", named("Whom.", "person")),
            ("at", named("Where; main when absent.", "provider")),
            ("set", open_table("The person's data; \"*\" is every text field.")),
            ("drop", any("Fields that vanish.")),
            (
                "visible",
                said(
                    "Field -> audience.",
                    json!({ "type": "object", "additionalProperties": { "enum": ["public", "friends", "only_me"] } }),
                ),
            ),
            (
                "account",
                words("What becomes of the account.", &["new", "disabled", "enabled", "deleted", "signed_out"]),
            ),
            ("withdraw", any("The grant: \"all\" or scopes.")),
            ("restore", any("The grant again.")),
            (
                "expire",
                words("Every later use gets the dialect's own error.", &["access_token", "refresh_token", "code"]),
            ),
            ("notify", words("Whether the partner is told.", &["default", "nothing"])),
        ],
        &["of"],
    )
}

fn notify() -> Json {
    table(
        "A provider tells the partner something.",
        &[
            (
                "send",
                said(
                    &format!("One of {}, or one that the dialect adds.", act::MESSAGES.join(", ")),
                    json!({ "type": "string" }),
                ),
            ),
            ("about", named("About whom; alice when absent.", "person")),
            ("at", named("Who sends; main when absent.", "provider")),
            (
                "subject",
                said(
                    "How the person is named.",
                    json!({ "anyOf": [{ "enum": ["sub", "sid", "both", "none", "email", "session"] }, { "type": "object" }] }),
                ),
            ),
            ("event", text("Event name or URI.")),
            ("to", text("Partner endpoint; by message when absent.")),
            ("via", words("How it travels.", &["push", "poll", "frame"])),
        ],
        &["send"],
    )
}

fn provider_options() -> Json {
    let mut options = table(
        "How a provider behaves, honestly, from now on; dialects add options.",
        &[
            ("at", named("Whose; main when absent.", "provider")),
            (
                "clock",
                said("Offset of its clock.", json!({ "type": "string", "pattern": "^[+-]?[0-9]+(ms|s|m|h|d)$" })),
            ),
            ("pkce", words("PKCE.", &["check", "ignore", "require"])),
            ("iss_parameter", truth("The `iss` parameter of RFC 9207.")),
            ("par", words("Pushed authorization requests.", &["off", "offer", "require"])),
            ("refresh", words("What becomes of refresh tokens.", &["rotate", "keep", "strict", "none"])),
            ("access_lifetime", duration("Lifetime of access tokens.")),
            ("keys_max_age", duration("Cache-Control: max-age of the JWKS.")),
            ("key", words("The key that signs from now on; those before it stay published.", &act::NEXT_KEYS)),
            ("consent", words("Whether consent is remembered.", &["ask", "remember"])),
            ("client_secret", any("Another client secret.")),
            ("device_interval", duration("RFC 8628 interval.")),
            ("poll_batch", said("RFC 8936 events per answer.", json!({ "type": "integer", "minimum": 1 }))),
        ],
        &[],
    );
    options["additionalProperties"] = Json::from(true);
    options
}

fn selectors() -> Vec<(&'static str, Json)> {
    vec![
        ("nth", said("2, \"..3\" or \"2..\"; every one when absent.", json!({ "type": ["integer", "string"] }))),
        ("of", named("Of that person only.", "person")),
        ("grant", words("Of that grant only.", &Grant::ALL.map(Grant::name))),
        ("at", named("Of that provider only; main when absent.", "provider")),
        ("path", text("Only under that path; `api` only.")),
    ]
}

/// Where a fault is: message, or message and layer.
fn address() -> Json {
    let responses = Endpoint::ALL.iter().map(|endpoint| format!("{endpoint}_response"));
    let objects = Object::COMMON.iter().map(|object| object.name().to_owned());
    let messages: Vec<String> = responses.chain(objects).collect();
    let layered = messages.iter().flat_map(|name| {
        ["", ".jose", ".http", ".form"].into_iter().map(move |layer| Json::from(format!("{name}{layer}")))
    });
    json!({
        "description": "Which message of the provider, and which layer of it. A dialect may add objects.",
        "anyOf": [{ "enum": layered.collect::<Vec<_>>() }, { "type": "string", "pattern": "^[a-z_]+(\\.(jose|http|form))?$" }],
    })
}

fn patch() -> Json {
    let mut properties = vec![("in", address())];
    properties.extend(selectors());
    let shapes = fault::SHAPES.map(|(word, _)| word);
    let mut ways: Vec<&str> = fault::SIGNING_KEYS.to_vec();
    ways.extend(["none", "flipped", "flipped-payload", "stripped"]);
    let encodings = fault::ENCODINGS.iter().map(|(word, _)| *word).collect::<Vec<_>>();
    let sign = table(
        "How it is signed.",
        &[
            ("alg", any("Any text or value.")),
            ("key", any("A key's name, or a value.")),
            ("signature", words("What becomes of the signature.", &shapes)),
        ],
        &[],
    );
    let jwe = table(
        "An encrypted token.",
        &[
            ("jwe", text("For whom.")),
            ("alg", text("Key management.")),
            ("enc", text("Content encryption.")),
            ("zip", text("Compression.")),
            ("inner", words("What is inside.", &["signed", "claims"])),
        ],
        &["jwe"],
    );
    let error = table(
        "The dialect's own error answer.",
        &[
            ("code", text("Its code.")),
            ("description", any("error_description.")),
            ("uri", any("error_uri.")),
            ("subcode", text("Of dialects that have one.")),
        ],
        &["code"],
    );
    let redirect = table(
        "Sends the request on to somewhere else.",
        &[
            ("to", any("The target.")),
            ("status", said("302 when absent.", json!({ "type": "integer", "minimum": 300, "maximum": 399 }))),
            ("carry", truth("The request's parameters go along.")),
            ("set", open_table("Parameters set afterwards.")),
        ],
        &["to"],
    );
    let send = table(
        "How the bytes leave.",
        &[
            ("after", duration("So much later.")),
            ("slowly", said("So many bytes a second.", json!({ "type": "string", "pattern": "^[0-9]+ *B/s$" }))),
            ("certificate", words("A wrong TLS certificate.", &["self-signed", "expired", "wrong-name"])),
        ],
        &[],
    );
    properties.extend([
        ("set", open_table("The member becomes this; a name that begins with / is a JSON Pointer.")),
        ("drop", one_or_list("The member is left out.")),
        (
            "duplicate",
            said(
                "The member is written once per value.",
                json!({ "type": "object", "additionalProperties": { "type": "array", "minItems": 2 } }),
            ),
        ),
        ("sign", said("How a signed object is signed.", json!({ "anyOf": [{ "enum": ways }, sign] }))),
        ("encode", said("How it is put into bytes.", json!({ "anyOf": [{ "enum": encodings }, jwe] }))),
        ("replace", any("The whole text of the message.")),
        ("error", said("The dialect's own error answer.", json!({ "anyOf": [{ "type": "string" }, error] }))),
        ("status", said("HTTP status.", json!({ "type": "integer", "minimum": 100, "maximum": 599 }))),
        ("redirect", redirect),
        (
            "send",
            said("How the bytes leave.", json!({ "anyOf": [{ "enum": ["held", "never", "reset", "cut"] }, send] })),
        ),
    ]);
    assert_eq!(properties.iter().map(|(name, _)| *name).collect::<Vec<_>>(), fault::KEYS, "a fault has other keys");
    let mut patch = table("One deviation in one message.", &properties, &["in"]);
    patch["minProperties"] = Json::from(2);
    patch
}

fn expectation() -> Json {
    let status = json!({ "anyOf": [{ "type": "integer", "minimum": 100, "maximum": 599 }, { "type": "string", "pattern": "^([1-5]xx|< *[0-9]+|any)$" }] });
    let statuses = json!({ "anyOf": [status, { "type": "array", "items": status }] });
    let count = json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": "^(<=|>=)? *[0-9]+ *(\\.\\. *[0-9]+)?$" }] });
    let mut properties = vec![
        (
            "session",
            said(
                "Who the probe says is signed in: a person, nobody, own, unchanged, { not = person }.",
                json!({ "type": ["string", "object"] }),
            ),
        ),
        ("ended", named("The session of that person has ended.", "person")),
        (
            "account",
            said(
                "{ is = value }, { not = value }, { new = 0 }.",
                json!({ "type": "object", "minProperties": 1, "maxProperties": 1, "properties": { "is": {}, "not": {}, "new": { "type": "integer" } }, "additionalProperties": false }),
            ),
        ),
        ("fields", open_table("Name -> value or { absent = true }: what the partner shows.")),
        (
            "features",
            said(
                "Name -> \"on\" or \"off\", or \"as granted\".",
                json!({ "anyOf": [{ "enum": ["as granted"] }, { "type": "object", "additionalProperties": { "enum": ["on", "off"] } }] }),
            ),
        ),
        ("request", text("Requests of the partner: an endpoint, callback or canary, with .http or the name of a JWT.")),
        ("response", said("The status of the partner's last answer.", statuses.clone())),
        ("cookie", text("session, all, or a name.")),
        ("hidden", words("That secret is in none of the places `from`.", &expect::SECRETS)),
        ("inert", text("No planted canary is live: all, or a kind.")),
        (
            "any",
            said(
                "At least one of these holds.",
                json!({ "type": "array", "minItems": 2, "items": reference("expectation") }),
            ),
        ),
    ];
    assert_eq!(
        properties.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        expect::SUBJECTS,
        "there are other subjects"
    );
    let one_of: Vec<Json> = expect::SUBJECTS.iter().map(|word| json!({ "required": [word] })).collect();
    let places = expect::PLACES.map(|(word, _)| word);
    let mut qualifiers = vec![
        ("count", said("1, \"<=2\", \">=1\", \"1..3\"; without it every one must match and there must be one.", count)),
        ("matches", named("JSON Schema, inline or a name from specs/.", "schema")),
        ("answered", said("Only those that the provider answered so.", statuses)),
        ("unique", text("Name of a parameter: no value twice.")),
        (
            "entropy",
            table(
                "Bits of a parameter, over at least 100 samples.",
                &[("of", text("Parameter.")), ("bits", json!({ "type": "integer", "minimum": 1 }))],
                &["of", "bits"],
            ),
        ),
        ("gap", said("Between neighbours.", json!({ "type": "string", "pattern": "^>= *[0-9]+(ms|s|m|h|d)$" }))),
    ];
    qualifiers.extend(selectors());
    qualifiers.extend([
        ("lands", text("Where the browser rests: partner, provider, attacker, canary, or a place.")),
        ("lacks", any("Words not in the visible text.")),
        ("has", any("Words in the visible text.")),
        (
            "from",
            said(
                "Places where the secret must not be.",
                json!({ "anyOf": [{ "enum": places }, { "type": "array", "items": { "enum": places } }] }),
            ),
        ),
        ("since", text("Name of an earlier step; the beginning when absent.")),
        ("within", duration("Must hold by then; looked at as soon as something arrives.")),
        ("for", duration("Must hold all that time, which passes in every run.")),
    ]);
    let known: Vec<&str> = expect::QUALIFIERS.iter().map(|(name, _)| *name).collect();
    assert_eq!(qualifiers.iter().map(|(name, _)| *name).collect::<Vec<_>>(), known, "there are other qualifiers");
    properties.extend(qualifiers);
    let mut whole = table("One subject, and what is said about it.", &properties, &[]);
    whole["oneOf"] = Json::from(one_of);
    whole
}

/// The keywords of the schemas inside a case; run-time values may stand where a literal does.
fn message_schema() -> Json {
    let mut members: Map<String, Json> = Map::new();
    let run_time = || json!({ "type": "object" });
    for name in schema::LISTS {
        let item = if name.ends_with("Of") { reference("schema") } else { json!({}) };
        members.insert(name.to_owned(), json!({ "anyOf": [{ "type": "array", "items": item }, run_time()] }));
    }
    for name in schema::TABLES {
        members.insert(name.to_owned(), json!({ "type": "object", "additionalProperties": reference("schema") }));
    }
    for name in schema::NUMBERS {
        members.insert(name.to_owned(), json!({ "anyOf": [{ "type": "number" }, run_time()] }));
    }
    for name in schema::SCHEMAS {
        members.insert(name.to_owned(), reference("schema"));
    }
    for name in schema::OTHERS {
        members.insert(name.to_owned(), json!({}));
    }
    json!({
        "anyOf": [
            { "type": ["boolean", "string"] },
            { "type": "object", "properties": members, "patternProperties": { "^x-": {} }, "additionalProperties": false },
        ],
    })
}
