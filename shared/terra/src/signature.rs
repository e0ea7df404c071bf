//! Terra's webhook signature: reading the header, verifying a body against several secrets, signing.
//!
//! The header is `t=<unix seconds>,v1=<hex>[,v1=…]`; what is signed is `t` as sent, a dot, and the raw body;
//! HMAC-SHA256 under the signing secret as text, in hexadecimal. Other schemes (`v0` …) are ignored, several `v1` are
//! allowed, any may match. Terra page: "Webhook signing"; the official SDKs do the same.

use crate::time::UnixSeconds;
use data_encoding::HEXLOWER_PERMISSIVE;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use std::time::Duration;

const V1_BYTES: usize = 32;

/// The texts that stand for a secret in examples, one a line. The commands of `infra/bin` read the same file.
const PLACEHOLDERS: &str = include_str!("placeholders.txt");

/// A signing secret of one destination, ready to use. The text itself is not kept, and nothing prints it.
#[derive(Clone)]
pub struct SigningSecret {
    keyed: Hmac<Sha256>,
}

/// Why a text cannot be a signing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// Empty, or nothing but white space.
    #[error("a signing secret is empty: copy it from the Terra dashboard, Connections > Webhooks")]
    Empty,
}

impl SigningSecret {
    /// Takes the secret as the Terra dashboard shows it; white space around it is dropped.
    pub fn new(text: &str) -> Result<Self, InvalidSecret> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidSecret::Empty);
        }
        // An HMAC key may have any length (RFC 2104), so this cannot fail; were it to, no secret is the safe answer.
        let keyed = Hmac::new_from_slice(text.as_bytes()).map_err(|_| InvalidSecret::Empty)?;
        Ok(Self { keyed })
    }

    /// Whether a text is one that everybody knows, such as an example's, whatever its casing. Where deliveries may come
    /// from outside nobody is let in by it.
    pub fn is_placeholder(text: &str) -> bool {
        let text = text.trim();
        PLACEHOLDERS.lines().any(|known| known.eq_ignore_ascii_case(text))
    }

    fn over(&self, signed_at: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        mac.update(signed_at.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// How far a signature's time may lie from now.
///
/// Whether Terra stamps a retry anew is not documented, and retries go on for about a day; versions make replays
/// harmless. So the default reaches 26 hours back, where the SDKs stop at five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    /// How old a signature may be.
    pub past: Duration,
    /// How far ahead of this machine's clock it may be.
    pub future: Duration,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { past: Duration::from_secs(26 * 60 * 60), future: Duration::from_secs(5 * 60) }
    }
}

/// Why a body was not let in. The order is that of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No signature header.
    #[error("the delivery has no X-Terra-Signature header")]
    Missing,
    /// The header is not `t=…,v1=…`.
    #[error("the signature header is malformed; it should read t=<unix seconds>,v1=<64 hex digits>")]
    Malformed,
    /// Signed longer ago than tolerated.
    #[error("the signature is older than the tolerance")]
    TooOld,
    /// Signed further in the future than tolerated.
    #[error("the signature lies in the future; is this machine's clock right?")]
    Future,
    /// No secret gives this signature.
    #[error("the signature matches no configured secret")]
    Mismatch,
}

/// A body whose signature held. There is no other way to make one than to verify it, or to take out of the log what
/// was put there verified, and nothing is parsed that is not one.
///
/// ```compile_fail
/// use terrace_terra::{UnixSeconds, VerifiedBody};
/// let forged = VerifiedBody { bytes: b"{}", signed_at: UnixSeconds(0) };
/// ```
#[derive(Clone, Copy)]
pub struct VerifiedBody<'a> {
    bytes: &'a [u8],
    signed_at: UnixSeconds,
}

impl<'a> VerifiedBody<'a> {
    /// A body that was verified when it came and has been in the log since. For replays and jobs alone: the caller
    /// vouches that `bytes` and `signed_at` were read from the log.
    pub fn from_log(bytes: &'a [u8], signed_at: UnixSeconds) -> Self {
        Self { bytes, signed_at }
    }

    /// The raw body as Terra sent it.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The signature's `t`.
    pub fn signed_at(&self) -> UnixSeconds {
        self.signed_at
    }
}

impl fmt::Debug for VerifiedBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedBody({} bytes, signed at {})", self.bytes.len(), self.signed_at.0)
    }
}

/// A signature header taken apart.
struct Parts<'h> {
    signed_at_text: &'h str,
    signed_at: UnixSeconds,
    v1: Vec<[u8; V1_BYTES]>,
}

fn parse(header: &str) -> Option<Parts<'_>> {
    let mut signed_at_text = None;
    let mut v1 = Vec::new();
    for part in header.split(',') {
        let Some((scheme, value)) = part.split_once('=') else { continue };
        let value = value.trim();
        match scheme.trim() {
            // A header sent twice arrives joined by a comma; two different times are nobody's signature.
            "t" if signed_at_text.is_some_and(|earlier| earlier != value) => return None,
            "t" => signed_at_text = Some(value),
            "v1" => v1.extend(decode_v1(value)),
            _ => {}
        }
    }
    let signed_at_text = signed_at_text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let signed_at = UnixSeconds(signed_at_text.parse().ok()?);
    (!v1.is_empty()).then_some(Parts { signed_at_text, signed_at, v1 })
}

fn decode_v1(hex: &str) -> Option<[u8; V1_BYTES]> {
    HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()?.try_into().ok()
}

/// Lets a body in if its signature is well formed, in time, and made with one of `secrets`.
///
/// The comparison takes the same time wherever a difference lies. With no secret nothing gets in.
pub fn verify<'a>(
    header: Option<&str>,
    body: &'a [u8],
    secrets: &[SigningSecret],
    now: UnixSeconds,
    tolerance: Tolerance,
) -> Result<VerifiedBody<'a>, Refusal> {
    let parts = parse(header.ok_or(Refusal::Missing)?).ok_or(Refusal::Malformed)?;
    if parts.signed_at.0 < now.0.saturating_sub(tolerance.past.as_secs()) {
        return Err(Refusal::TooOld);
    }
    if parts.signed_at.0 > now.0.saturating_add(tolerance.future.as_secs()) {
        return Err(Refusal::Future);
    }
    let matches = secrets.iter().any(|secret| {
        let mac = secret.over(parts.signed_at_text, body);
        parts.v1.iter().any(|v1| mac.clone().verify_slice(v1).is_ok())
    });
    if !matches {
        return Err(Refusal::Mismatch);
    }
    Ok(VerifiedBody { bytes: body, signed_at: parts.signed_at })
}

/// Signs a body as Terra does, giving the header's value.
///
/// ```
/// use terrace_terra::signature::{sign, verify, SigningSecret, Tolerance};
/// use terrace_terra::UnixSeconds;
///
/// let secret = SigningSecret::new("whsec-example")?;
/// let now = UnixSeconds(1_782_897_153);
/// let header = sign(&secret, now, b"{}");
/// let verified = verify(Some(&header), b"{}", &[secret], now, Tolerance::default())?;
/// assert_eq!(verified.signed_at(), now);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sign(secret: &SigningSecret, signed_at: UnixSeconds, body: &[u8]) -> String {
    let text = signed_at.0.to_string();
    let v1 = secret.over(&text, body).finalize().into_bytes();
    format!("t={text},v1={}", HEXLOWER_PERMISSIVE.encode(&v1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: UnixSeconds = UnixSeconds(1_782_897_153);

    fn secret(text: &str) -> SigningSecret {
        SigningSecret::new(text).unwrap()
    }

    fn check(header: &str, body: &[u8]) -> Result<UnixSeconds, Refusal> {
        verify(Some(header), body, &[secret("one"), secret("two")], NOW, Tolerance::default()).map(|v| v.signed_at())
    }

    #[test]
    fn any_configured_secret_and_any_v1_may_match() {
        let header = sign(&secret("two"), NOW, b"body");
        assert_eq!(check(&header, b"body"), Ok(NOW));
        let (t, v1) = header.split_once(',').unwrap();
        let other = "v1=00";
        assert_eq!(
            check(&format!(" {t} , v0=ff, {other}, v1 = {} ", v1.trim_start_matches("v1=").to_uppercase()), b"body"),
            Ok(NOW)
        );
        assert_eq!(check(&format!("{header},{header}"), b"body"), Ok(NOW));
        assert_eq!(check(&sign(&secret("three"), NOW, b"body"), b"body"), Err(Refusal::Mismatch));
        assert_eq!(check(&header, b"body "), Err(Refusal::Mismatch));
    }

    #[test]
    fn without_a_secret_nothing_gets_in() {
        let header = sign(&secret("one"), NOW, b"body");
        let refused = verify(Some(&header), b"body", &[], NOW, Tolerance::default());
        assert_eq!(refused.map(|_| ()), Err(Refusal::Mismatch));
        assert_eq!(SigningSecret::new(" \n").map(|_| ()), Err(InvalidSecret::Empty));
    }

    #[test]
    fn what_is_no_signature_is_malformed() {
        let v1 = "ab".repeat(32);
        for header in [
            "",
            "t",
            "t=",
            "garbage",
            &v1,
            "t=1,v1=",
            "t=1,v1=abcd",
            &format!("v1={v1}"),
            &format!("t=-1,v1={v1}"),
            &format!("t=+1,v1={v1}"),
            &format!("t=1.5,v1={v1}"),
            &format!("t=99999999999999999999999,v1={v1}"),
            &format!("t=1,t=2,v1={v1}"),
            &format!("t={},v0={v1}", NOW.0),
            &format!("t={},v1={v1}00", NOW.0),
        ] {
            assert_eq!(check(header, b""), Err(Refusal::Malformed), "{header}");
        }
        assert_eq!(verify(None, b"", &[secret("one")], NOW, Tolerance::default()).map(|_| ()), Err(Refusal::Missing));
    }

    #[test]
    fn the_tolerance_is_inclusive_at_both_ends() {
        let at = |t| check(&sign(&secret("one"), UnixSeconds(t), b""), b"").map(|_| ());
        assert_eq!(at(NOW.0 - 26 * 3600), Ok(()));
        assert_eq!(at(NOW.0 - 26 * 3600 - 1), Err(Refusal::TooOld));
        assert_eq!(at(NOW.0 + 300), Ok(()));
        assert_eq!(at(NOW.0 + 301), Err(Refusal::Future));
        assert_eq!(at(0), Err(Refusal::TooOld));
        assert_eq!(at(u64::MAX), Err(Refusal::Future));
    }

    #[test]
    fn nothing_prints_a_secret_or_a_body() {
        let secret = secret("very-secret-text");
        let header = sign(&secret, NOW, b"very-private");
        let secrets = [secret];
        let verified = verify(Some(&header), b"very-private", &secrets, NOW, Tolerance::default()).unwrap();
        let shown = format!("{secrets:?} {verified:?}");
        assert!(!shown.contains("very"), "{shown}");
    }

    proptest! {
        #[test]
        fn changing_any_byte_flips_the_verdict(body in proptest::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index, to: u8) {
            let header = sign(&secret("one"), NOW, &body);
            prop_assert_eq!(check(&header, &body), Ok(NOW));
            let mut changed = body.clone();
            let at = at.index(body.len());
            changed[at] = to;
            prop_assert_eq!(check(&header, &changed).is_ok(), changed == body);
        }

        #[test]
        fn no_header_panics(header in "\\PC*", tail in "[tv01=, a-f0-9]*") {
            let _verdict = check(&format!("{header}{tail}"), b"body");
        }
    }
}
