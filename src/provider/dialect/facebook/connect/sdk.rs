//! What the JavaScript SDK of 2010 to 2012 is told: a session, and from 2011 on an `authResponse`.

use serde_json::json;

use crate::model::wire::Wire;
use crate::provider::dialect::facebook::bearer::Bearer;
use crate::provider::dialect::facebook::legacy_sig;
use crate::provider::dialect::facebook::sdk::{Style, Told};
use crate::provider::dialect::held;

use super::{bearer, domain_of, login, sealed, session};

pub(super) const STYLE: Style = Style {
    name: "connect",
    wall: "feed",
    user: |shared, text| match bearer::of(shared, text) {
        Ok(Bearer::User(user)) => Some(user),
        _ => None,
    },
    granted: |shared, origin, client_id| {
        let key = held::key(&shared.dialect, origin.person.as_deref().unwrap_or_default(), client_id);
        origin.attempt.inner().grants.get(&key).cloned().unwrap_or_default()
    },
    told,
};

fn told(about: &Told<'_>) -> Wire {
    let Told { shared, origin, client, .. } = about;
    let domain = domain_of(about.page);
    let begun = match about.token {
        Some(user) => session::around(shared, &user.text, &user.person.sub, user.expires, &domain),
        None => session::begin(shared, origin, client, about.granted, &domain),
    };
    let session = legacy_sig::signed_session(begun, &login::secret(origin, client));
    let expires = session["expires"].parse::<i64>().unwrap_or_default();
    let left = if expires == 0 { 0 } else { expires - origin.attempt.now() };
    let person = origin.person.as_ref().and_then(|name| origin.attempt.person(name));
    let sealed = person.and_then(|person| sealed::made(shared, &origin.attempt, &person, client, "fbsr_cookie"));
    let mut response = json!({ "accessToken": session["access_token"], "userID": session["uid"], "expiresIn": left });
    if let Some(Ok(signed_request)) = sealed {
        response["signedRequest"] = json!(signed_request);
    }
    Wire::from(json!({ "session": session::json_of(&session), "authResponse": response }))
}
