//! Deliveries that go as pings: the body lies with a host on this machine, and what is posted says where.

use crate::error::CommandError;
use crate::ping_host::{self, PingHost, PingHostError, PingHostIdentity};
use crate::simulate::args::SimulateArgs;
use crate::simulate::draft::Event;
use crate::simulate::json::{object, text, whole};
use crate::simulate::plan::{PING, Sending};
use crate::terminal;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;

/// How long a URL is said to live, in seconds. It lives as long as the run.
const EXPIRES_IN: u64 = 600;

/// Under which certificate bodies are handed out. Where pings are wanted and cannot be had, it says why there are none.
///
/// # Errors
///
/// When what lies in the folder is no certificate with its key.
pub fn identity(args: &SimulateArgs) -> Result<Option<PingHostIdentity>, CommandError> {
    if args.pings <= 0.0 {
        return Ok(None);
    }
    if !is_of_this_machine(&args.url) {
        terminal::complain("no pings: the server is on another machine, and could not fetch them from this one");
        return Ok(None);
    }
    let found = ping_host::find(&args.data)?;
    if found.is_none() {
        let folder = args.data.display();
        terminal::complain(&format!(
            "no pings: {folder} is no folder of a `terrace serve`; name its folder with --data"
        ));
    }
    Ok(found)
}

fn is_of_this_machine(url: &str) -> bool {
    let url = reqwest::Url::parse(url).ok();
    url.as_ref()
        .and_then(reqwest::Url::host_str)
        .is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&host))
}

/// Puts up the bodies of those that go as pings, and gives these what is posted instead. Repeats of an event lead to
/// the same URL.
///
/// # Errors
///
/// When the host cannot make a URL.
pub fn put_up(sendings: &mut [Sending], host: &PingHost) -> Result<(), PingHostError> {
    let mut pings: HashMap<*const Event, Bytes> = HashMap::new();
    for sending in sendings.iter_mut().filter(|sending| sending.ping) {
        let event = Arc::as_ptr(&sending.event);
        let ping = match pings.get(&event) {
            Some(ping) => ping.clone(),
            None => {
                let url = host.put_up(sending.event.body.clone())?;
                let ping = Bytes::from(ping(&url));
                pings.insert(event, ping.clone());
                ping
            }
        };
        sending.body = ping;
    }
    Ok(())
}

fn ping(url: &str) -> String {
    let members =
        [("type", text(PING)), ("status", text("success")), ("url", text(url)), ("expires_in", whole(EXPIRES_IN))];
    object(members).write()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_on_this_machine_can_fetch() {
        for own in ["http://127.0.0.1:8787", "http://localhost/webhook", "http://[::1]:1"] {
            assert!(is_of_this_machine(own), "{own}");
        }
        for other in ["https://x.execute-api.eu-west-1.amazonaws.com", "http://127.0.0.1.example.com", "nonsense"] {
            assert!(!is_of_this_machine(other), "{other}");
        }
    }
}
