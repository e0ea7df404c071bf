//! What Terra's own SDKs sign is let in, what both refuse is refused, and they accept what we sign.
//!
//! Where our verdict differs from an SDK's on purpose, `DIFFERENCES` says why. The vectors are in `tests/golden`, which
//! says how they came to be.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop at a surprise")]

use data_encoding::BASE64;
use serde_json::Value;
use std::time::Duration;
use terrace_terra::UnixSeconds;
use terrace_terra::signature::{Refusal, SigningSecret, Tolerance, sign, verify};

const SDKS: [(&str, &str); 2] = [("terra-api", "2.1.0"), ("terra-python", "1.1.0")];

/// Who signed the bodies, besides the SDKs.
const OURS: &str = "terrace";

/// Where our verdict is not that of both SDKs: the vector, our verdict, and why. Every other vector has one verdict.
const DIFFERENCES: [(&str, Result<(), Refusal>, &str); 11] = [
    ("capitals", Ok(()), "hexadecimal has no case; the Python SDK compares texts"),
    (
        "an empty body",
        Ok(()),
        "what is signed is kept, and quarantined; the SDKs take no body for the caller's mistake",
    ),
    (
        "a signature in other scripts before ours",
        Ok(()),
        "another signature beside a true one does no harm; the Python SDK raises a TypeError at it",
    ),
    (
        "more after the signature",
        Err(Refusal::Malformed),
        "the Node SDK stops reading at the first letter not hexadecimal",
    ),
    ("a digit after the signature", Err(Refusal::Malformed), "the Node SDK drops half a byte"),
    ("two times, the last signed", Err(Refusal::Malformed), "Terra sends one time; the SDKs take the last"),
    ("a sign before the time", Err(Refusal::Malformed), "Terra sends digits alone; the SDKs read any whole number"),
    (
        "an underscore in the time",
        Err(Refusal::Malformed),
        "Terra sends digits alone; Python reads them as it reads source",
    ),
    ("letters after the time", Err(Refusal::Malformed), "Terra sends digits alone; the Node SDK reads those in front"),
    ("a fraction of a second", Err(Refusal::Malformed), "Terra sends digits alone; the Node SDK reads those in front"),
    (
        "a secret with space around it",
        Err(Refusal::Mismatch),
        "a secret is copied from the dashboard, and space around it comes from the copying",
    ),
];

/// The vectors, under the clock and the tolerance that the SDKs had.
struct Golden {
    file: Value,
    now: UnixSeconds,
    tolerance: Tolerance,
}

impl Golden {
    fn read() -> Self {
        let file: Value = serde_json::from_str(include_str!("../golden/signatures.json")).unwrap();
        let seconds = Duration::from_secs(file["tolerance"].as_u64().unwrap());
        let now = UnixSeconds(file["now"].as_u64().unwrap());
        Self { file, now, tolerance: Tolerance { past: seconds, future: seconds } }
    }

    fn rows(&self, part: &str, at_least: usize) -> impl Iterator<Item = &Value> {
        let rows = self.file[part].as_array().unwrap();
        assert!(rows.len() >= at_least, "{part} has been cut short");
        rows.iter()
    }

    fn check(&self, header: &str, body: &[u8], secrets: &[SigningSecret]) -> Result<(), Refusal> {
        let verified = verify(Some(header), body, secrets, self.now, self.tolerance)?;
        assert_eq!(verified.bytes(), body);
        Ok(())
    }
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_else(|| panic!("no {name} in {row}"))
}

fn body(row: &Value) -> Vec<u8> {
    let times = row["times"].as_u64().unwrap_or(1);
    BASE64.decode(text(row, "body").as_bytes()).unwrap().repeat(usize::try_from(times).unwrap())
}

/// The header by which `signer` signed a body.
fn signed_by<'a>(row: &'a Value, signer: &str) -> &'a str {
    let vectors = row["signed"].as_array().unwrap();
    let vector = vectors.iter().find(|vector| vector["signed_by"] == signer);
    text(vector.unwrap_or_else(|| panic!("{signer} has not signed {row}")), "header")
}

/// What each SDK said to a header.
fn verdicts(vector: &Value) -> [bool; 2] {
    SDKS.map(|(sdk, _)| vector["accepted"][sdk].as_bool().unwrap())
}

fn secret(row: &Value) -> SigningSecret {
    SigningSecret::new(text(row, "secret")).unwrap()
}

#[test]
fn the_vectors_are_of_both_sdks() {
    let golden = Golden::read();
    for (sdk, version) in SDKS {
        assert_eq!(golden.file["sdks"][sdk], version);
    }
    assert!(golden.rows("bodies", 15).any(|row| body(row).len() > 100_000), "none is large");
}

#[test]
fn what_the_sdks_sign_is_let_in() {
    let golden = Golden::read();
    for row in golden.rows("bodies", 15) {
        let (name, body) = (text(row, "name"), body(row));
        for (sdk, _) in SDKS {
            assert_eq!(golden.check(signed_by(row, sdk), &body, &[secret(row)]), Ok(()), "{name}, by {sdk}");
        }
    }
}

#[test]
fn the_sdks_accepted_what_we_sign() {
    let golden = Golden::read();
    for row in golden.rows("bodies", 15) {
        let name = text(row, "name");
        let ours = sign(&secret(row), UnixSeconds(row["timestamp"].as_u64().unwrap()), &body(row));
        for signer in [OURS, SDKS[0].0, SDKS[1].0] {
            assert_eq!(ours, signed_by(row, signer), "{name}, by {signer}");
        }
        for vector in row["signed"].as_array().unwrap() {
            assert_eq!(verdicts(vector), [true, true], "{name}: {vector}");
        }
    }
}

#[test]
fn a_signature_of_the_sdks_holds_for_its_own_body_and_secret_alone() {
    let golden = Golden::read();
    let rows: Vec<_> = golden.rows("bodies", 15).collect();
    for signed in &rows {
        for shown in &rows {
            let header = signed_by(signed, "terra-api");
            let same = text(signed, "secret") == text(shown, "secret") && body(signed) == body(shown);
            let expected = if same { Ok(()) } else { Err(Refusal::Mismatch) };
            let names = (text(signed, "name"), text(shown, "name"));
            assert_eq!(golden.check(header, &body(shown), &[secret(shown)]), expected, "{names:?}");
        }
    }
}

#[test]
fn one_url_serves_the_secrets_of_all_vectors() {
    let golden = Golden::read();
    let secrets: Vec<_> = golden.rows("bodies", 15).map(secret).collect();
    for row in golden.rows("bodies", 15) {
        assert_eq!(golden.check(signed_by(row, "terra-python"), &body(row), &secrets), Ok(()));
    }
}

#[test]
fn headers_get_the_verdict_of_both_sdks_save_for_the_listed() {
    let golden = Golden::read();
    for row in golden.rows("headers", 45) {
        let name = text(row, "name");
        let ours = golden.check(text(row, "header"), &body(row), &[secret(row)]);
        match DIFFERENCES.iter().find(|(listed, ..)| *listed == name) {
            Some((_, expected, why)) => {
                assert_eq!(ours, *expected, "{name}: {why}");
                assert_ne!(verdicts(row), [ours.is_ok(); 2], "{name} is listed, and both SDKs agree with us");
            }
            None => assert_eq!(verdicts(row), [ours.is_ok(); 2], "{name}: {ours:?}"),
        }
    }
}

#[test]
fn every_listed_difference_has_its_vector() {
    let golden = Golden::read();
    for (listed, ..) in DIFFERENCES {
        assert_eq!(golden.rows("headers", 45).filter(|row| row["name"] == listed).count(), 1, "{listed}");
    }
}

/// Our own tolerance reaches further back than the SDKs' five minutes, and as far ahead as theirs.
#[test]
fn under_our_own_tolerance_only_what_is_old_is_let_in_besides() {
    let golden = Golden::read();
    let wider = Golden { tolerance: Tolerance::default(), ..Golden::read() };
    let mut besides = Vec::new();
    for row in golden.rows("headers", 45) {
        let (header, body, secret) = (text(row, "header"), body(row), [secret(row)]);
        let verdicts = [&golden, &wider].map(|golden| golden.check(header, &body, &secret));
        if verdicts[0] != verdicts[1] {
            besides.push((text(row, "name"), verdicts));
        }
    }
    assert_eq!(besides, [("older than five minutes", [Err(Refusal::TooOld), Ok(())])]);
}
