//! The certificate under which bodies are handed out, and its key: made once, kept in the folder of data.

use crate::ping_host::PingHostError;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder within the folder of data.
const FOLDER: &str = "ping-host";
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";
/// What a file ends in until it is whole.
const UNFINISHED: &str = "tmp";

/// The names that the certificate is good for.
const NAMES: [&str; 2] = ["127.0.0.1", "localhost"];

/// A certificate for this machine's own names, and the key to it.
#[derive(Clone)]
pub struct PingHostIdentity {
    certificate_pem: Vec<u8>,
    certificate: CertificateDer<'static>,
    tls: Arc<ServerConfig>,
}

/// The key stays out of it.
impl std::fmt::Debug for PingHostIdentity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PingHostIdentity").finish_non_exhaustive()
    }
}

impl PingHostIdentity {
    /// The certificate as PEM, for those who are to trust it. It is signed by itself and good for 127.0.0.1 and
    /// localhost alone.
    pub fn certificate_pem(&self) -> &[u8] {
        &self.certificate_pem
    }

    /// The same certificate as DER.
    pub fn certificate_der(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// What a server needs of it.
    pub(super) fn into_tls(self) -> Arc<ServerConfig> {
        self.tls
    }

    /// Reads both; says what is wrong with them.
    fn read(certificate_pem: Vec<u8>, key_pem: &[u8]) -> Result<Self, String> {
        let said = |error: &dyn std::fmt::Display| error.to_string();
        let certificate = CertificateDer::from_pem_slice(&certificate_pem).map_err(|error| said(&error))?;
        let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|error| said(&error))?;
        let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| said(&error))?
            .with_no_client_auth()
            // Refuses a key that is not the certificate's.
            .with_single_cert(vec![certificate.clone()], key)
            .map_err(|error| said(&error))?;
        Ok(Self { certificate_pem, certificate, tls: Arc::new(tls) })
    }
}

/// The certificate in this folder of data, if there is one.
///
/// # Errors
///
/// When the files cannot be read, or are no certificate and its key.
pub fn find(data: &Path) -> Result<Option<PingHostIdentity>, PingHostError> {
    let folder = data.join(FOLDER);
    let (certificate, key) = (read(&folder.join(CERTIFICATE))?, read(&folder.join(KEY))?);
    let (Some(certificate), Some(key)) = (certificate, key) else { return Ok(None) };
    match PingHostIdentity::read(certificate, &key) {
        Ok(identity) => Ok(Some(identity)),
        Err(cause) => Err(PingHostError::Damaged { folder, cause }),
    }
}

/// The certificate in this folder of data, made where it is missing: `ping-host/certificate.pem`, and `ping-host/key.pem`
/// that the owner alone can read. Only whoever holds the folder may call it: two at once could mix their files.
///
/// # Errors
///
/// When the files cannot be read or written, or are no certificate and its key.
pub fn ensure(data: &Path) -> Result<PingHostIdentity, PingHostError> {
    if let Some(found) = find(data)? {
        return Ok(found);
    }
    let (certificate, key) = make()?;
    let folder = data.join(FOLDER);
    let (certificate_path, key_path) = (folder.join(CERTIFICATE), folder.join(KEY));
    fs::create_dir_all(&folder).map_err(failed(&folder))?;
    // The certificate is what makes the two a pair, so it comes last; one whose key is lost goes first.
    remove(&certificate_path)?;
    sync(&folder)?;
    write(&key_path, key.as_bytes())?;
    write(&certificate_path, certificate.as_bytes())?;
    PingHostIdentity::read(certificate.into_bytes(), key.as_bytes())
        .map_err(|cause| PingHostError::Damaged { folder, cause })
}

/// A certificate and its key, as PEM.
fn make() -> Result<(String, String), PingHostError> {
    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
    params.distinguished_name.push(DnType::CommonName, "Terrace ping host");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> PingHostError {
    let path: PathBuf = path.to_owned();
    move |cause| PingHostError::File { path: path.clone(), cause }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, PingHostError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path)(error)),
    }
}

fn remove(path: &Path) -> Result<(), PingHostError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path)(error)),
        _ => Ok(()),
    }
}

/// Writes a file whole or not at all, for the owner alone from its first byte on.
fn write(path: &Path, bytes: &[u8]) -> Result<(), PingHostError> {
    let unfinished = path.with_extension(UNFINISHED);
    // What a crash left may have other rights.
    remove(&unfinished)?;
    let written = || {
        let mut file = owners_file().open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    };
    written().map_err(failed(path))?;
    path.parent().map_or(Ok(()), sync)
}

fn owners_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the names in a folder as durable as what they stand for; elsewhere than on Unix they are by themselves.
fn sync(folder: &Path) -> Result<(), PingHostError> {
    if cfg!(unix) { File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder)) } else { Ok(()) }
}
