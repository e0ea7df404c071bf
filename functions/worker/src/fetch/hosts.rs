//! The hosts that a ping may lead to.

use super::s3;
use reqwest::Url;
use std::fmt;

/// The entry of a list that stands for the hosts of [`Hosts::default`].
const DEFAULTS: &str = "defaults";
/// Google Cloud Storage by path; a bucket's own host stands one label below:
/// <https://cloud.google.com/storage/docs/request-endpoints>.
const GOOGLE: &str = "storage.googleapis.com";

/// The hosts that a ping may lead to. By default those of Amazon S3 and of Google Cloud Storage, where Terra keeps
/// payloads.
#[derive(Clone)]
pub struct Hosts {
    defaults: bool,
    named: Vec<Entry>,
}

#[derive(Clone)]
enum Entry {
    /// This host.
    Host(String),
    /// The hosts one label below it, as in a certificate.
    Below(String),
}

/// A list of hosts that cannot be read. The text quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostsError {
    /// An entry is no host's name. IP addresses, ports and paths are none, and neither are names without a dot.
    #[error(
        "entry {position} of the list of hosts is not a host; write names such as storage.example.com, \
         *.example.com for all that is one label below, or the word defaults, separated by single commas"
    )]
    NotAHost {
        /// Which entry it is, from 1.
        position: usize,
    },
}

impl Default for Hosts {
    fn default() -> Self {
        Self { defaults: true, named: Vec::new() }
    }
}

impl fmt::Debug for Hosts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.named.len();
        formatter.debug_struct("Hosts").field("defaults", &self.defaults).field("named", &named).finish()
    }
}

impl Hosts {
    /// A list of one's own, which takes the place of the defaults: names separated by commas, such as
    /// `storage.example.com` or `*.example.com` (one label below `example.com`, and not that itself). The word
    /// `defaults` stands for the defaults.
    ///
    /// # Errors
    ///
    /// When an entry is not a host's name, or there is none.
    pub fn parse(list: &str) -> Result<Self, HostsError> {
        let mut hosts = Self { defaults: false, named: Vec::new() };
        for (index, entry) in list.split(',').map(str::trim).enumerate() {
            if entry.eq_ignore_ascii_case(DEFAULTS) {
                hosts.defaults = true;
                continue;
            }
            let wrong = HostsError::NotAHost { position: index + 1 };
            let entry = match entry.strip_prefix("*.") {
                Some(above) => Entry::Below(host_name(above).ok_or(wrong)?),
                None => Entry::Host(host_name(entry).ok_or(wrong)?),
            };
            hosts.named.push(entry);
        }
        Ok(hosts)
    }

    /// Whether the list has this host. An IP address is on no list.
    pub fn matches(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        (self.defaults && is_default(&host)) || self.named.iter().any(|entry| entry.matches(&host))
    }
}

impl Entry {
    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Host(name) => host == name,
            Self::Below(above) => is_one_below(host, above),
        }
    }
}

fn is_default(host: &str) -> bool {
    s3::is_s3(host) || host == GOOGLE || is_one_below(host, GOOGLE)
}

fn is_one_below(host: &str, above: &str) -> bool {
    host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == above)
}

/// A name as URLs have it: in lower case, in ASCII, without a dot at its end. None for what is not the name of a host
/// in some domain.
fn host_name(text: &str) -> Option<String> {
    const NEVER: [char; 10] = ['/', '\\', '?', '#', '@', ':', '%', '*', '[', ']'];
    if text.contains(NEVER) || text.contains(|char: char| char.is_whitespace() || char.is_control()) {
        return None;
    }
    // A name is read by what will read the URLs, so that both are the same afterwards.
    let url = Url::parse(&format!("https://{text}/")).ok()?;
    let name = url.domain()?;
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_whole = name.contains('.') && name.split('.').all(|label| !label.is_empty());
    is_whole.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_two_stores() {
        let hosts = Hosts::default();
        let good = [
            "terra-payload-bucket.s3.eu-west-2.amazonaws.com",
            "s3.amazonaws.com",
            "S3.AmazonAWS.com",
            "s3.amazonaws.com.",
            "storage.googleapis.com",
            "Storage.GoogleAPIs.com.",
            "terra-services.storage.googleapis.com",
        ];
        for host in good {
            assert!(hosts.matches(host), "{host}");
        }
        let bad = [
            "",
            ".",
            "s3.amazonaws.com..",
            "googleapis.com",
            "www.googleapis.com",
            "xstorage.googleapis.com",
            ".storage.googleapis.com",
            "a.b.storage.googleapis.com",
            "storage.googleapis.com.example.com",
            "example.com",
            "localhost",
            "127.0.0.1",
            "[::1]",
            "169.254.169.254",
        ];
        for host in bad {
            assert!(!hosts.matches(host), "{host}");
        }
    }

    #[test]
    fn a_list_takes_the_place_of_the_defaults() {
        let hosts = Hosts::parse(" Storage.Example.com , *.example.org.,*.Bücher.example").unwrap();
        for host in ["storage.example.com", "STORAGE.example.com.", "a.example.org", "x.xn--bcher-kva.example"] {
            assert!(hosts.matches(host), "{host}");
        }
        for host in ["a.storage.example.com", "example.org", "a.b.example.org", "aexample.org", "s3.amazonaws.com"] {
            assert!(!hosts.matches(host), "{host}");
        }
        let both = Hosts::parse("defaults,storage.example.com").unwrap();
        for host in ["storage.example.com", "s3.amazonaws.com", "storage.googleapis.com"] {
            assert!(both.matches(host), "{host}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused_by_its_position() {
        let wrong = [
            "",
            " ",
            ",",
            "*",
            "*.",
            "*.com",
            "a.*.com",
            "**.example.com",
            "localhost",
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "[::1]",
            "::1",
            "https://storage.example.com",
            "storage.example.com:443",
            "storage.example.com/path",
            "user@storage.example.com",
            "storage example.com",
            "storage..example.com",
            ".example.com",
            "storage.example.com..",
            "a%2eexample.com",
        ];
        for entry in wrong {
            assert_eq!(Hosts::parse(entry).unwrap_err(), HostsError::NotAHost { position: 1 }, "{entry:?}");
            let list = format!("defaults,{entry}");
            assert_eq!(Hosts::parse(&list).unwrap_err(), HostsError::NotAHost { position: 2 }, "{list:?}");
        }
        let text = Hosts::parse("secret.host.example:1").unwrap_err().to_string();
        assert!(!text.contains("secret"), "{text}");
        assert!(!format!("{:?}", Hosts::parse("secret.host.example").unwrap()).contains("secret"));
    }
}
