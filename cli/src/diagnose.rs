//! `terrace diagnose`.

use crate::connect::Connect;
use crate::error::CommandError;
use crate::terminal::{self, shortened};
use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::process::ExitCode;

/// How wide paragraphs are.
const WIDTH: usize = 96;
/// How long a text may be that a server sends; what is longer is not one of Terrace's.
const LONGEST: usize = 4_000;

/// Say why a user's data may be missing, most likely cause first.
///
/// Each cause with what was seen, what it means and the next step; it holds dates and types, and nothing that was measured.
/// --json gives the answer as the server does, also where nothing is known of the user: then it says what is known nearby.
///
/// Exit status: 0 it is told, 1 nothing is known of the user or the server said no, 2 wrong usage or nobody answers.
#[derive(Debug, Clone, Args)]
pub struct DiagnoseArgs {
    /// Terra's user_id.
    #[arg(required_unless_present = "reference")]
    pub user: Option<String>,
    /// Each connection of this reference_id in its place.
    #[arg(long, conflicts_with = "user")]
    pub reference: Option<String>,
    /// The type that is missed, such as sleep.
    #[arg(long = "type", value_name = "TYPE")]
    pub data_type: Option<String>,
    /// Which Terrace.
    #[command(flatten)]
    pub connect: Connect,
    /// The answer as the server gives it.
    #[arg(long)]
    pub json: bool,
}

#[derive(Deserialize)]
struct OfReference {
    connections: Vec<Diagnosis>,
    cut_off: bool,
}

#[derive(Deserialize)]
struct Diagnosis {
    user_id: String,
    summary: String,
    findings: Vec<Finding>,
    connection: Option<Connection>,
    life: Vec<Moment>,
    types: Vec<Type>,
    witness: Witness,
    looked_at: LookedAt,
}

#[derive(Deserialize)]
struct Finding {
    code: String,
    seen: String,
    means: String,
    next_step: String,
    link: Option<String>,
}

#[derive(Deserialize)]
struct Connection {
    provider: Option<String>,
    reference_id: Option<String>,
    status: String,
}

#[derive(Deserialize)]
struct Moment {
    at: String,
    what: String,
}

#[derive(Deserialize)]
struct Type {
    #[serde(rename = "type")]
    data_type: String,
    last_record: Option<LastRecord>,
    last_delivery: Option<String>,
    usual_interval_seconds: Option<u64>,
}

#[derive(Deserialize)]
struct LastRecord {
    start_time: Option<String>,
}

#[derive(Deserialize)]
struct Witness {
    reason: Option<String>,
}

#[derive(Deserialize)]
struct LookedAt {
    deliveries: u64,
    cut_off: bool,
    signature_failures: SignatureFailures,
}

#[derive(Deserialize)]
struct SignatureFailures {
    count: Option<u64>,
    metric: String,
}

/// Shows a diagnosis.
///
/// # Errors
///
/// When the server cannot be asked or says no, as it does where nothing is known of the user.
pub async fn run(args: DiagnoseArgs) -> Result<ExitCode, CommandError> {
    let client = args.connect.client()?;
    let whose = match (&args.user, &args.reference) {
        (_, Some(reference)) => ["references", reference, "diagnosis"],
        (Some(user), None) => ["users", user, "diagnosis"],
        (None, None) => return Err(CommandError::Usage("name a user, or a --reference".to_owned())),
    };
    let missed = args.data_type.as_deref().map(|data_type| ("type", data_type));
    let answer = client.json(&whose, missed.as_slice()).await;
    if args.json {
        return as_it_is(answer);
    }
    let answer: Box<RawValue> = answer?;
    let foreign =
        |error: serde_json::Error| CommandError::Foreign { url: client.base().to_owned(), what: error.to_string() };
    if args.reference.is_none() {
        terminal::say(&told(&serde_json::from_str(answer.get()).map_err(foreign)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let all: OfReference = serde_json::from_str(answer.get()).map_err(foreign)?;
    let texts: Vec<String> = all.connections.iter().map(told).collect();
    terminal::say(&texts.join("\n\n"))?;
    if all.cut_off {
        terminal::complain("There are more connections; ask for them by their user_id.");
    }
    Ok(ExitCode::SUCCESS)
}

/// The answer for programs: also one that nothing is known, which says what is known nearby.
fn as_it_is(answer: Result<Box<RawValue>, CommandError>) -> Result<ExitCode, CommandError> {
    match answer {
        Ok(answer) => terminal::say(answer.get())?,
        Err(CommandError::Refused { status: 404, body, .. }) if serde_json::from_slice::<&RawValue>(&body).is_ok() => {
            terminal::write(&body)?;
            terminal::write(b"\n")?;
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error),
    }
    Ok(ExitCode::SUCCESS)
}

fn told(diagnosis: &Diagnosis) -> String {
    let mut lines = vec![heading(diagnosis), String::new()];
    if diagnosis.findings.is_empty() {
        lines.extend(wrapped(&diagnosis.summary, 0));
    }
    for (number, finding) in diagnosis.findings.iter().enumerate() {
        lines.push(format!("{}. {}", number + 1, shortened(&finding.code, LONGEST)));
        let parts = [("seen", &finding.seen), ("means", &finding.means), ("next", &finding.next_step)];
        for (name, text) in parts {
            let mut paragraph = wrapped(text, 9);
            if let Some(first) = paragraph.first_mut() {
                *first = format!("   {name:<6}{}", first.trim_start());
            }
            lines.extend(paragraph);
        }
        lines.extend(finding.link.as_ref().map(|link| format!("   link  {}", shortened(link, LONGEST))));
    }
    if !diagnosis.types.is_empty() {
        lines.push(String::new());
        lines.push(types(&diagnosis.types));
    }
    lines.push(String::new());
    lines.extend(
        diagnosis
            .life
            .iter()
            .map(|moment| format!("{}  {}", shortened(&moment.at, LONGEST), shortened(&moment.what, LONGEST))),
    );
    let newest = if diagnosis.looked_at.cut_off { "the newest " } else { "" };
    lines.push(format!("Looked at {newest}{} deliveries.", diagnosis.looked_at.deliveries));
    let SignatureFailures { count, metric } = &diagnosis.looked_at.signature_failures;
    lines.push(match count {
        Some(count) => format!("Refused for their signature since the server began, whoever's they were: {count}."),
        None => format!("How many were refused for their signature: see the metric {}.", shortened(metric, 40)),
    });
    let unasked = diagnosis.witness.reason.as_ref();
    lines.extend(unasked.map(|reason| format!("Terra was not asked: {}.", shortened(reason, LONGEST))));
    lines.join("\n")
}

fn heading(diagnosis: &Diagnosis) -> String {
    let user = shortened(&diagnosis.user_id, LONGEST);
    let Some(connection) = &diagnosis.connection else { return format!("{user}: no connection known") };
    let provider = connection.provider.as_deref().unwrap_or("unknown provider");
    let reference = connection.reference_id.as_ref().map(|reference| format!(", reference {reference}"));
    let text = format!("{user}: {provider}, {}{}", connection.status, reference.unwrap_or_default());
    shortened(&text, LONGEST)
}

fn types(types: &[Type]) -> String {
    let mut table = terminal::table(&["type", "last record", "last delivery", "usually every"]);
    for one in types {
        let start = one.last_record.as_ref().and_then(|last| last.start_time.as_deref()).unwrap_or_default();
        table.add_row([
            shortened(&one.data_type, 40),
            shortened(start, 40),
            shortened(one.last_delivery.as_deref().unwrap_or_default(), 40),
            one.usual_interval_seconds.map(interval).unwrap_or_default(),
        ]);
    }
    table.to_string()
}

fn interval(seconds: u64) -> String {
    match seconds {
        0..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A text in lines that begin with so many spaces.
fn wrapped(text: &str, indent: usize) -> Vec<String> {
    let mut lines = vec![" ".repeat(indent)];
    for word in shortened(text, LONGEST).split_whitespace() {
        let full = lines
            .last()
            .is_some_and(|line| line.len() > indent && line.chars().count() + 1 + word.chars().count() > WIDTH);
        if full {
            lines.push(" ".repeat(indent));
        }
        if let Some(line) = lines.last_mut() {
            if line.len() > indent {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_wrapped_and_move_no_terminal() {
        let text = format!("{} end\u{1b}[2J", "word ".repeat(30));
        let lines = wrapped(&text, 2);
        assert!(lines.len() == 2 && lines.iter().all(|line| line.len() <= WIDTH && line.starts_with("  word")));
        assert!(lines.last().unwrap().ends_with("end [2J"));
        let long = "x".repeat(200);
        assert_eq!(wrapped(&long, 0).concat(), long);
    }
}
