//! What makes common runtimes trust the authority of a run over TLS: variables of the environment that a started partner
//! gets. What its manifest sets itself is left as it is.

use std::collections::BTreeMap;

use crate::tls::{Files, TRUST_STORE_PASSWORD};

/// Each holds the path of a PEM file: Node.js; OpenSSL and what uses its defaults (Python, Ruby, PHP, Go, .NET, Rust with
/// native roots); Python's `requests`; curl.
const PEM: [&str; 4] = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"];

/// Read by every Java virtual machine.
const JAVA: &str = "JAVA_TOOL_OPTIONS";

/// Adds to the environment of a partner. `java`: what the variable for Java holds around us.
pub(super) fn trust(files: &Files, java: Option<&str>, env: &mut BTreeMap<String, String>) {
    for name in PEM {
        env.entry(name.to_owned()).or_insert_with(|| files.ca().display().to_string());
    }
    let own = env.get(JAVA).map(String::as_str).or(java).unwrap_or_default().trim().to_owned();
    if own.contains("javax.net.ssl.trustStore=") {
        return;
    }
    let options = format!(
        "{own} -Djavax.net.ssl.trustStore={} -Djavax.net.ssl.trustStorePassword={TRUST_STORE_PASSWORD} -Djavax.net.ssl.trustStoreType=JKS",
        files.trust_store().display()
    );
    env.insert(JAVA.to_owned(), options.trim().to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Authority;

    #[test]
    fn what_the_manifest_sets_stays_and_what_java_is_told_already_too() {
        let authority = Authority::new().unwrap();
        let files = authority.files().unwrap();
        let ca = files.ca().display().to_string();
        let mut env = BTreeMap::from([("SSL_CERT_FILE".to_owned(), "mine.pem".to_owned())]);
        trust(files, Some("-Xmx64m"), &mut env);
        assert_eq!(env["SSL_CERT_FILE"], "mine.pem");
        assert_eq!(env["NODE_EXTRA_CA_CERTS"], ca);
        assert!(env[JAVA].starts_with("-Xmx64m -Djavax.net.ssl.trustStore="), "{}", env[JAVA]);
        let mut env = BTreeMap::from([(JAVA.to_owned(), "-Djavax.net.ssl.trustStore=mine".to_owned())]);
        trust(files, Some("-Xmx64m"), &mut env);
        assert_eq!(env[JAVA], "-Djavax.net.ssl.trustStore=mine");
    }
}
