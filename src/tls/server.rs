//! The server's side: a good certificate for everybody, or a bad one for everybody but the harness's own browser.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ServerConfig;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::authority::provider;
use super::{Authority, BROWSER, TlsError};

/// Called each time that a bad certificate is shown.
type Shown = Arc<dyn Fn() + Send + Sync>;

/// Takes connections over TLS. Clones show the same certificate.
#[derive(Clone)]
pub struct Server {
    authority: Arc<Authority>,
    acceptor: TlsAcceptor,
    choice: Arc<Choice>,
}

struct Choice {
    good: Arc<CertifiedKey>,
    bad: Mutex<Option<(Arc<CertifiedKey>, Shown)>>,
}

impl std::fmt::Debug for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Choice")
    }
}

impl Choice {
    fn bad(&self) -> MutexGuard<'_, Option<(Arc<CertifiedKey>, Shown)>> {
        self.bad.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Choice {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let browser = hello.alpn().is_some_and(|mut offered| offered.any(|protocol| protocol == BROWSER));
        let bad = self.bad().clone().filter(|_| !browser);
        Some(match bad {
            Some((bad, shown)) => {
                shown();
                bad
            }
            None => Arc::clone(&self.good),
        })
    }
}

impl Server {
    pub(super) fn new(authority: &Arc<Authority>) -> Result<Server, TlsError> {
        let wrong = |error: rustls::Error| TlsError::new("no server over TLS could be made", error);
        let choice = Arc::new(Choice { good: authority.good()?.certified()?, bad: Mutex::new(None) });
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(wrong)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&choice) as Arc<dyn ResolvesServerCert>);
        // Whoever resumes an old session sees no certificate: each greeting has to be a whole one.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Server { authority: Arc::clone(authority), acceptor: TlsAcceptor::from(Arc::new(config)), choice })
    }

    /// Answers the greeting of a client.
    ///
    /// # Errors
    /// It speaks no TLS, or it refuses the certificate.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<TlsStream<S>> {
        self.acceptor.accept(stream).await
    }

    /// From now on shows a certificate with one thing wrong (`self-signed`, `expired`, `wrong-name`) to everybody but
    /// the harness's own browser, and calls `shown` each time.
    ///
    /// # Errors
    /// There is no such certificate.
    pub fn show_bad(&self, how: &str, shown: impl Fn() + Send + Sync + 'static) -> Result<(), TlsError> {
        let bad = self.authority.bad(how)?.certified()?;
        *self.choice.bad() = Some((bad, Arc::new(shown)));
        Ok(())
    }

    /// Shows the good certificate to everybody again.
    pub fn show_good(&self) {
        *self.choice.bad() = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// A greeting: what the client says of it.
    async fn greet(server: &Server, client: &super::super::Client, host: &str, as_browser: bool) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = server.clone();
        let serving = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = server.accept(stream).await;
        });
        let stream = TcpStream::connect(address).await.unwrap();
        let greeted = client.connect(host, stream, as_browser).await;
        serving.await.unwrap();
        greeted.map(drop).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn whoever_trusts_the_authority_is_greeted_and_nobody_else() {
        let authority = Arc::new(Authority::new().unwrap());
        let (server, client) = (authority.server().unwrap(), authority.client().unwrap());
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            assert_eq!(greet(&server, &client, host, false).await, Ok(()), "{host}");
        }
        let told = super::super::Client::trusting_pem(authority.pem()).unwrap();
        assert_eq!(greet(&server, &told, "localhost", false).await, Ok(()));
        let stranger = Authority::new().unwrap().client().unwrap();
        assert!(greet(&server, &stranger, "localhost", false).await.unwrap_err().contains("certificate"));
        assert!(super::super::Client::trusting_pem("nothing").is_err());
    }

    #[tokio::test]
    async fn a_bad_certificate_is_refused_by_all_and_shown_to_all_but_the_browser() {
        let authority = Arc::new(Authority::new().unwrap());
        let (server, client) = (authority.server().unwrap(), authority.client().unwrap());
        let shown = Arc::new(AtomicUsize::new(0));
        // Nothing of a good greeting is taken up again.
        assert_eq!(greet(&server, &client, "localhost", false).await, Ok(()));
        for (how, why) in
            [("self-signed", "UnknownIssuer"), ("expired", "xpired"), ("wrong-name", "not valid for name")]
        {
            let count = Arc::clone(&shown);
            server
                .show_bad(how, move || {
                    let _ = count.fetch_add(1, Ordering::Relaxed);
                })
                .unwrap();
            let refused = greet(&server, &client, "localhost", false).await.unwrap_err();
            assert!(refused.contains(why), "{how}: {refused}");
            assert_eq!(greet(&server, &client, "localhost", true).await, Ok(()), "{how}");
        }
        assert_eq!(shown.load(Ordering::Relaxed), 3);
        server.show_good();
        assert_eq!(greet(&server, &client, "localhost", false).await, Ok(()));
        assert!(server.show_bad("crooked", || {}).is_err());
    }

    #[test]
    fn files_go_with_the_authority() {
        let authority = Authority::new().unwrap();
        let paths = authority.files().map(|files| [files.ca(), files.certificate(), files.key()]).unwrap();
        assert!(paths.iter().all(|path| std::fs::read_to_string(path).unwrap().starts_with("-----BEGIN ")));
        drop(authority);
        assert!(paths.iter().all(|path| !path.exists()));
    }
}
