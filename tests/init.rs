//! `countersign init`: what it finds in projects of many kinds, what it writes, and that nothing odd upsets it.

mod common;

use std::path::{Path, PathBuf};

use common::said::{masked, same};
use common::{Said, countersign};
use tempfile::{TempDir, tempdir};

/// A project of these files.
fn project(files: &[(&str, &str)]) -> TempDir {
    let folder = tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn written(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("countersign.toml")).unwrap_or_default()
}

fn good(folder: &Path, arguments: &[&str]) -> Said {
    let said = countersign(folder, arguments);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    said
}

/// A copy of an example without its manifest, and without what `setup` makes, in a folder of its name.
fn example(folder: &TempDir, name: &str) -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let to = folder.path().join(name);
    std::fs::create_dir_all(&to).unwrap();
    copy(&own, &to);
    to
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if ["countersign.toml", "node_modules", ".venv", "target", "snapshots", "__pycache__"].contains(&name.as_str())
        {
            continue;
        }
        if path.is_dir() {
            std::fs::create_dir_all(to.join(&name)).unwrap();
            copy(&path, &to.join(&name));
        } else {
            std::fs::copy(&path, to.join(&name)).unwrap();
        }
    }
}

#[test]
fn the_manifest_of_each_example_is_found_by_itself() {
    for name in ["express-openid-client", "flask-authlib", "axum-openidconnect"] {
        let folder = tempdir().unwrap();
        let own = example(&folder, name);
        let said = good(&own, &["init"]);
        assert_eq!(said.err, "");
        let text = format!("$ countersign init\n{}\n$ cat countersign.toml\n{}", said.out, written(&own));
        same(&format!("tests/said/init-{name}.txt"), &masked(&text, folder.path()));
    }
}

#[test]
fn each_kind_of_project_is_known_by_its_dependencies() {
    for (file, text, template, place) in [
        (
            "package.json",
            "{\n \"dependencies\": {\n  \"openid-client\": \"6\"\n }\n}",
            "express-openid-client",
            "package.json:3",
        ),
        (
            "package.json",
            "{\"dependencies\": {\"openid-client\": \"6\",\n \"passport\": \"1\"}}",
            "passport",
            "package.json:2",
        ),
        ("package.json", "{\"dependencies\": {\"next-auth\": \"5\"}}", "authjs", "package.json:1"),
        (
            "requirements.txt",
            "# ours\nFlask==3\nAuthlib[x]>=1.6 ; python_version > '3'\n",
            "flask-authlib",
            "requirements.txt:3",
        ),
        (
            "pyproject.toml",
            "[project]\nname = \"x\"\ndependencies = [\n \"django-allauth[socialaccount]>65\"]",
            "django-allauth",
            "pyproject.toml:4",
        ),
        (
            "pyproject.toml",
            "[tool.poetry.dependencies]\nmozilla_django_oidc = \"*\"",
            "mozilla-django-oidc",
            "pyproject.toml:2",
        ),
        (
            "pom.xml",
            "<project>\n<artifactId>spring-boot-starter-oauth2-client</artifactId></project>",
            "spring-security",
            "pom.xml:2",
        ),
        (
            "build.gradle.kts",
            "implementation(\"org.springframework.boot:spring-boot-starter-oauth2-client\")",
            "spring-security",
            "build.gradle.kts:1",
        ),
        ("Gemfile", "source 'x'\n  gem 'omniauth_openid_connect', '~> 0.8'\n", "rails-omniauth", "Gemfile:2"),
        (
            "go.mod",
            "module example.test/site\n\nrequire (\n\tgithub.com/coreos/go-oidc/v3 v3.0.0\n)\n",
            "go-oauth2",
            "go.mod:4",
        ),
        (
            "Cargo.toml",
            "[package]\nname = \"x\"\n\n[dependencies]\nopenidconnect = \"4\"\n",
            "axum-openidconnect",
            "Cargo.toml:5",
        ),
        ("composer.json", "{\"require\": {\"jumbojett/openid-connect-php\": \"1\"}}", "php", "composer.json:1"),
        ("conf/site.conf", "<VirtualHost>\n  OIDCRedirectURI /x\n", "apache-mod-auth-openidc", "conf/site.conf:2"),
        ("docker-compose.yml", "version: '3'\nservices:\n  web:\n", "docker-compose", "docker-compose.yml:2"),
    ] {
        let folder = project(&[(file, text)]);
        let said = good(folder.path(), &["init"]);
        assert!(said.out.contains(&format!("template  {template}: ")), "{template}: {}", said.out);
        assert!(said.out.contains(place), "{template}: {}", said.out);
        assert!(written(folder.path()).contains("[capabilities]"), "{template}");
    }
}

#[test]
fn what_was_not_seen_is_told_as_assumed() {
    let folder = project(&[("go.mod", "module x\nrequire golang.org/x/oauth2 v1\n")]);
    let said = good(folder.path(), &["init", "--yes"]);
    for part in ["assumed   login \"/login\"", "assumed   callback \"/callback\"", "assumed   probe \"/me\""] {
        assert!(said.out.contains(part), "{}", said.out);
    }
}

#[test]
fn the_port_of_a_container_is_found_and_an_address_is_assumed_otherwise() {
    let file = "services:\n  web:\n    ports:\n      - \"127.0.0.1:8123:80/tcp\"\n";
    let folder = project(&[("compose.yaml", file)]);
    let said = good(folder.path(), &["init"]);
    assert!(said.out.contains("address   port 8123 (compose.yaml:4)"), "{}", said.out);
    assert!(written(folder.path()).contains("base = \"http://127.0.0.1:8123\""));
    let folder = project(&[("compose.yaml", "services:\n  web:\n    volumes:\n      - ./a:/b\n")]);
    let said = good(folder.path(), &["init"]);
    assert!(said.out.contains("assumed   address http://127.0.0.1:8080"), "{}", said.out);
}

#[test]
fn a_project_in_a_folder_below_is_pointed_at() {
    let folder = project(&[("web/package.json", "{\"dependencies\": {\"next-auth\": \"5\"}}"), ("docs/a.md", "")]);
    let said = good(folder.path(), &["init"]);
    assert!(said.out.contains("but web/package.json:1 has next-auth: countersign init ./web"), "{}", said.out);
}

#[test]
fn nothing_is_ever_written_over() {
    let folder = project(&[("countersign.toml", "mine"), ("package.json", "{}")]);
    let said = countersign(folder.path(), &["init", "--yes"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("countersign.toml is there already") && said.err.contains("help: "), "{}", said.err);
    assert_eq!(written(folder.path()), "mine");
}

#[test]
fn files_that_cannot_be_read_are_told_of_and_passed_over() {
    let folder =
        project(&[("package.json", "{\n \"dependencies\": {,\n}"), ("Cargo.toml", "a = \n"), ("go.mod/x", "")]);
    std::fs::write(folder.path().join("requirements.txt"), [0xff, 0xfe, 0x00]).unwrap();
    std::fs::write(folder.path().join("app.js"), [0xff, 0x00]).unwrap();
    let said = good(folder.path(), &["init"]);
    for part in [
        "package.json:2: it cannot be read as JSON",
        "Cargo.toml:1: it cannot be read as TOML",
        "requirements.txt: it is not UTF-8 text",
        "go.mod: it is no file",
        "--template NAME",
    ] {
        assert!(said.err.contains(part), "`{part}` is missing in {}", said.err);
    }
    assert!(said.out.contains("template  other"), "{}", said.out);
}

#[test]
fn what_a_project_calls_itself_can_neither_break_the_manifest_nor_the_terminal() {
    let name = "@x/\\u001b[31m\\\"\\n[[known]]";
    let odd = format!(
        "{{\"name\": \"{name}\", \"dependencies\": {{\"openid-client\": \"6\"}}, \"main\": \"a\\\"b\\u001b.js\"}}"
    );
    let folder = project(&[("package.json", &odd), ("a.js", "app.get('/lo\u{1b}gin', x); app.get(\"/a'b/login\", y)")]);
    let said = good(folder.path(), &["init"]);
    assert!(!said.out.contains('\u{1b}'), "{:?}", said.out);
    let manifest: toml::Table = toml::from_str(&written(folder.path())).unwrap();
    assert_eq!(manifest["name"].as_str(), Some("x-31m-known"));
    assert!(manifest.get("known").is_none());
}

#[test]
fn a_template_can_be_named_and_a_wrong_name_is_exit_2() {
    let folder = project(&[("package.json", "{}")]);
    let said = countersign(folder.path(), &["init", "--template", "sprint-security"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("did you mean `spring-security`?"), "{}", said.err);
    let said = good(folder.path(), &["init", "--template", "spring-security"]);
    assert!(said.out.contains("(by --template)"), "{}", said.out);
    assert!(written(folder.path()).contains("{base}/login/oauth2/code/countersign"));
    let said = good(folder.path(), &["init", "--list-templates"]);
    assert!(said.out.lines().count() >= 13 && said.out.contains("apache-mod-auth-openidc"), "{}", said.out);
    let said = countersign(folder.path(), &["init", "nowhere"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("nowhere: there is no such folder"), "{}", said.err);
}

/// A framework that reads variables of its own is given those, and what the project's own configuration takes beside them.
#[test]
fn what_a_frameworks_configuration_takes_from_the_environment_is_given_beside_what_the_framework_reads() {
    let pom = "<project><dependency><artifactId>spring-boot-starter-oauth2-client</artifactId></dependency></project>";
    let yml = "client-id: ${ACME_ID_CLIENT_ID}\nclient-secret: ${ACME_CLIENT_SECRET}\nissuer-uri: ${ACME_ISSUER}\n";
    let controller = "@GetMapping(\"/api/me\") Map<String, Object> me() { return null; }\n";
    let omniauth =
        "issuer: ENV[\"ACME_ISSUER\"], identifier: ENV[\"ACME_CLIENT_ID\"], secret: ENV[\"ACME_CLIENT_SECRET\"]\n";
    let spring = project(&[
        ("pom.xml", pom),
        ("src/main/resources/application.yml", yml),
        ("src/main/java/com/acme/shop/web/UserController.java", controller),
    ]);
    let rails = project(&[
        ("Gemfile", "gem 'omniauth_openid_connect'\n"),
        ("config/initializers/omniauth.rb", omniauth),
        ("config/routes.rb", "get \"/whoami\", to: \"users#me\"\n"),
    ]);
    for (folder, probe, own, usual) in [
        (&spring, "/api/me", "ACME_ID_CLIENT_ID", "SPRING_SECURITY_OAUTH2_CLIENT_PROVIDER_COUNTERSIGN_ISSUER_URI"),
        (&rails, "/whoami", "ACME_CLIENT_ID", "REDIRECT_URI"),
    ] {
        let said = good(folder.path(), &["init"]);
        let manifest = written(folder.path());
        assert!(said.out.contains(&format!("probe     GET {probe} (")), "{}", said.out);
        for line in [
            format!("url = \"{probe}\""),
            format!("{own} = \"{{client.id}}\""),
            "ACME_ISSUER = \"{issuer}\"".to_owned(),
        ] {
            assert!(manifest.contains(&line), "{line}\n{manifest}");
        }
        assert!(manifest.contains(&format!("\n{usual} = ")), "{manifest}");
    }
}
