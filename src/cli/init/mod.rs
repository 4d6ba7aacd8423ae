//! `init`: looks at a project and writes its manifest. It says what it found and where, asks on a terminal for what it
//! could not see, and never writes over anything.

mod ask;
mod project;
mod source;
mod template;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::harness::suite::{Additions, Suite};
use crate::model::diagnostic::nearest;
use crate::model::manifest::{Names, read, typed};
use crate::report::safe;

use self::project::Project;
use self::source::Source;
use self::template::{Key, Template, Values};
use super::Failure;

/// What it writes.
const MANIFEST: &str = "countersign.toml";

#[derive(Args, Clone)]
pub(super) struct InitArgs {
    /// The folder of the project
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Take this template, whatever is found
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// Name the templates, and end
    #[arg(long)]
    list_templates: bool,
    /// Ask nothing: take what was found, and the template's own values
    #[arg(long)]
    yes: bool,
}

/// `init`.
pub(super) fn init(args: &InitArgs) -> Result<u8, Failure> {
    let templates = template::all();
    if args.list_templates {
        for template in &templates {
            say!("{:<24} {}", template.name, template.title);
        }
        return Ok(0);
    }
    let folder = &args.folder;
    if !folder.is_dir() {
        let help = "give the folder of a project, or none for the current one";
        return Err(Failure::usage(format!("{}: there is no such folder\n  help: {help}", folder.display())));
    }
    let path = if folder == Path::new(".") { PathBuf::from(MANIFEST) } else { folder.join(MANIFEST) };
    if std::fs::symlink_metadata(&path).is_ok() {
        return Err(there_already(&path));
    }
    let project = project::look(folder);
    for trouble in &project.troubles {
        eprintln!("{}", safe(trouble));
    }
    let template = choose(args, &templates, &project)?;
    let source = source::read(folder);
    let mut values = gather(template, &project, &source, folder);
    let somebody = !args.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let mut input = std::io::stdin().lock();
    ask::ask(somebody.then_some(&mut input as &mut dyn std::io::BufRead), template, &source, &mut values)?;
    let text = template::manifest(template, &values);
    let shown = path.display().to_string();
    must_be_readable(&shown, &text)?;
    match std::fs::File::options().write(true).create_new(true).open(&path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map_err(|error| cannot_write(&shown, &error))?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(there_already(&path)),
        Err(error) => return Err(cannot_write(&shown, &error)),
    }
    say!("wrote     {}", safe(&shown));
    if !values.setup.is_empty() {
        say!("once      {}", safe(&typed(&values.setup)));
    }
    let here = if folder == Path::new(".") { String::new() } else { format!(" --partner {}", typed(&[&shown])) };
    say!("next      countersign check{}", safe(&here));
    Ok(0)
}

fn there_already(path: &Path) -> Failure {
    Failure::usage(format!(
        "{} is there already, and nothing is written over\n  help: countersign check says whether it is true; rename it for a new one",
        path.display()
    ))
}

fn cannot_write(shown: &str, error: &std::io::Error) -> Failure {
    Failure::usage(format!("{shown}: {error}\n  help: make the folder writable"))
}

/// The template that is named, or the best one for what the project is made of; says why.
fn choose<'t>(args: &InitArgs, templates: &'t [Template], project: &Project) -> Result<&'t Template, Failure> {
    let other = templates.iter().max_by_key(|template| template.rank);
    let found = fitting(templates, project);
    if let Some(name) = &args.template {
        let own = templates.iter().find(|template| template.name == name);
        return own
            .inspect(|template| say!("template  {} (by --template): {}", template.name, template.title))
            .ok_or_else(|| {
                let help = match nearest(name, templates.iter().map(|template| template.name)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "countersign init --list-templates names them".to_owned(),
                };
                Failure::usage(format!("no template `{name}`\n  help: {help}"))
            });
    }
    for (_, part) in &found {
        say!("found     {} ({})", safe(&part.what), safe(&part.place));
    }
    match (found.first(), other) {
        (Some((template, _)), _) => {
            say!("template  {}: {}", template.name, template.title);
            for (template, _) in &found[1..] {
                say!("          or --template {}: {}", template.name, template.title);
            }
            Ok(template)
        }
        (None, Some(template)) => {
            say!("found     nothing that is known here");
            below(&args.folder, templates);
            say!("template  {}: {}", template.name, template.title);
            say!("          countersign init --list-templates names the others");
            Ok(template)
        }
        (None, None) => Err(Failure::usage("there is no template")),
    }
}

/// The templates for what a project is made of, the best one first, each with what shows it.
fn fitting<'t, 'p>(templates: &'t [Template], project: &'p Project) -> Vec<(&'t Template, &'p project::Found)> {
    let fits = |template: &'t Template| {
        let mut marks = template.found_by.iter();
        let part = marks.find_map(|mark| project.parts.get(&(mark.world, mark.name.to_lowercase())))?;
        Some((template, part))
    };
    let mut found: Vec<_> = templates.iter().filter_map(fits).collect();
    found.sort_by_key(|(template, _)| template.rank);
    found
}

/// Says which folders below hold something that is known: a repository may have several projects.
fn below(folder: &Path, templates: &[Template]) {
    for name in project::names_in(folder, |name| !project::is_foreign(name)) {
        let inner = folder.join(&name);
        if let (true, Some((_, part))) = (inner.is_dir(), fitting(templates, &project::look(&inner)).first()) {
            let way = typed(&[inner.display().to_string()]);
            say!("          but {name}/{} has {}: countersign init {way}", safe(&part.place), safe(&part.what));
        }
    }
}

/// What was found, completed by the template; each is told with its place.
fn gather(template: &Template, project: &Project, source: &Source, folder: &Path) -> Values {
    let (name, place) = match &project.name {
        Some(found) => (slug(&found.what), found.place.clone()),
        None => {
            let whole = std::fs::canonicalize(folder).unwrap_or_default();
            let own = whole.file_name().map(|name| slug(&name.to_string_lossy())).unwrap_or_default();
            (own, "the folder's name".to_owned())
        }
    };
    let name = if name.is_empty() { "my-site".to_owned() } else { name };
    say!("name      {name} ({})", safe(&place));
    let mut at = template.at.clone();
    let mut env = template.env.clone();
    let (mut command, mut setup) = (template.command.clone(), template.setup.clone());
    for key in template.looked_for() {
        if let Some(route) = source.routes.get(key) {
            let method = if route.post { "POST" } else { "GET" };
            say!("{:<9} {method} {} ({})", key.says(), safe(&route.path), safe(&route.place));
            let plain = matches!(key, Key::Callback | Key::Probe | Key::Ready);
            at.insert(*key, if plain { template::quoted(&route.path) } else { route.as_place() });
        }
    }
    let knows = ["{issuer}", "{client.id}", "{client.secret}"];
    if knows.iter().all(|needed| source.env.values().any(|(value, _)| value.contains(needed))) {
        let callback = at.get(&Key::Callback).map(|text| text.trim_matches('"').to_owned()).unwrap_or_default();
        let value = |text: &str| text.replace("{callback}", &format!("{{base}}{callback}"));
        if template.site_chooses_paths {
            env.clear();
        }
        // What a framework reads by itself stays: a site reads variables of its own beside it.
        env.extend(source.env.iter().map(|(name, (text, _))| (name.clone(), value(text))));
        let places = source.env.iter().map(|(name, (_, place))| format!("{name} ({place})"));
        say!("reads     {}", safe(&places.collect::<Vec<_>>().join(", ")));
    }
    if let Some((own, place)) = start_of(template, project, source, folder) {
        say!("start     {} ({})", safe(&typed(&own)), safe(&place));
        command = own;
    }
    if let Some((own, _)) = project.setup.as_ref().filter(|_| !setup.is_empty()) {
        setup.clone_from(own);
    }
    // A site that takes a certificate speaks https where the run does.
    let takes_certificate = template.base.is_none() && env.values().any(|value| value == "{tls.cert}");
    let mut base = takes_certificate.then(|| "{scheme}://127.0.0.1:{port}".to_owned());
    if let (Some(own), Some((port, place))) = (&template.base, &project.port) {
        say!("address   port {port} ({})", safe(place));
        base = Some(own.replace(":8080", &format!(":{port}")));
    }
    Values { name, at, command, setup, env, base }
}

/// How the project says that it is started; frameworks with a command of their own need no saying.
fn start_of(template: &Template, project: &Project, source: &Source, folder: &Path) -> Option<(Vec<String>, String)> {
    let first = template.command.first()?;
    let by_framework = !template.site_chooses_paths && !matches!(first.as_str(), "./mvnw");
    if by_framework || matches!(first.as_str(), "docker" | "go" | "php") {
        return None;
    }
    if project.command.is_some() {
        return project.command.clone();
    }
    let main = source.main.as_ref()?;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    if [".js", ".mjs", ".cjs"].iter().any(|kind| main.what.ends_with(kind)) {
        return Some((words(&["node", &main.what]), main.place.clone()));
    }
    if main.what.ends_with(".py") {
        let setup_makes_it =
            project.setup.as_ref().is_some_and(|(own, _)| own.iter().any(|word| word.contains(".venv")));
        let there = setup_makes_it || folder.join(".venv/bin/python").exists();
        let python = if there { ".venv/bin/python" } else { "python3" };
        let text = std::fs::read_to_string(folder.join(&main.what)).unwrap_or_default();
        if text.contains("app.run(") || text.contains("__main__") || text.contains("serve(") {
            return Some((words(&[python, &main.what]), main.place.clone()));
        }
        let module = main.what.trim_end_matches(".py").replace('/', ".");
        let flask = ["-m", "flask", "--app", &module, "run", "--port", "{port}"];
        let command = [&[python][..], &flask[..]].concat();
        return Some((words(&command), main.place.clone()));
    }
    None
}

/// What was found or answered may be odd: a manifest that cannot be read is not written.
fn must_be_readable(shown: &str, text: &str) -> Result<(), Failure> {
    let suite = Suite::load(&Additions::default()).map_err(|wrong| Failure::usage(super::suite::shown(&wrong)))?;
    let names = Names {
        dialects: &suite.vocabulary.dialects,
        capabilities: &suite.capabilities,
        version: &suite.version,
        changelog: suite.changelog,
    };
    match read(shown, text, &names) {
        Ok(_) => Ok(()),
        Err(wrong) => Err(Failure::usage(format!(
            "what was found or answered makes no manifest, and none was written\n\n{}",
            super::suite::shown(&wrong)
        ))),
    }
}

/// A name of a partner: a-z, 0-9 and hyphens.
fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => out.push(c),
            _ if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            _ => {}
        }
    }
    out.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_name_becomes_one_that_a_manifest_may_have() {
        assert_eq!(slug("@acme/Web App_2"), "acme-web-app-2");
        assert_eq!(slug("…"), "");
    }
}
