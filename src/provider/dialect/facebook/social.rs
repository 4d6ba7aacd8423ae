//! What a Graph answer shows of people: granted permissions and audience, both. Pure: it knows people, permissions and
//! who looks, and nothing of tokens or requests.
//!
//! A permission `friends_…` opens the data of friends, any other that of the token's own person.

use serde_json::Value as Json;

use crate::model::dialect::{Dialect, Scope};
use crate::model::persona::{Audience, Friends, Grant, Item, Look, Person, visible};
use crate::model::wire::Wire;

/// Who looks: whose token it is, and what was granted for it.
pub struct Eyes<'a> {
    /// The dialect says what a permission opens.
    pub dialect: &'a Dialect,
    /// Who knows whom.
    pub friends: &'a Friends,
    /// The token's person by name; `None`: the app alone, or no token.
    pub viewer: Option<&'a str>,
    /// Granted permissions.
    pub granted: &'a [String],
    /// What is for everyone needs no permission (until 2012).
    pub open: bool,
}

impl Eyes<'_> {
    fn look<'l>(&'l self, owner: &'l Person) -> Look<'l> {
        Look { owner, viewer: self.viewer, friends: self.friends }
    }

    /// What the granted permissions say of something of a person.
    fn grant(&self, owner: &Person, opens: impl Fn(&Scope) -> bool) -> Grant {
        let own = self.look(owner).is_own();
        let fits = |scope: &str| scope.starts_with("friends_") != own;
        let basic = self.dialect.scopes.values().any(|scope| scope.implied && opens(scope));
        let named = self.granted.iter().filter(|scope| fits(scope));
        let given = named.filter_map(|scope| self.dialect.scopes.get(scope)).any(&opens);
        // Basic information needs no permission, whoever looks.
        match (basic || given, self.open) {
            (true, _) => Grant::Given,
            (false, true) => Grant::MissingButOpen,
            (false, false) => Grant::Missing,
        }
    }

    /// Whether a field of a person is seen. What she shows to everyone needs no permission.
    pub fn sees(&self, owner: &Person, field: &str) -> bool {
        let opens = |scope: &Scope| scope.fields.iter().any(|own| own == field);
        let grant = match self.grant(owner, opens) {
            // So is only what a permission `user_…` opens: an e-mail address never was.
            Grant::MissingButOpen
                if !self.dialect.scopes.iter().any(|(name, own)| name.starts_with("user_") && opens(own)) =>
            {
                Grant::Missing
            }
            other => other,
        };
        visible(self.look(owner), owner.audience(field), grant)
    }

    /// Whether the dialect knows a field of that name.
    pub fn has_field(&self, field: &str) -> bool {
        self.dialect.scopes.values().any(|scope| scope.fields.iter().any(|own| own == field))
    }

    /// Whether the dialect knows a list of that name.
    pub fn has_edge(&self, edge: &str) -> bool {
        self.opening(edge).is_some()
    }

    /// The permission that opens a list.
    pub fn opening(&self, edge: &str) -> Option<&str> {
        let opens = |scope: &Scope| scope.api_fields.iter().any(|own| own == edge);
        self.dialect.scopes.iter().find(|(_, scope)| opens(scope)).map(|(name, _)| name.as_str())
    }

    /// A person as an object: `id` and whatever is seen; of `fields` only those, where there are any.
    pub fn person(&self, owner: &Person, fields: Option<&[&str]>) -> Wire {
        let mut wire = Wire::object();
        wire.push("id", owner.sub.as_str());
        let asked = |field: &str| fields.is_none_or(|fields| fields.contains(&field));
        for (field, value) in owner.fields.iter().filter(|(field, _)| asked(field) && self.has_field(field)) {
            if self.sees(owner, field) {
                self.dialect.put(&mut wire, field, value);
            }
        }
        wire
    }

    /// Whether a permission opens a list of a person at all: without one, only what is for everyone is there.
    pub fn may_list(&self, owner: &Person, edge: &str) -> bool {
        self.grant(owner, |scope| scope.api_fields.iter().any(|own| own == edge)) == Grant::Given
    }

    /// Whether a list of a person is there for whoever looks: opened by a permission, and shown as a whole.
    pub fn shows_edge(&self, owner: &Person, edge: &str) -> bool {
        self.may_list(owner, edge) && self.look(owner).is_in(owner.audience(edge))
    }

    /// What is seen of a list of a person.
    pub fn edge<'p>(&self, owner: &'p Person, edge: &str) -> Vec<&'p Item> {
        let grant = self.grant(owner, |scope| scope.api_fields.iter().any(|own| own == edge));
        // A list is no field: what is for everyone in it needs the permission as well.
        let grant = if grant == Grant::Given { grant } else { Grant::Missing };
        let items = owner.edges.get(edge).into_iter().flatten();
        items.filter(|item| visible(self.look(owner), audience(owner, edge, item), grant)).collect()
    }

    /// Whether a single object is seen, asked for by its id.
    pub fn sees_item(&self, owner: &Person, edge: &str, item: &Item) -> bool {
        let grant = self.grant(owner, |scope| scope.api_fields.iter().any(|own| own == edge));
        visible(self.look(owner), audience(owner, edge, item), grant)
    }

    /// The friends of the token's own person, each with name and id; nobody else's.
    pub fn friends_of<'p>(&self, owner: &Person, people: &'p [Person]) -> Vec<&'p Person> {
        if !self.look(owner).is_own() || !self.look(owner).is_in(owner.audience("friends")) {
            return Vec::new();
        }
        let names: Vec<&str> = self.friends.friends_of(&owner.name).collect();
        people.iter().filter(|person| names.contains(&person.name.as_str())).collect()
    }
}

/// Who may see an item: its own audience, else that of its kind.
pub fn audience<'p>(owner: &'p Person, edge: &str, item: &'p Item) -> &'p Audience {
    item.visible.as_ref().unwrap_or_else(|| owner.audience(edge))
}

/// An item as an object; `from` names its owner where the kind has one.
pub fn item(owner: &Person, edge: &str, item: &Item) -> Wire {
    let mut wire = Wire::object();
    if matches!(edge, "photos" | "albums" | "feed") {
        let mut from = Wire::object();
        from.push("name", owner.text("name").unwrap_or_default());
        from.push("id", owner.sub.as_str());
        wire.push("from", from);
    }
    for (name, value) in &item.data {
        wire.push(name, Wire::from(value.clone()));
    }
    wire
}

/// The audience of a post by its parameter `privacy`, and nothing else by it.
///
/// # Errors
/// A sentence: it is no JSON object, names an unknown value, or people who are not there.
pub fn privacy(text: &str, people: &[Person]) -> Result<Audience, String> {
    let json: Json = serde_json::from_str(text).map_err(|_| "privacy is no JSON".to_owned())?;
    let value = json.get("value").and_then(Json::as_str).ok_or("privacy has no `value`")?;
    let listed = |member: &str| -> Result<Vec<String>, String> {
        let ids = match json.get(member) {
            None => return Ok(Vec::new()),
            Some(Json::String(ids)) => ids.split(',').map(str::to_owned).collect(),
            Some(Json::Array(ids)) => ids.iter().filter_map(|id| Some(id.as_str()?.to_owned())).collect::<Vec<_>>(),
            Some(_) => return Err(format!("`{member}` of privacy is no list of ids")),
        };
        let ids = ids.iter().map(|id| id.trim()).filter(|id| !id.is_empty());
        ids.map(|id| {
            let known = people.iter().find(|person| person.sub == id);
            known.map(|person| person.name.clone()).ok_or_else(|| format!("`{member}` of privacy names nobody: {id}"))
        })
        .collect()
    };
    Ok(match value {
        "EVERYONE" => Audience::Everyone,
        "ALL_FRIENDS" => Audience::Friends,
        "FRIENDS_OF_FRIENDS" | "NETWORKS_FRIENDS" => Audience::FriendsOfFriends,
        "SELF" => Audience::OnlyMe,
        "CUSTOM" => {
            let mut allow = listed("allow")?;
            match json.get("friends").and_then(Json::as_str) {
                Some("EVERYONE") => allow.push("everyone".to_owned()),
                Some("ALL_FRIENDS") => allow.push("friends".to_owned()),
                Some("FRIENDS_OF_FRIENDS" | "NETWORKS_FRIENDS") => allow.push("friends_of_friends".to_owned()),
                Some("SOME_FRIENDS" | "SELF" | "NO_FRIENDS") | None => {}
                Some(other) => return Err(format!("`friends` of privacy is {other}, which there is not")),
            }
            Audience::Custom(crate::model::persona::Chosen { allow, deny: listed("deny")? })
        }
        other => return Err(format!("`value` of privacy is {other}, which there is not")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::persona::Chosen;

    const DIALECT: &str = include_str!("../../../../specs/dialects/facebook-connect/dialect.toml");
    const PEOPLE: &str = include_str!("../../../../specs/dialects/facebook-connect/personas.toml");

    fn dialect() -> Dialect {
        Dialect::from_files(DIALECT, PEOPLE).unwrap_or_else(|error| panic!("{error}"))
    }

    fn people(dialect: &Dialect) -> Vec<Person> {
        dialect.personas.iter().map(|own| Person::mint(own, &own.name, 1, "t", None, None)).collect()
    }

    fn scopes(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// The members that `viewer` sees of person number `owner`, `id` aside.
    fn seen(viewer: Option<&str>, owner: usize, granted: &[&str]) -> Vec<String> {
        let dialect = dialect();
        let people = people(&dialect);
        let (friends, granted) = (Friends::of(&people), scopes(granted));
        let eyes = Eyes { dialect: &dialect, friends: &friends, viewer, granted: &granted, open: true };
        let Wire::Object(members) = eyes.person(&people[owner], None) else { panic!("no object") };
        let basic = ["id", "name", "first_name", "last_name", "username", "link", "gender", "locale"];
        members.into_iter().map(|(name, _)| name).filter(|name| !basic.contains(&name.as_str())).collect()
    }

    #[test]
    fn a_field_is_there_where_it_is_granted_and_within_its_audience() {
        // What she shows to everyone needs no permission: her home town, website, education, …
        assert!(seen(None, 0, &[]).contains(&"education".to_owned()));
        for (viewer, granted, work, birthday) in [
            (None, &[][..], false, false),
            (Some("alice"), &[], false, false),
            (Some("alice"), &["user_work_history", "user_birthday"], true, true),
            (Some("alice"), &["friends_work_history", "friends_birthday"], false, false),
            (Some("bob"), &["user_work_history", "user_birthday"], false, false),
            (Some("bob"), &["friends_work_history", "friends_birthday"], true, true),
            (Some("carol"), &["friends_work_history", "friends_birthday"], true, false),
            (Some("mallory"), &["friends_work_history", "friends_birthday"], false, false),
        ] {
            let members = seen(viewer, 0, granted);
            let has = |field: &str| members.iter().any(|own| own == field);
            assert_eq!((has("work"), has("birthday")), (work, birthday), "{viewer:?} {granted:?}");
        }
    }

    #[test]
    fn an_email_address_is_there_only_where_it_is_granted_by_its_own_person() {
        let shows = |viewer: Option<&str>, granted: &[&str]| seen(viewer, 0, granted).contains(&"email".to_owned());
        assert!(shows(Some("alice"), &["email"]));
        assert!(!shows(Some("alice"), &["user_birthday"]) && !shows(None, &[]) && !shows(Some("mallory"), &[]));
    }

    #[test]
    fn what_is_hidden_from_apps_is_not_seen_with_her_own_token_either() {
        assert!(!seen(Some("alice"), 0, &["user_relationships"]).contains(&"relationship_status".to_owned()));
    }

    #[test]
    fn who_has_turned_apps_off_is_not_seen_by_friends_apps() {
        assert!(!seen(Some("bob"), 2, &["friends_work_history"]).contains(&"work".to_owned()));
        assert!(seen(Some("carol"), 2, &["user_work_history"]).contains(&"work".to_owned()));
    }

    #[test]
    fn a_list_needs_its_permission_and_shows_what_its_items_allow() {
        let dialect = dialect();
        let people = people(&dialect);
        let friends = Friends::of(&people);
        let names = |viewer: &str, edge: &str, granted: &[&str]| -> Vec<String> {
            let granted = scopes(granted);
            let eyes =
                Eyes { dialect: &dialect, friends: &friends, viewer: Some(viewer), granted: &granted, open: true };
            eyes.edge(&people[0], edge).iter().filter_map(|item| Some(item.data["name"].as_str()?.to_owned())).collect()
        };
        assert_eq!(names("alice", "groups", &["user_groups"]).len(), 3);
        assert_eq!(names("bob", "groups", &["friends_groups"]).len(), 2, "the surprise is denied to bob");
        assert!(names("carol", "groups", &["friends_groups"]).is_empty());
        assert!(names("alice", "groups", &["friends_groups"]).is_empty());
        assert_eq!(names("alice", "photos", &["user_photos"]), ["Harbour at noon", "Bob on the pier"]);
        assert_eq!(names("mallory", "photos", &["friends_photos"]), ["Harbour at noon"]);
        assert!(names("alice", "photos", &[]).is_empty());
    }

    #[test]
    fn the_friends_of_somebody_else_are_not_told() {
        let dialect = dialect();
        let people = people(&dialect);
        let friends = Friends::of(&people);
        let of = |viewer: &str, owner: usize| -> Vec<String> {
            let eyes = Eyes { dialect: &dialect, friends: &friends, viewer: Some(viewer), granted: &[], open: true };
            eyes.friends_of(&people[owner], &people).iter().map(|person| person.name.clone()).collect()
        };
        assert_eq!(of("bob", 1), ["alice", "carol"]);
        assert!(of("bob", 0).is_empty());
    }

    #[test]
    fn the_privacy_of_a_post_is_read_to_the_letter() {
        let people = people(&dialect());
        let (alice, bob) = (&people[0].sub, &people[1].sub);
        assert_eq!(privacy(r#"{"value":"EVERYONE"}"#, &people), Ok(Audience::Everyone));
        assert_eq!(privacy(r#"{"value":"SELF"}"#, &people), Ok(Audience::OnlyMe));
        let custom = format!(r#"{{"value":"CUSTOM","friends":"SOME_FRIENDS","allow":"{alice}","deny":"{bob}"}}"#);
        let chosen = Chosen { allow: scopes(&["alice"]), deny: scopes(&["bob"]) };
        assert_eq!(privacy(&custom, &people), Ok(Audience::Custom(chosen)));
        for wrong in ["EVERYONE", "{}", r#"{"value":"FRENDS"}"#, r#"{"value":"CUSTOM","allow":"77"}"#] {
            assert!(privacy(wrong, &people).is_err(), "{wrong}");
        }
    }
}
