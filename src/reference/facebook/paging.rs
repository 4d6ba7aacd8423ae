//! Lists come in pages: each names the address of the next one, and the last one names none.

use serde_json::Value as Json;

use crate::reference::state::App;

use super::graph;

/// More pages than any honest list has here.
const PAGES: usize = 50;

/// The list with the entries of all its pages; what came before a page that cannot be had is kept.
pub(in crate::reference) async fn all_pages(app: &App, first: Json, token: &str) -> Json {
    let origin = |address: &str| url::Url::parse(address).ok().map(|url| url.origin());
    let home = graph::address(app, "").await.ok().and_then(|home| origin(&home));
    let (mut all, mut read) = (first, Vec::new());
    while read.len() < PAGES {
        let next = match next_of(&all) {
            // Nobody else gets the token, and nothing goes round in circles.
            Some(next) if home.is_some() && origin(&next) == home && !read.contains(&next) => next,
            None if app.flaws.has("endless-paging") && !read.is_empty() => read[read.len() - 1].clone(),
            _ => break,
        };
        // The token stands in the address already; what proves the call does not.
        let url = graph::proven(app, &next, token);
        let Ok((200, Some(page))) = app.call_unproven(url, token, true).await else { break };
        read.push(next);
        all = joined(all, page);
    }
    // The addresses of pages have the token in them: nobody is shown one.
    if let Some(members) = all.as_object_mut() {
        members.remove("paging");
    }
    all
}

fn next_of(page: &Json) -> Option<String> {
    page.get("paging")?.get("next")?.as_str().map(str::to_owned)
}

/// A list and the page that follows it.
fn joined(before: Json, mut page: Json) -> Json {
    let mut data = before.get("data").and_then(Json::as_array).cloned().unwrap_or_default();
    data.extend(page.get("data").and_then(Json::as_array).cloned().unwrap_or_default());
    page["data"] = Json::Array(data);
    page
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_adds_its_entries_and_says_where_it_goes_on() {
        let first = json!({ "data": [1], "paging": { "next": "x" } });
        assert_eq!(next_of(&first).as_deref(), Some("x"));
        let both = joined(first, json!({ "data": [2, 3], "paging": {} }));
        assert_eq!((next_of(&both), &both["data"]), (None, &json!([1, 2, 3])));
    }
}
