//! A request as the small sites of tests read it: enough of HTTP for a browser's forms and links.

use std::collections::HashMap;
use std::io::Read as _;
use std::net::TcpStream;

/// What was asked.
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: HashMap<String, String>,
    /// The members of a posted form.
    pub form: HashMap<String, String>,
    /// The cookie `sid`.
    pub session: Option<String>,
}

/// Reads one request; `None`: the connection ended before.
pub fn read(stream: &mut TcpStream) -> std::io::Result<Option<Asked>> {
    let mut head = Vec::new();
    let mut byte = [0u8; 1];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or("/"));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let header = |wanted: &str| {
        head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
        })
    };
    let session = header("cookie")
        .and_then(|all| all.split(';').find_map(|one| one.trim().strip_prefix("sid=").map(str::to_owned)));
    let mut body = vec![0; header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body)?;
    let members = |bytes: &[u8]| url::form_urlencoded::parse(bytes).into_owned().collect();
    let (query, form) = (members(query.as_bytes()), members(&body));
    Ok(Some(Asked { method: method.to_owned(), path: path.to_owned(), query, form, session }))
}
