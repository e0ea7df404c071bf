//! Terrace as a signer, for the golden vectors: a question on standard input, the answer on standard output.
#![expect(clippy::print_stdout, reason = "it answers on standard output")]

use data_encoding::BASE64;
use serde_json::{Value, json};
use std::error::Error;
use terrace_terra::UnixSeconds;
use terrace_terra::signature::{SigningSecret, sign};

fn main() -> Result<(), Box<dyn Error>> {
    let question: Value = serde_json::from_reader(std::io::stdin())?;
    let asked = question.get("sign").and_then(Value::as_array).ok_or("nothing to sign")?;
    let headers = asked.iter().map(header_of).collect::<Result<Vec<_>, _>>()?;
    println!("{}", json!({ "headers": headers }));
    Ok(())
}

fn header_of(one: &Value) -> Result<String, Box<dyn Error>> {
    let text = |name: &str| one.get(name).and_then(Value::as_str).ok_or(format!("no {name}"));
    let times = one.get("times").and_then(Value::as_u64).ok_or("no times")?;
    let body = BASE64.decode(text("body")?.as_bytes())?.repeat(usize::try_from(times)?);
    Ok(sign(&SigningSecret::new(text("secret")?)?, UnixSeconds(text("time")?.parse()?), &body))
}
