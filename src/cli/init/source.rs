//! What a project's own source shows: the paths that it serves and the variables of the environment that it reads. It
//! reads words, not languages: what it finds is told with its place and can be wrong, what it does not find is asked.

use std::collections::BTreeMap;
use std::path::Path;

use super::project::{Found, is_foreign, names_in};
use super::template::{Key, quoted};

/// Files and folders that are looked at, at most.
const MOST_FILES: usize = 400;
const DEEPEST: usize = 9;
const LARGEST: u64 = 512 << 10;

/// Endings of files that hold source.
const KINDS: [&str; 14] = ["js", "mjs", "cjs", "ts", "mts", "tsx", "jsx", "py", "rs", "go", "php", "rb", "java", "kt"];

/// What a line has that says which path is served.
const ROUTES: [&str; 16] = [
    ".get(",
    ".post(",
    ".all(",
    ".route(",
    ".handle",
    "handlefunc(",
    "mapping(",
    "route::",
    "get \"",
    "get '",
    "post \"",
    "post '",
    ".any(",
    ".match(",
    "->get(",
    "->post(",
];

/// What a file has that reads its environment.
const ENVIRONMENT: [&str; 7] = ["process.env", "environ", "env::var", "Getenv(", "ENV[", "ENV.fetch", "getenv("];

/// Configuration that takes values from the environment (Spring's `application.yml`), and how it says so.
const CONFIGURATION: [&str; 3] = ["yml", "yaml", "properties"];
const PLACEHOLDER: &str = "${";

/// What a line has that looks at the path itself, without a framework's help.
const COMPARED: [&str; 4] = ["== '/", "== \"/", "case '/", "case \"/"];

/// What stands below a route that receives the answer of a provider, whatever its path is called.
const RECEIVES: [&str; 6] = [
    "authorize_access_token",
    "authorizationcodegrant(",
    "exchange_code(",
    "fetch_token(",
    "callbackparams(",
    ".oauthcallback(",
];
/// Lines below a route that are looked at for that.
const BELOW: usize = 15;

/// A path that the site serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub path: String,
    pub post: bool,
    pub place: String,
}

impl Route {
    /// As a place of the manifest, in TOML.
    pub fn as_place(&self) -> String {
        match self.post {
            true => format!("{{ path = {}, method = \"POST\" }}", quoted(&self.path)),
            false => quoted(&self.path),
        }
    }
}

/// What the source shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Source {
    pub routes: BTreeMap<Key, Route>,
    /// Variable -> what it should be given, and where it stands.
    pub env: BTreeMap<String, (String, String)>,
    /// The file that serves the login.
    pub main: Option<Found>,
}

/// Reads a project's source.
pub(super) fn read(folder: &Path) -> Source {
    let mut source = Source::default();
    let mut open = vec![(folder.to_owned(), String::new(), 0)];
    let mut count = 0;
    let mut best: BTreeMap<Key, usize> = BTreeMap::new();
    while let Some((here, shown, depth)) = open.pop() {
        for name in names_in(&here, |name| !is_foreign(name) && !name.starts_with("test")).into_iter().rev() {
            let path = here.join(&name);
            let shown = if shown.is_empty() { name.clone() } else { format!("{shown}/{name}") };
            if path.is_dir() && depth < DEEPEST && !path.is_symlink() {
                open.push((path, shown, depth + 1));
                continue;
            }
            let is_one_of =
                |kinds: &[&str]| Path::new(&name).extension().is_some_and(|kind| kinds.iter().any(|own| kind == *own));
            let is_source = is_one_of(&KINDS);
            let is_configuration = is_one_of(&CONFIGURATION) && name.starts_with("application");
            let small = std::fs::metadata(&path).is_ok_and(|facts| facts.is_file() && facts.len() <= LARGEST);
            if !(is_source || is_configuration) || !small || count == MOST_FILES {
                continue;
            }
            count += 1;
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            if is_source {
                source.routes_of(&text, &shown, &mut best);
                source.env_of(&text, &shown, &ENVIRONMENT);
            } else {
                source.env_of(&text, &shown, &[PLACEHOLDER]);
            }
        }
    }
    let main = source.routes.get(&Key::Login).or_else(|| source.routes.get(&Key::Callback));
    source.main = main.map(|route| {
        let file = route.place.rsplit_once(':').map_or(route.place.as_str(), |(file, _)| file);
        Found { what: file.to_owned(), place: route.place.clone() }
    });
    source
}

impl Source {
    fn routes_of(&mut self, text: &str, file: &str, best: &mut BTreeMap<Key, usize>) {
        let lines: Vec<&str> = text.lines().collect();
        let is_route = |line: &str| ROUTES.iter().any(|mark| line.to_lowercase().contains(mark));
        for (number, line) in lines.iter().enumerate() {
            let small = line.to_lowercase();
            let compared = COMPARED.iter().any(|mark| small.contains(mark));
            if !compared && !is_route(line) {
                continue;
            }
            let Some(literal) = line.split(['"', '\'', '`']).skip(1).step_by(2).find(|part| part.contains('/')) else {
                continue;
            };
            let (method, path) = literal.split_once(' ').unwrap_or(("", literal));
            let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
            if !path.starts_with('/') || !path.chars().all(plain) {
                continue;
            }
            let marks = ["post(", "postmapping", "post \"", "post '", "\"post\"", "'post'", "route::post"];
            let post = method == "POST" || marks.iter().any(|mark| small.contains(mark));
            let below = || lines[number + 1..].iter().take(BELOW).take_while(|line| !is_route(line));
            let receives = || below().any(|line| RECEIVES.iter().any(|mark| line.to_lowercase().contains(mark)));
            let Some((key, rank)) = meaning(path).or_else(|| receives().then_some((Key::Callback, 50))) else {
                continue;
            };
            // A comparison may stand in a page's script just as well.
            let rank = if compared { rank + 100 } else { rank };
            if best.get(&key).is_none_or(|own| rank < *own) {
                best.insert(key, rank);
                let place = format!("{file}:{}", number + 1);
                self.routes.insert(key, Route { path: path.to_owned(), post, place });
            }
        }
    }

    /// `marks`: what shows that the environment is read.
    fn env_of(&mut self, text: &str, file: &str, marks: &[&str]) {
        if !marks.iter().any(|mark| text.contains(mark)) {
            return;
        }
        for (number, line) in text.lines().enumerate() {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            for name in line.split(|c: char| !word(c)) {
                let loud = name.len() > 3 && name.starts_with(|c: char| c.is_ascii_uppercase());
                if loud
                    && !name.chars().any(|c| c.is_ascii_lowercase())
                    && let Some(value) = wants(name, marks.iter().any(|mark| line.contains(mark)))
                {
                    let place = format!("{file}:{}", number + 1);
                    self.env.entry(name.to_owned()).or_insert((value.to_owned(), place));
                }
            }
        }
    }
}

/// What a path is for, and how good a guess that is: 0 is best.
fn meaning(path: &str) -> Option<(Key, usize)> {
    let path = path.to_lowercase();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let last = *parts.last()?;
    let at = |names: &[&str]| names.iter().position(|name| *name == last);
    if path.contains("callback") || last == "redirect" || last == "redirect_uri" {
        return Some((Key::Callback, parts.len()));
    }
    if let Some(rank) = at(&["logout", "sign-out", "signout", "log-out", "sign_out"]) {
        return Some((Key::Logout, rank));
    }
    if let Some(rank) = at(&["login", "signin", "sign-in", "log-in", "sign_in"]) {
        return Some((Key::Login, rank));
    }
    if let Some(rank) = at(&["me", "whoami", "userinfo", "session", "user", "profile", "account"]) {
        return Some((Key::Probe, rank));
    }
    at(&["healthz", "readyz", "health", "ready", "livez", "ping"]).map(|rank| (Key::Ready, rank))
}

/// What a variable of that name is given. `asked`: its line reads the environment, so that it is no other name.
fn wants(name: &str, asked: bool) -> Option<&'static str> {
    let has = |part: &str| name.contains(part);
    let ends = |part: &str| name == part || name.ends_with(&format!("_{part}"));
    if has("CLIENT_ID") || has("CLIENTID") {
        Some("{client.id}")
    } else if has("CLIENT_SECRET") || has("CLIENTSECRET") {
        Some("{client.secret}")
    } else if has("DISCOVERY") || has("METADATA_URL") || has("WELL_KNOWN") {
        Some("{issuer}/.well-known/openid-configuration")
    } else if ends("ISSUER") || has("ISSUER_UR") {
        Some("{issuer}")
    } else if has("REDIRECT_URI") || has("REDIRECT_URL") || has("CALLBACK_URL") {
        Some("{callback}")
    } else if ["BASE_URL", "APP_URL", "PUBLIC_URL", "SITE_URL", "ROOT_URL", "SERVER_URL"].iter().any(|part| ends(part))
    {
        Some("{base}")
    } else if ends("TLS_CERT") || ends("SSL_CERT") {
        Some("{tls.cert}")
    } else if ends("TLS_KEY") || ends("SSL_KEY") {
        Some("{tls.key}")
    } else if ends("PORT") {
        Some("{port}")
    } else if asked && ["SESSION_SECRET", "SECRET_KEY", "COOKIE_SECRET"].iter().any(|part| ends(part)) {
        Some("only-for-tests-0123456789abcdef")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Source {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("app.js"), text).unwrap();
        read(folder.path())
    }

    #[test]
    fn paths_are_found_in_the_words_of_many_frameworks() {
        for (line, key, path, post) in [
            ("app.get('/login', (a, b) => {})", Key::Login, "/login", false),
            ("app.post('/logout', bye)", Key::Logout, "/logout", true),
            ("@app.route(\"/logout\", methods=[\"POST\"])", Key::Logout, "/logout", true),
            ("@app.post(\"/auth/logout\")", Key::Logout, "/auth/logout", true),
            (".route(\"/logout\", post(logout))", Key::Logout, "/logout", true),
            (".route(\"/me\", get(me))", Key::Probe, "/me", false),
            ("http.HandleFunc(\"GET /auth/callback\", callback)", Key::Callback, "/auth/callback", false),
            ("@GetMapping(\"/me\")", Key::Probe, "/me", false),
            ("get \"/whoami\", to: \"users#me\"", Key::Probe, "/whoami", false),
            ("Route::get('/healthz', fn () => 'ok');", Key::Ready, "/healthz", false),
            ("if ($path === '/login') { go(); }", Key::Login, "/login", false),
            (
                "@app.route('/auth')\ndef auth():\n  token = oauth.acme.authorize_access_token()",
                Key::Callback,
                "/auth",
                false,
            ),
        ] {
            let route = of(line).routes.remove(&key).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((route.path.as_str(), route.post, route.place.as_str()), (path, post, "app.js:1"), "{line}");
        }
    }

    #[test]
    fn what_is_no_path_of_the_site_is_left_alone() {
        for line in
            ["fetch('/login')", "app.get('/users/:id/login', x)", "response.redirect('/login')", "app.get(name)"]
        {
            assert!(of(line).routes.is_empty(), "{line}");
        }
    }

    #[test]
    fn a_route_counts_more_than_a_comparison_and_what_receives_an_answer_ends_at_the_next_route() {
        let routes = of("if (path === '/sign-in') x()\napp.get('/auth/login', y)").routes;
        assert_eq!(routes[&Key::Login].path, "/auth/login");
        let routes = of("app.get('/a', x)\napp.get('/b', async () => authorizationCodeGrant(\nx.fetch_token()").routes;
        assert_eq!(routes[&Key::Callback].path, "/b");
    }

    #[test]
    fn configuration_says_which_variables_it_takes() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("src/main/resources");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(deep.join("application.yml"), "client-id: ${ACME_CLIENT_ID}\nissuer-uri: ${ACME_ISSUER:x}\n")
            .unwrap();
        std::fs::write(deep.join("other.yml"), "x: ${OTHER_ISSUER}\n").unwrap();
        let env = read(folder.path()).env;
        assert_eq!(env.keys().collect::<Vec<_>>(), ["ACME_CLIENT_ID", "ACME_ISSUER"]);
    }

    #[test]
    fn variables_are_given_what_their_names_say() {
        let env = of("const { OIDC_ISSUER, CLIENT_ID } = process.env; x(process.env.SESSION_SECRET, HTTP_OK)").env;
        let given: Vec<(&str, &str)> = env.iter().map(|(name, (value, _))| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            given,
            [
                ("CLIENT_ID", "{client.id}"),
                ("OIDC_ISSUER", "{issuer}"),
                ("SESSION_SECRET", "only-for-tests-0123456789abcdef")
            ]
        );
        assert!(of("const ISSUER = 'x'").env.is_empty(), "nothing there reads an environment");
    }
}
