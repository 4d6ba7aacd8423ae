//! Asking, on a terminal, for what could not be seen in a project; where nobody is there to answer, what was assumed is told.

use std::io::BufRead;

use crate::model::manifest::typed;
use crate::report::safe;

use super::super::Failure;
use super::source::Source;
use super::template::{Key, Template, Values, quoted};

/// Asks for what was not seen. `somebody` answers; without, nothing is asked.
pub(super) fn ask(
    somebody: Option<&mut dyn BufRead>,
    template: &Template,
    source: &Source,
    values: &mut Values,
) -> Result<(), Failure> {
    let mut asker = Asker { somebody };
    if let (Some(own), None) = (&template.base, &values.base) {
        values.base = asker.ask("address", &format!("address of the site [{own}]"), own)?;
    }
    for key in template.looked_for() {
        let Some(own) = values.at.get(key).filter(|_| *key != Key::Ready && !source.routes.contains_key(key)) else {
            continue;
        };
        if let Some(answer) = asker.ask(key.says(), &format!("path of the {} [{own}]", key.says()), own)? {
            values.at.insert(*key, quoted(&answer));
        }
    }
    if !template.site_chooses_paths {
        return Ok(());
    }
    if source.main.is_none() && !values.command.is_empty() {
        let own = typed(&values.command);
        if let Some(answer) = asker.ask("start", &format!("command that starts it [{own}]"), &own)? {
            values.command = words(&answer);
        }
    }
    Ok(())
}

/// A command as it is typed: its words where there are only words, otherwise what a shell makes of it.
fn words(command: &str) -> Vec<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || " -_./:=,@%+{}".contains(c);
    let assigns = command.split_whitespace().next().is_some_and(|first| first.contains('='));
    match command.chars().all(plain) && !assigns {
        true => command.split_whitespace().map(str::to_owned).collect(),
        false => vec!["sh".to_owned(), "-c".to_owned(), command.to_owned()],
    }
}

struct Asker<'a> {
    somebody: Option<&'a mut dyn BufRead>,
}

impl Asker<'_> {
    /// An answer; `None`: what is proposed is taken, or assumed where nobody is there.
    fn ask(&mut self, what: &str, question: &str, proposed: &str) -> Result<Option<String>, Failure> {
        let Some(input) = &mut self.somebody else {
            say!("assumed   {what} {}", safe(proposed));
            return Ok(None);
        };
        eprint!("{}: ", safe(question));
        let mut line = String::new();
        let why = match input.read_line(&mut line) {
            Ok(0) => "nothing more was answered".to_owned(),
            Ok(_) => return Ok(Some(line.trim().to_owned()).filter(|line| !line.is_empty())),
            Err(error) => format!("the answer cannot be read: {error}"),
        };
        Err(Failure::usage(format!("{why}\n  help: --yes asks nothing")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::template;
    use super::*;

    fn asked(name: &str, answers: &str) -> Result<Values, String> {
        let all = template::all();
        let template = all.iter().find(|template| template.name == name).unwrap();
        let mut values = Values {
            name: "x".to_owned(),
            at: template.at.clone(),
            command: template.command.clone(),
            setup: Vec::new(),
            env: Default::default(),
            base: None,
        };
        ask(Some(&mut answers.as_bytes()), template, &Source::default(), &mut values)
            .map_err(|failure| failure.text)?;
        Ok(values)
    }

    #[test]
    fn what_was_not_seen_is_asked_and_an_empty_answer_takes_what_is_proposed() {
        let values = asked("go-oauth2", "/log-in\n\n\n /whoami \n./run --port {port}\n").unwrap();
        assert_eq!(values.at[&Key::Login], "\"/log-in\"");
        assert_eq!(values.at[&Key::Callback], "\"/callback\"");
        assert_eq!(values.at[&Key::Probe], "\"/whoami\"");
        assert_eq!(values.command, ["./run", "--port", "{port}"]);
        let values = asked("apache-mod-auth-openidc", "http://127.0.0.1:80\n").unwrap();
        assert_eq!(values.base.as_deref(), Some("http://127.0.0.1:80"));
    }

    #[test]
    fn a_command_with_more_than_words_goes_to_a_shell() {
        assert_eq!(words("./run --port=1"), ["./run", "--port=1"]);
        assert_eq!(words("A=1 ./run"), ["sh", "-c", "A=1 ./run"]);
        assert_eq!(words("cd web && npm start"), ["sh", "-c", "cd web && npm start"]);
    }

    #[test]
    fn an_end_of_the_input_is_told() {
        assert!(asked("go-oauth2", "/login\n").unwrap_err().contains("--yes asks nothing"));
    }
}
