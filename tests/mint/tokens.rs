//! Tokens: every `sign`, every `encode`, and what cannot take effect.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign::model::fault::{
    Encode, ErrorAnswer, Layer, Operations, ProviderName, Sign, SignatureShape, SigningKey,
};
use countersign::model::value::{KeyForm, Source, Unresolved, Value};
use countersign::model::wire::Wire;
use countersign::provider::mint::keys::{self, Kind};
use countersign::provider::mint::token::{Draft, honest, member, mint};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value as Json, json};

use super::{Known, key, of_token, run};

const ALICE: &str = "alice-1";

fn draft(alg: &str) -> Draft {
    let claims = Wire::from(json!({ "iss": "http://i", "sub": ALICE, "aud": "acme", "exp": 4_000_000_000_i64 }));
    Draft { typ: "JWT", alg: alg.to_owned(), key: "main", secret: None, claims }
}

fn minted(alg: &str, operations: Operations) -> Result<String, Unresolved> {
    mint(&draft(alg), &[&of_token(Layer::Members, operations)], &[], &Known)
        .map(|bytes| String::from_utf8(bytes).expect("a token of letters"))
}

fn signed(alg: &str, sign: Sign) -> Result<String, Unresolved> {
    minted(alg, Operations { sign: Some(sign), ..Operations::default() })
}

fn shaped(alg: &str, signature: SignatureShape) -> Result<String, Unresolved> {
    signed(alg, Sign { signature, ..Sign::default() })
}

fn named(name: &str) -> Sign {
    Sign { key: Some(SigningKey::Named(name.to_owned())), ..Sign::default() }
}

fn with_alg(alg: &str, signature: SignatureShape) -> Sign {
    Sign { alg: Some(Value::text(alg)), signature, ..Sign::default() }
}

fn parts(token: &str) -> Vec<&str> {
    token.split('.').collect()
}

fn header_of(token: &str) -> Json {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts(token)[0]).unwrap()).unwrap()
}

fn claims_of(token: &str) -> Json {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts(token)[1]).unwrap()).unwrap()
}

/// What a sound partner does: takes the published key of that `kid`, believes only that key's algorithm.
fn verified(token: &str, set: &Wire) -> Result<Json, String> {
    let set: JwkSet = serde_json::from_value(set.to_json()).map_err(|error| error.to_string())?;
    let header = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?;
    let jwk = set.find(&header.kid.ok_or("no kid")?).ok_or("unknown kid")?.clone();
    let own: Algorithm = jwk.common.key_algorithm.ok_or("no alg")?.to_string().parse().map_err(|_| "alg")?;
    by_key(token, &DecodingKey::from_jwk(&jwk).map_err(|error| error.to_string())?, own)
}

fn by_key(token: &str, key: &DecodingKey, alg: Algorithm) -> Result<Json, String> {
    let mut validation = Validation::new(alg);
    validation.set_audience(&["acme"]);
    validation.set_issuer(&["http://i"]);
    jsonwebtoken::decode::<Json>(token, key, &validation).map(|data| data.claims).map_err(|error| error.to_string())
}

fn set_of(keys: Vec<Wire>) -> Wire {
    let mut set = Wire::object();
    set.push("keys", Wire::List(keys));
    set
}

fn jwk(name: &str, alg: &str) -> Wire {
    keys::public_for(name, alg, KeyForm::Jwk).unwrap()
}

fn refused(token: &str) {
    let verdict = verified(token, &keys::published(ProviderName::Main));
    assert!(verdict.is_err(), "a sound verifier took {token}");
}

#[test]
fn an_honest_token_is_verified_by_the_published_key_of_its_kid() {
    for alg in ["RS256", "ES256", "PS256", "EdDSA"] {
        let token = honest(&draft(alg)).unwrap();
        assert_eq!(header_of(&token)["alg"], alg);
        assert_eq!(header_of(&token)["typ"], "JWT");
        assert_eq!(verified(&token, &keys::published(ProviderName::Main)).unwrap()["sub"], ALICE);
    }
}

#[test]
fn every_other_named_key_signs_under_its_own_kid_and_is_believed_only_where_it_is_published() {
    for name in ["second", "fresh", "withdrawn"] {
        for alg in ["RS256", "ES256", "PS256", "EdDSA"] {
            let token = signed(alg, named(name)).unwrap();
            refused(&token);
            let with_it = set_of(vec![jwk("main", alg), jwk(name, alg)]);
            assert_eq!(verified(&token, &with_it).unwrap()["sub"], ALICE, "{name} {alg}");
        }
    }
}

#[test]
fn a_shared_secret_signs_where_it_was_registered_and_a_fault_does_not_borrow_it() {
    let secret = "k7Qm2xV9bT4wZ8nR1cY6pL3sD5fH0jGa";
    let with = |alg: &str, sign: Sign| {
        let draft = Draft { secret: Some(secret.to_owned()), ..draft(alg) };
        let patch = of_token(Layer::Members, Operations { sign: Some(sign), ..Operations::default() });
        mint(&draft, &[&patch], &[], &Known).map(|bytes| String::from_utf8(bytes).unwrap())
    };
    let key = DecodingKey::from_secret(secret.as_bytes());
    let token = with("HS256", Sign::default()).unwrap();
    assert_eq!(header_of(&token), json!({ "alg": "HS256", "typ": "JWT" }));
    assert!(by_key(&token, &key, Algorithm::HS256).is_ok());
    let flipped = with("HS256", Sign { signature: SignatureShape::Flipped, ..Sign::default() }).unwrap();
    assert!(by_key(&flipped, &key, Algorithm::HS256).is_err());
    let attacker = with("HS256", named("attacker")).unwrap();
    assert_eq!(header_of(&attacker)["alg"], "RS256", "a stranger has keys and no secret");
    assert!(with("RS256", with_alg("HS256", SignatureShape::Good)).is_err());
    assert!(honest(&draft("HS256")).is_err(), "no secret, no token");
}

#[test]
fn the_attacker_signs_well_under_the_kid_of_main() {
    for (alg, own) in [
        ("RS256", Algorithm::RS256),
        ("ES256", Algorithm::ES256),
        ("PS256", Algorithm::PS256),
        ("EdDSA", Algorithm::EdDSA),
    ] {
        let token = signed(alg, named("attacker")).unwrap();
        assert_eq!(header_of(&token)["kid"], jwk("main", alg).to_json()["kid"]);
        refused(&token);
        let attacker: Jwk = serde_json::from_value(jwk("attacker", alg).to_json()).unwrap();
        assert!(by_key(&token, &DecodingKey::from_jwk(&attacker).unwrap(), own).is_ok());
    }
}

#[test]
fn other_algorithms_of_rsa_are_good_signatures() {
    let main: Jwk = serde_json::from_value(jwk("main", "RS256").to_json()).unwrap();
    let main = DecodingKey::from_jwk(&main).unwrap();
    for alg in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS384, Algorithm::PS512] {
        let token = signed("RS256", with_alg(&format!("{alg:?}"), SignatureShape::Good)).unwrap();
        assert_eq!(by_key(&token, &main, alg).unwrap()["sub"], ALICE, "{alg:?}");
        refused(&token);
    }
}

#[test]
fn an_algorithm_that_was_not_registered_signs_by_its_own_published_key() {
    for alg in ["ES256", "PS256", "EdDSA"] {
        let token = signed("RS256", with_alg(alg, SignatureShape::Good)).unwrap();
        assert_eq!(header_of(&token)["kid"], jwk("main", alg).to_json()["kid"]);
        assert_eq!(verified(&token, &keys::published(ProviderName::Main)).unwrap()["sub"], ALICE, "{alg}");
    }
}

#[test]
fn short_rsa_keys_sign_well_by_the_second_library() {
    use rsa::pkcs1v15::{Signature, VerifyingKey};
    use rsa::signature::Verifier as _;
    for (name, bytes) in [("rsa-1024", 128), ("rsa-512", 64)] {
        // The algorithm is that of the key, whatever the client registered.
        for registered in ["RS256", "ES256"] {
            let token = signed(registered, named(name)).unwrap();
            assert_eq!((&header_of(&token)["alg"], &header_of(&token)["kid"]), (&json!("RS256"), &json!(name)));
            let (input, mac) = token.rsplit_once('.').unwrap();
            let mac = URL_SAFE_NO_PAD.decode(mac).unwrap();
            assert_eq!(mac.len(), bytes);
            let number = |form: KeyForm| {
                let bytes = keys::public_for(name, "RS256", form).unwrap().to_plain_bytes();
                rsa::BoxedUint::from_be_slice(&bytes, 8 * bytes.len() as u32).unwrap()
            };
            // Even that library takes such a key only unchecked.
            let key = rsa::PublicKey::new_unchecked(number(KeyForm::Modulus), number(KeyForm::Exponent));
            let key = VerifyingKey::<rsa::sha2::Sha256>::new(key);
            assert!(key.verify(input.as_bytes(), &Signature::try_from(mac.as_slice()).unwrap()).is_ok());
        }
    }
    let too_long = Sign { alg: Some(Value::text("RS512")), ..named("rsa-512") };
    assert!(signed("RS256", too_long).is_err(), "the digest does not fit into 512 bits");
}

#[test]
fn every_form_of_a_public_key_is_the_same_key() {
    let token = honest(&draft("RS256")).unwrap();
    let form = |form: KeyForm| keys::public_for("main", "RS256", form).unwrap().to_plain_bytes();
    for pem in [KeyForm::SpkiPem, KeyForm::SpkiPemNoNewline, KeyForm::Pkcs1Pem, KeyForm::Pkcs1PemNoNewline] {
        let key = DecodingKey::from_rsa_pem(&form(pem)).unwrap();
        assert!(by_key(&token, &key, Algorithm::RS256).is_ok(), "{pem:?}");
    }
    let components = DecodingKey::from_rsa_raw_components(&form(KeyForm::Modulus), &form(KeyForm::Exponent));
    assert!(by_key(&token, &components, Algorithm::RS256).is_ok());
    assert!(by_key(&token, &DecodingKey::from_rsa_der(&form(KeyForm::Pkcs1Der)), Algorithm::RS256).is_ok());
    assert!(form(KeyForm::SpkiPem).ends_with(b"-----END PUBLIC KEY-----\n"));
    assert!(form(KeyForm::SpkiPemNoNewline).ends_with(b"-----END PUBLIC KEY-----"));

    let token = honest(&draft("ES256")).unwrap();
    let pem = keys::public_for("main", "ES256", KeyForm::SpkiPem).unwrap().to_plain_bytes();
    assert!(by_key(&token, &DecodingKey::from_ec_pem(&pem).unwrap(), Algorithm::ES256).is_ok());
    assert_eq!(keys::public_for("nobody", "RS256", KeyForm::Jwk), None);
}

#[test]
fn every_jwk_of_the_collection_belongs_to_its_private_key() {
    for name in ["main", "second", "fresh", "withdrawn", "attacker"] {
        for (kind, alg, own) in [(Kind::Rsa, "RS256", Algorithm::RS256), (Kind::Ec, "ES256", Algorithm::ES256)] {
            let jwk: Jwk = serde_json::from_value(keys::key(name, kind).unwrap().jwk().to_json()).unwrap();
            let token = signed(alg, named(name)).unwrap();
            assert!(by_key(&token, &DecodingKey::from_jwk(&jwk).unwrap(), own).is_ok(), "{name} {alg}");
        }
    }
}

#[test]
fn hmac_takes_any_material_and_keeps_the_kid_of_main() {
    let algorithms = [("HS256", Algorithm::HS256), ("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)];
    for form in [KeyForm::SpkiPem, KeyForm::Pkcs1PemNoNewline, KeyForm::SpkiDer, KeyForm::Modulus, KeyForm::Jwk] {
        for (name, alg) in algorithms {
            let material = key("main", form);
            let sign = Sign { key: Some(SigningKey::Material(material)), ..with_alg(name, SignatureShape::Good) };
            let token = signed("RS256", sign).unwrap();
            assert_eq!(header_of(&token)["kid"], "main-rs256");
            let secret = keys::public_for("main", "RS256", form).unwrap().to_plain_bytes();
            assert!(by_key(&token, &DecodingKey::from_secret(&secret), alg).is_ok(), "{form:?} {name}");
            refused(&token);
        }
    }
    let jwk: Jwk = serde_json::from_value(jwk("oct", "RS256").to_json()).unwrap();
    let token = signed("RS256", named("oct")).unwrap();
    assert!(by_key(&token, &DecodingKey::from_jwk(&jwk).unwrap(), Algorithm::HS256).is_ok());
}

#[test]
fn no_algorithm_has_no_signature_however_it_is_spelt() {
    for spelling in ["none", "None", "nOnE", "none "] {
        let token = signed("RS256", with_alg(spelling, SignatureShape::Empty)).unwrap();
        assert_eq!(header_of(&token)["alg"], spelling);
        assert_eq!((parts(&token).len(), parts(&token)[2]), (3, ""));
        assert_eq!(claims_of(&token)["sub"], ALICE);
        refused(&token);
        assert_eq!(parts(&signed("RS256", with_alg(spelling, SignatureShape::Good)).unwrap())[2], "");
    }
    let stale = signed("RS256", with_alg("none", SignatureShape::Stale)).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(parts(&stale)[2]).unwrap().len(), 256, "an old signature of the provider");
    let null = Sign { alg: Some(run(Source::Json(Value::text("null")))), ..Sign::default() };
    assert_eq!(header_of(&signed("RS256", null).unwrap())["alg"], Json::Null);
}

#[test]
fn a_flipped_signature_differs_in_one_bit_and_is_refused() {
    let good = honest(&draft("RS256")).unwrap();
    let bad = shaped("RS256", SignatureShape::Flipped).unwrap();
    assert_eq!(good.rsplit_once('.').unwrap().0, bad.rsplit_once('.').unwrap().0);
    let mac = |token: &str| URL_SAFE_NO_PAD.decode(parts(token)[2]).unwrap();
    let bits: u32 = mac(&good).iter().zip(mac(&bad)).map(|(good, bad)| (good ^ bad).count_ones()).sum();
    assert_eq!(bits, 1);
    refused(&bad);
    refused(&shaped("ES256", SignatureShape::Flipped).unwrap());
}

#[test]
fn a_flipped_payload_is_one_that_a_verifier_would_like_just_as_well() {
    let token = signed("RS256", Sign { payload_flipped: true, ..Sign::default() }).unwrap();
    refused(&token);
    let mut claims = claims_of(&token);
    assert_eq!(claims["exp"], 4_000_000_001_i64);
    claims["exp"] = json!(4_000_000_000_i64);
    assert_eq!(claims, draft("RS256").claims.to_json());
}

#[test]
fn a_signature_can_be_empty_missing_old_or_too_long() {
    let empty = shaped("RS256", SignatureShape::Empty).unwrap();
    assert!(empty.ends_with('.') && parts(&empty).len() == 3);
    let missing = shaped("RS256", SignatureShape::Missing).unwrap();
    assert_eq!(parts(&missing).len(), 2);
    assert_eq!(empty, format!("{missing}."));
    let stale = shaped("RS256", SignatureShape::Stale).unwrap();
    assert_eq!(parts(&stale)[2].len(), 342);
    let extra = shaped("RS256", SignatureShape::Extra).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(parts(&extra)[2]).unwrap().len(), 256 + 5);
    for token in [empty, missing, stale, extra] {
        refused(&token);
    }
}

#[test]
fn ecdsa_signatures_can_be_zero_the_group_order_or_der() {
    use p256::ecdsa::signature::Verifier as _;
    let mac = |token: &str| URL_SAFE_NO_PAD.decode(parts(token)[2]).unwrap();
    let zero = shaped("ES256", SignatureShape::Zero).unwrap();
    assert_eq!(mac(&zero), vec![0; 64]);
    let order = shaped("ES256", SignatureShape::Order).unwrap();
    assert_eq!(mac(&order).len(), 64);
    refused(&zero);
    refused(&order);
    let Some(Wire::Bytes(spki)) = keys::public_for("main", "ES256", KeyForm::SpkiDer) else { panic!("no DER") };
    let key = {
        use p256::pkcs8::DecodePublicKey as _;
        p256::ecdsa::VerifyingKey::from_public_key_der(&spki).unwrap()
    };
    // Leading zeros and high bits come and go with the random nonce: enough rounds to meet them.
    for _ in 0..64 {
        let token = shaped("ES256", SignatureShape::Der).unwrap();
        refused(&token);
        let signature = p256::ecdsa::Signature::from_der(&mac(&token)).expect("DER that another library reads");
        assert!(key.verify(token.rsplit_once('.').unwrap().0.as_bytes(), &signature).is_ok());
    }
    for shape in [SignatureShape::Zero, SignatureShape::Order, SignatureShape::Der] {
        assert!(shaped("RS256", shape).is_err(), "{shape:?} means nothing for RSA");
    }
}

#[test]
fn claims_and_header_change_each_in_its_own_layer() {
    let claims = Operations {
        set: vec![("aud".into(), Value::text("other"))],
        duplicate: vec![("sub".into(), vec![Value::text("bob-1"), Value::text(ALICE)])],
        ..Operations::default()
    };
    let jose = Operations {
        set: vec![("jwk".into(), key("attacker", KeyForm::Jwk))],
        drop: vec!["kid".into()],
        ..Operations::default()
    };
    let token =
        mint(&draft("RS256"), &[&of_token(Layer::Members, claims)], &[&of_token(Layer::Jose, jose)], &Known).unwrap();
    let token = String::from_utf8(token).unwrap();
    let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(parts(&token)[1]).unwrap()).unwrap();
    assert_eq!(payload, r#"{"aud":"other","exp":4000000000,"iss":"http://i","sub":"bob-1","sub":"alice-1"}"#);
    let header = header_of(&token);
    assert_eq!((&header["jwk"]["kid"], header.get("kid")), (&json!("attacker-rs256"), None));
    // The signature is good over what was changed.
    let main: Jwk = serde_json::from_value(jwk("main", "RS256").to_json()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_aud = false;
    let key = DecodingKey::from_jwk(&main).unwrap();
    assert!(
        jsonwebtoken::crypto::verify(
            parts(&token)[2],
            token.rsplit_once('.').unwrap().0.as_bytes(),
            &key,
            Algorithm::RS256
        )
        .unwrap()
    );
}

#[test]
fn the_whole_text_of_a_token_can_be_another() {
    let text = minted("RS256", Operations { replace: Some(Value::text("not a token")), ..Operations::default() });
    assert_eq!(text.unwrap(), "not a token");
}

#[test]
fn every_encoding_changes_the_bytes_and_nothing_else() {
    let compact = honest(&draft("RS256")).unwrap();
    let of = |encode: Encode| {
        let operations = Operations { encode: Some(encode), ..Operations::default() };
        mint(&draft("RS256"), &[&of_token(Layer::Members, operations)], &[], &Known).unwrap()
    };
    let text = |encode: Encode| String::from_utf8(of(encode)).unwrap();
    let padded = text(Encode::Padded);
    assert!(parts(&padded).iter().all(|part| part.len() % 4 == 0) && padded.replace('=', "") == compact);
    let standard = text(Encode::StandardAlphabet);
    assert_eq!(STANDARD.decode(parts(&standard)[2]), URL_SAFE_NO_PAD.decode(parts(&compact)[2]));
    assert!(!standard.contains(['-', '_']));
    let broken = text(Encode::LineBreaks);
    assert!(broken.lines().all(|line| line.len() <= 64) && broken.replace('\n', "") == compact);
    assert_eq!(text(Encode::Trailing), format!("{compact}.trailing"));
    let claims = String::from_utf8(draft("RS256").claims.to_json_bytes()).unwrap();
    assert_eq!(text(Encode::Unencoded), format!("{}.{claims}.{}", parts(&compact)[0], parts(&compact)[2]));
    let json: Json = serde_json::from_str(&text(Encode::Json)).unwrap();
    let flat: Json = serde_json::from_str(&text(Encode::Flattened)).unwrap();
    for (protected, signature, payload) in [
        (&json["signatures"][0]["protected"], &json["signatures"][0]["signature"], &json["payload"]),
        (&flat["protected"], &flat["signature"], &flat["payload"]),
    ] {
        let again =
            format!("{}.{}.{}", protected.as_str().unwrap(), payload.as_str().unwrap(), signature.as_str().unwrap());
        assert_eq!(again, compact);
    }
    let bytes = of(Encode::NotUtf8);
    assert!(String::from_utf8(bytes.clone()).is_err());
    assert_eq!(member(bytes.clone()), Wire::Bytes(bytes));
    assert_eq!(member(compact.clone().into_bytes()), Wire::from(compact));
}

#[test]
fn what_cannot_take_effect_on_a_token_is_an_error() {
    let error = ErrorAnswer { code: "invalid_grant".into(), ..ErrorAnswer::default() };
    let jwe = Encode::Jwe { recipient: "partner".into(), alg: None, enc: None, zip: None, inner_claims: false };
    let unknown = run(Source::Saved("nobody".into()));
    for (what, operations) in [
        ("encryption", Operations { encode: Some(jwe), ..Operations::default() }),
        ("gzip", Operations { encode: Some(Encode::Gzip), ..Operations::default() }),
        ("an error answer", Operations { error: Some(error), ..Operations::default() }),
        ("a status", Operations { status: Some(500), ..Operations::default() }),
        ("an unknown value", Operations { set: vec![("sub".into(), unknown)], ..Operations::default() }),
        ("an unknown key", Operations { sign: Some(named("nobody")), ..Operations::default() }),
        (
            "HMAC without secret",
            Operations { sign: Some(with_alg("HS256", SignatureShape::Good)), ..Operations::default() },
        ),
        (
            "HMAC with a key pair",
            Operations {
                sign: Some(Sign { alg: Some(Value::text("HS256")), ..named("main") }),
                ..Operations::default()
            },
        ),
        (
            "the order of RSA",
            Operations {
                sign: Some(Sign { signature: SignatureShape::Order, ..Sign::default() }),
                ..Operations::default()
            },
        ),
    ] {
        let message = minted("RS256", operations).expect_err(what).to_string();
        assert!(message.ends_with("is not known here"), "{message}");
    }
    let jose = of_token(Layer::Jose, Operations { sign: Some(named("attacker")), ..Operations::default() });
    assert!(mint(&draft("RS256"), &[], &[&jose], &Known).is_err());
}
