//! Verifies a saved delivery: `verify SECRET HEADER BODY_FILE`, and says what it is.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use terrace_terra::signature::{SigningSecret, Tolerance, verify};
use terrace_terra::{Event, UnixSeconds};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [secret, header, path] = arguments.as_slice() else {
        return Err("usage: verify SECRET HEADER BODY_FILE".into());
    };
    let body = std::fs::read(path)?;
    let secrets = [SigningSecret::new(secret)?];
    let verified = verify(Some(header), &body, &secrets, UnixSeconds::now(), Tolerance::default())?;
    let event = Event::read(verified);
    println!("genuine: {} bytes, event type {}, signed at {}", body.len(), event.event_type, verified.signed_at().0);
    Ok(())
}
