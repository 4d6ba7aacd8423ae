//! The authority: a root certificate and what it signs. Nothing of it is kept, and it is good for a few days only.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData as _, date_time_ymd,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs as crypto};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};

use super::jks::trust_store;
use super::{Client, Files, Server};

/// How long a certificate is good, after the hour by which clocks may differ.
const DAYS: u64 = 3;
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The names of this machine.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// There is no TLS.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}: {why}")]
pub struct TlsError {
    /// What could not be made or read.
    pub what: String,
    /// Why.
    pub why: String,
}

impl TlsError {
    pub(super) fn new(what: impl Into<String>, why: impl ToString) -> Self {
        TlsError { what: what.into(), why: why.to_string() }
    }
}

/// A certificate authority, and the certificates that it gives to whoever serves on this machine.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
    pem: String,
    /// Further hosts for which its certificates are good.
    hosts: Vec<String>,
    /// The keys of every certificate that it gives: of the good ones and of the bad ones.
    keys: [Arc<KeyPair>; 2],
    files: OnceLock<Result<Files, TlsError>>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

/// A certificate with its key.
pub(super) struct Signed {
    pub certificate: CertificateDer<'static>,
    pub pem: String,
    pub key: Arc<KeyPair>,
}

impl Signed {
    /// As a server uses it.
    pub fn certified(&self) -> Result<Arc<CertifiedKey>, TlsError> {
        let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let key = provider()
            .key_provider
            .load_private_key(der)
            .map_err(|error| TlsError::new("a key that was just made cannot be used", error))?;
        Ok(Arc::new(CertifiedKey::new(vec![self.certificate.clone()], key)))
    }
}

/// The library behind all of it.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(crypto::default_provider())))
}

impl Authority {
    /// A new one, which nobody trusts yet.
    ///
    /// # Errors
    /// The system gives no random numbers, or the crypto library refuses.
    pub fn new() -> Result<Authority, TlsError> {
        let wrong = |error| TlsError::new("no certificate authority could be made", error);
        let mut params = params(&[], "Countersign, for tests only", (HOUR, DAYS)).map_err(wrong)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(wrong)?;
        let root = params.self_signed(&key).map_err(wrong)?;
        let (pem, der) = (root.pem(), root.der().clone());
        let issuer = Issuer::new(params, key);
        let keys = [KeyPair::generate().map_err(wrong)?, KeyPair::generate().map_err(wrong)?].map(Arc::new);
        Ok(Authority { issuer, root: der, pem, hosts: Vec::new(), keys, files: OnceLock::new() })
    }

    /// Its certificates are good for these hosts as well: those of the real provider, for whoever has them lead here.
    #[must_use]
    pub fn vouching_for(mut self, hosts: impl IntoIterator<Item = String>) -> Authority {
        self.hosts.extend(hosts);
        self
    }

    /// The SHA-256 hashes, in Base64, of the public keys (SubjectPublicKeyInfo) in its certificates, the bad ones
    /// included: what a browser is told that is to take these and no others (`--ignore-certificate-errors-spki-list`).
    pub fn pins(&self) -> [String; 2] {
        let pin = |key: &KeyPair| STANDARD.encode(Sha256::digest(key.subject_public_key_info()));
        [pin(&self.keys[0]), pin(&self.keys[1])]
    }

    /// The root certificate as PEM, for whoever shall trust it.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A server's side with a certificate for this machine.
    ///
    /// # Errors
    /// The crypto library refuses.
    pub fn server(self: &Arc<Self>) -> Result<Server, TlsError> {
        Server::new(self)
    }

    /// A client's side that trusts this authority alone.
    ///
    /// # Errors
    /// The crypto library refuses.
    pub fn client(&self) -> Result<Client, TlsError> {
        Client::trusting([self.root.clone()])
    }

    /// The root, a certificate for this machine and its key as files, for a partner in another process. They are
    /// written when first asked for, and go when the authority goes.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn files(&self) -> Result<&Files, TlsError> {
        let make = || {
            let own = self.good()?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let store = trust_store(&self.root, u64::try_from(now.as_millis()).unwrap_or(0));
            Files::write(&self.pem, &store, &own.pem, &own.key.serialize_pem())
        };
        self.files.get_or_init(make).as_ref().map_err(Clone::clone)
    }

    /// A certificate that is as it must be.
    pub(super) fn good(&self) -> Result<Signed, TlsError> {
        let names: Vec<&str> = NAMES.into_iter().chain(self.hosts.iter().map(String::as_str)).collect();
        self.leaf(&names, (HOUR, DAYS), &self.keys[0])
    }

    /// A certificate with one thing wrong: `self-signed`, `expired`, `wrong-name`.
    pub(super) fn bad(&self, how: &str) -> Result<Signed, TlsError> {
        match how {
            "self-signed" => {
                let wrong = |error| TlsError::new("no self-signed certificate could be made", error);
                let key = Arc::clone(&self.keys[1]);
                let certificate = leaf_params(&NAMES, (HOUR, DAYS)).and_then(|params| params.self_signed(&*key));
                let certificate = certificate.map_err(wrong)?;
                Ok(Signed { pem: certificate.pem(), certificate: certificate.der().clone(), key })
            }
            "expired" => self.leaf(&NAMES, (DAY * 9, 0), &self.keys[1]),
            "wrong-name" => self.leaf(&["elsewhere.example"], (HOUR, DAYS), &self.keys[1]),
            other => Err(TlsError::new("no such certificate", other)),
        }
    }

    fn leaf(&self, names: &[&str], times: (Duration, u64), key: &Arc<KeyPair>) -> Result<Signed, TlsError> {
        let wrong = |error| TlsError::new("no certificate could be made", error);
        let params = leaf_params(names, times).map_err(wrong)?;
        let certificate = params.signed_by(&**key, &self.issuer).map_err(wrong)?;
        Ok(Signed { pem: certificate.pem(), certificate: certificate.der().clone(), key: Arc::clone(key) })
    }
}

fn leaf_params(names: &[&str], times: (Duration, u64)) -> Result<CertificateParams, rcgen::Error> {
    let mut params = params(names, names.first().copied().unwrap_or_default(), times)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// `times`: how long ago it began, and for how many days from now it is good; none: it ended yesterday.
fn params(names: &[&str], common: &str, times: (Duration, u64)) -> Result<CertificateParams, rcgen::Error> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, common);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch = date_time_ymd(1970, 1, 1);
    let (ago, days) = times;
    params.not_before = epoch + now.saturating_sub(ago);
    let end = if days == 0 { now.saturating_sub(DAY) } else { now + DAY * u32::try_from(days).unwrap_or(1) };
    params.not_after = epoch + end;
    Ok(params)
}
