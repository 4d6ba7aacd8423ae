//! What a project says of itself: its dependencies, each with the place where it stands, its name, how it is started.
//! Files are read within bounds; one that cannot be read is told of and passed over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::template::World;

/// Larger files are not looked at.
const LARGEST: u64 = 2 << 20;

/// Something that was found, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub what: String,
    /// `package.json:8`.
    pub place: String,
}

/// What a project says of itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Project {
    /// World and dependency, in small letters.
    pub parts: BTreeMap<(World, String), Found>,
    /// What it calls itself.
    pub name: Option<Found>,
    /// Program and arguments by which it says that it is started.
    pub command: Option<(Vec<String>, String)>,
    /// What has to be done once before, as its files show.
    pub setup: Option<(Vec<String>, String)>,
    /// The port of this machine at which its containers answer.
    pub port: Option<(u16, String)>,
    /// Files that could not be read: each a sentence with advice.
    pub troubles: Vec<String>,
}

/// A text within bounds. `None`: there is no such file, or it was told of in `troubles`.
pub(super) fn text_of(path: &Path, shown: &str, troubles: &mut Vec<String>) -> Option<String> {
    let facts = std::fs::metadata(path).ok()?;
    let why = if !facts.is_file() {
        "it is no file".to_owned()
    } else if facts.len() > LARGEST {
        format!("it has more than {LARGEST} bytes")
    } else {
        match std::fs::read(path).map(String::from_utf8) {
            Ok(Ok(text)) => return Some(text),
            Ok(Err(_)) => "it is not UTF-8 text".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    troubles
        .push(format!("{shown}: {why}; it was passed over\n  help: mend it, or name the framework: --template NAME"));
    None
}

/// The line on which a text first has this, from 1.
fn line_of(text: &str, part: &str) -> usize {
    text.find(part).map_or(1, |at| text[..at].matches('\n').count() + 1)
}

/// A name as package lists compare it.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', '.'], "-")
}

struct Reader<'a> {
    folder: &'a Path,
    project: Project,
}

/// Looks at a folder.
pub(super) fn look(folder: &Path) -> Project {
    let mut reader = Reader { folder, project: Project::default() };
    reader.node();
    reader.python();
    reader.java();
    reader.rust();
    reader.php();
    reader.ruby();
    reader.go();
    reader.compose();
    reader.apache();
    reader.project
}

impl Reader<'_> {
    fn has(&self, name: &str) -> bool {
        self.folder.join(name).is_file()
    }

    fn text(&mut self, name: &str) -> Option<String> {
        text_of(&self.folder.join(name), name, &mut self.project.troubles)
    }

    /// Notes a dependency on a line of a file.
    fn part(&mut self, world: World, name: &str, file: &str, line: usize) {
        let found = Found { what: name.to_owned(), place: format!("{file}:{line}") };
        let key = if matches!(world, World::Python) { plain(name) } else { name.to_lowercase() };
        self.project.parts.entry((world, key)).or_insert(found);
    }

    fn name(&mut self, name: &str, file: &str, line: usize) {
        if self.project.name.is_none() && !name.is_empty() {
            self.project.name = Some(Found { what: name.to_owned(), place: format!("{file}:{line}") });
        }
    }

    fn start(&mut self, command: &[&str], place: String) {
        if self.project.command.is_none() {
            self.project.command = Some((command.iter().map(|word| (*word).to_owned()).collect(), place));
        }
    }

    fn setup(&mut self, command: &[&str], place: &str) {
        if self.project.setup.is_none() {
            self.project.setup = Some((command.iter().map(|word| (*word).to_owned()).collect(), place.to_owned()));
        }
    }

    fn json(&mut self, file: &str) -> Option<(String, serde_json::Value)> {
        let text = self.text(file)?;
        match serde_json::from_str(&text) {
            Ok(json) => Some((text, json)),
            Err(error) => {
                self.project.troubles.push(format!(
                    "{file}:{}: it cannot be read as JSON: {error}\n  help: mend it, or name the framework: --template NAME",
                    error.line()
                ));
                None
            }
        }
    }

    fn toml(&mut self, file: &str) -> Option<(String, toml::Table)> {
        let text = self.text(file)?;
        match toml::from_str(&text) {
            Ok(table) => Some((text, table)),
            Err(error) => {
                let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
                self.project.troubles.push(format!(
                    "{file}:{line}: it cannot be read as TOML: {}\n  help: mend it, or name the framework: --template NAME",
                    error.message()
                ));
                None
            }
        }
    }

    fn node(&mut self) {
        let file = "package.json";
        let Some((text, json)) = self.json(file) else { return };
        for list in ["dependencies", "devDependencies"] {
            for name in json[list].as_object().into_iter().flatten().map(|(name, _)| name) {
                self.part(World::Node, name, file, line_of(&text, &format!("\"{name}\"")));
            }
        }
        if let Some(name) = json["name"].as_str() {
            self.name(name, file, line_of(&text, "\"name\""));
        }
        if json["scripts"]["start"].is_string() {
            self.start(&["npm", "start"], format!("{file}:{}", line_of(&text, "\"start\"")));
        } else if let Some(main) = json["main"].as_str() {
            self.start(&["node", main], format!("{file}:{}", line_of(&text, "\"main\"")));
        }
        let installs: [(&str, &[&str]); 4] = [
            ("package-lock.json", &["npm", "ci"]),
            ("pnpm-lock.yaml", &["pnpm", "install", "--frozen-lockfile"]),
            ("yarn.lock", &["yarn", "install", "--frozen-lockfile"]),
            (file, &["npm", "install"]),
        ];
        if let Some((lock, command)) = installs.into_iter().find(|(lock, _)| self.has(lock)) {
            self.setup(command, lock);
        }
    }

    fn python(&mut self) {
        let mut lists: Vec<String> = names_in(self.folder, |name| {
            name.starts_with("requirements") && (name.ends_with(".txt") || name.ends_with(".in"))
        });
        lists.sort_by_key(|name| (name != "requirements.txt", name.clone()));
        for file in &lists {
            for (number, line) in self.text(file).unwrap_or_default().lines().enumerate() {
                let name = line.split(['=', '<', '>', '!', '~', ';', '[', ' ', '#', '@']).next().unwrap_or_default();
                if !name.is_empty() && !name.starts_with('-') {
                    self.part(World::Python, name, file, number + 1);
                }
            }
        }
        if let Some((text, table)) = self.toml("pyproject.toml") {
            let file = "pyproject.toml";
            let project = table.get("project");
            let listed = project.and_then(|project| project.get("dependencies")).and_then(toml::Value::as_array);
            let listed = listed.into_iter().flatten().filter_map(toml::Value::as_str);
            let poetry = table.get("tool").and_then(|tool| tool.get("poetry")).and_then(|own| own.get("dependencies"));
            let poetry = poetry.and_then(toml::Value::as_table).into_iter().flat_map(|table| table.keys());
            let names: Vec<String> = listed
                .map(|one| {
                    one.split(['=', '<', '>', '!', '~', ';', '[', ' ', '@']).next().unwrap_or_default().to_owned()
                })
                .chain(poetry.cloned())
                .collect();
            for name in names {
                self.part(World::Python, &name, file, line_of(&text, &name));
            }
            if let Some(name) = project.and_then(|project| project.get("name")).and_then(toml::Value::as_str) {
                self.name(name, file, line_of(&text, "name"));
            }
        }
        if let Some(list) = lists.first() {
            let install = format!("python3 -m venv .venv && .venv/bin/pip install -r {list}");
            self.setup(&["sh", "-c", &install], list);
        }
    }

    fn java(&mut self) {
        if let Some(text) = self.text("pom.xml") {
            for (number, line) in text.lines().enumerate() {
                let Some((_, rest)) = line.split_once("<artifactId>") else { continue };
                let name = rest.split('<').next().unwrap_or_default();
                self.part(World::Java, name, "pom.xml", number + 1);
            }
            let maven = if self.has("mvnw") { "./mvnw" } else { "mvn" };
            self.start(&[maven, "-q", "spring-boot:run"], "pom.xml:1".to_owned());
            self.setup(&[maven, "-q", "package", "-DskipTests"], "pom.xml");
        }
        for file in ["build.gradle", "build.gradle.kts"] {
            let Some(text) = self.text(file) else { continue };
            for (number, line) in text.lines().enumerate() {
                for name in
                    line.split(['"', '\'']).filter(|part| part.contains(':')).filter_map(|part| part.split(':').nth(1))
                {
                    self.part(World::Java, name, file, number + 1);
                }
            }
            let gradle = if self.has("gradlew") { "./gradlew" } else { "gradle" };
            self.start(&[gradle, "-q", "bootRun"], format!("{file}:1"));
            self.setup(&[gradle, "-q", "bootJar"], file);
        }
    }

    fn rust(&mut self) {
        let file = "Cargo.toml";
        let Some((text, table)) = self.toml(file) else { return };
        for name in table.get("dependencies").and_then(toml::Value::as_table).into_iter().flat_map(|own| own.keys()) {
            self.part(World::Rust, name, file, line_of(&text, &format!("\n{name}")) + 1);
        }
        let name = table.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
        if let Some(name) = name {
            self.name(name, file, line_of(&text, "name"));
            let place = format!("{file}:{}", line_of(&text, "name"));
            self.start(&[&format!("target/release/{name}")], place);
            self.setup(&["cargo", "build", "--release"], file);
        }
    }

    fn php(&mut self) {
        let file = "composer.json";
        let Some((text, json)) = self.json(file) else { return };
        for name in json["require"].as_object().into_iter().flatten().map(|(name, _)| name) {
            self.part(World::Php, name, file, line_of(&text, &format!("\"{name}\"")));
        }
        if let Some(name) = json["name"].as_str() {
            self.name(name, file, line_of(&text, "\"name\""));
        }
    }

    fn ruby(&mut self) {
        for (number, line) in self.text("Gemfile").unwrap_or_default().lines().enumerate() {
            let Some(rest) = line.trim_start().strip_prefix("gem ") else { continue };
            let name = rest.trim_start().trim_start_matches(['"', '\'']);
            let name = name.split(['"', '\'']).next().unwrap_or_default();
            self.part(World::Ruby, name, "Gemfile", number + 1);
        }
    }

    fn go(&mut self) {
        for (number, line) in self.text("go.mod").unwrap_or_default().lines().enumerate() {
            let line = line.trim().trim_start_matches("require ").trim();
            if let Some(name) = line.strip_prefix("module ") {
                self.name(name.rsplit('/').next().unwrap_or(name).trim(), "go.mod", number + 1);
                continue;
            }
            let name = line.split_whitespace().next().unwrap_or_default();
            // A major version is no part of a module's name: `github.com/coreos/go-oidc/v3`.
            let major = name.rsplit_once("/v").filter(|(_, number)| number.chars().all(|c| c.is_ascii_digit()));
            let name = major.map_or(name, |(name, _)| name);
            if name.contains('/') {
                self.part(World::Go, name, "go.mod", number + 1);
            }
        }
    }

    fn compose(&mut self) {
        for file in ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"] {
            let Some(text) = self.text(file) else { continue };
            if let Some(at) = text.lines().position(|line| line.starts_with("services:")) {
                self.part(World::Compose, "services", file, at + 1);
                self.project.port = text.lines().enumerate().find_map(|(number, line)| {
                    // `- "8080:80"`, also `- 127.0.0.1:8080:80`: the last but one is the port of this machine.
                    let mapped = line.trim().strip_prefix('-')?.trim().trim_matches(['"', '\'']);
                    let (before, inside) = mapped.rsplit_once(':')?;
                    inside.split('/').next()?.parse::<u16>().ok()?;
                    let port = before.rsplit(':').next()?.parse().ok()?;
                    Some((port, format!("{file}:{}", number + 1)))
                });
                return;
            }
        }
    }

    /// Any configuration here or one folder below.
    fn apache(&mut self) {
        let mut folders: Vec<PathBuf> = vec![PathBuf::new()];
        let inner = names_in(self.folder, |name| self.folder.join(name).is_dir() && !is_foreign(name));
        folders.extend(inner.into_iter().map(PathBuf::from));
        for folder in folders {
            for name in names_in(&self.folder.join(&folder), |name| name.ends_with(".conf")) {
                let file = folder.join(name).display().to_string();
                for (number, line) in self.text(&file).unwrap_or_default().lines().enumerate() {
                    let word = line.split_whitespace().next().unwrap_or_default();
                    if word.starts_with("OIDC") {
                        self.part(World::Apache, word, &file, number + 1);
                    }
                }
            }
        }
    }
}

/// Folders that hold what others wrote, or what is made.
pub(super) fn is_foreign(name: &str) -> bool {
    const FOREIGN: [&str; 10] =
        ["node_modules", "target", "venv", "vendor", "dist", "build", "__pycache__", "coverage", "tmp", "log"];
    name.starts_with('.') || FOREIGN.contains(&name)
}

/// The names in a folder that are wanted, in order.
pub(super) fn names_in(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| wanted(name)).collect();
    names.sort();
    names
}
