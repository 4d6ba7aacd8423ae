//! The changelog as data: which MUSTs came with which version, for manifests that were written for another one.

/// What came with a version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Release {
    /// Major and minor number: those that a manifest's `suite` names.
    pub version: (u32, u32),
    /// New MUSTs: `id`, and what it says.
    pub musts: Vec<(String, String)>,
}

/// Major and minor number of a version such as `0.1`, `0.1.3`, `v0.1.0-rc.1`.
pub fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim_start_matches('v').split(['.', '-', ' ']);
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    let rest_is_sound = parts.next().is_none_or(|patch| patch.parse::<u32>().is_ok());
    rest_is_sound.then_some((major, minor))
}

/// Reads a changelog: `## VERSION` begins a version, `` - `id` … `` below `### New MUSTs` is a new MUST.
pub fn read(text: &str) -> Vec<Release> {
    let mut releases: Vec<Release> = Vec::new();
    let mut in_musts = false;
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("## ") {
            in_musts = false;
            let named = head.split_whitespace().next().and_then(version);
            releases.extend(named.map(|version| Release { version, musts: Vec::new() }));
        } else if line.starts_with("### ") {
            in_musts = line == "### New MUSTs";
        } else if let (true, Some(rest), Some(release)) = (in_musts, line.strip_prefix("- `"), releases.last_mut())
            && let Some((id, says)) = rest.split_once('`')
        {
            release.musts.push((id.to_owned(), says.trim_start_matches([':', ' ']).to_owned()));
        }
    }
    releases
}

/// The MUSTs that are new after one version, up to another one, newest version first.
pub fn new_between(text: &str, after: (u32, u32), up_to: (u32, u32)) -> Vec<(String, String)> {
    let mut releases = read(text);
    releases.sort_by_key(|release| std::cmp::Reverse(release.version));
    let wanted = releases.into_iter().filter(|release| release.version > after && release.version <= up_to);
    wanted.flat_map(|release| release.musts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Changelog\n\n## 0.3.0 (unreleased)\n\n### New MUSTs\n\n- `a/3`: third\n\n### Otherwise\n\n- `x/9`: not a rule\n\n## 0.2.1\n\n### New MUSTs\n\n- `a/2`: second\n\n## 0.1.0\n\n### New MUSTs\n\n- `a/1`: first\n";

    #[test]
    fn what_is_new_since_a_version_leaves_out_that_version_and_what_is_no_must() {
        let ids =
            |after, up_to| -> Vec<String> { new_between(TEXT, after, up_to).into_iter().map(|(id, _)| id).collect() };
        assert_eq!(ids((0, 1), (0, 3)), ["a/3", "a/2"]);
        assert_eq!(ids((0, 1), (0, 2)), ["a/2"]);
        assert_eq!(ids((0, 3), (0, 3)), [""; 0]);
        assert_eq!(new_between(TEXT, (0, 2), (0, 3)), [("a/3".to_owned(), "third".to_owned())]);
    }

    #[test]
    fn versions_are_read_by_their_first_two_numbers() {
        assert_eq!(version("0.1"), Some((0, 1)));
        assert_eq!(version("v1.12.3"), Some((1, 12)));
        for wrong in ["", "1", "one", "0.x", "0.1.x"] {
            assert_eq!(version(wrong), None, "{wrong}");
        }
    }
}
