//! What may be asked for: the first gate.

use super::error::FetchError;
use super::hosts::Hosts;
use reqwest::Url;
use std::fmt;

/// The longest URL taken, in bytes. A signed one has about two thousand.
const MAX_URL: usize = 16 * 1_024;
const HTTPS: &str = "https://";

/// Whether this machine itself may be asked, as `https://127.0.0.1:<port>` or `https://localhost:<port>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalHost {
    /// It may not.
    Refused,
    /// It may: there is a certificate for it.
    Trusted,
}

/// A URL that passed [`check_url`], and that alone is asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    is_local: bool,
}

impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Target").field("is_local", &self.is_local).finish_non_exhaustive()
    }
}

impl Target {
    /// Whether it is this machine itself.
    pub fn is_local(&self) -> bool {
        self.is_local
    }

    pub(super) fn into_url(self) -> Url {
        self.url
    }
}

/// Reads a URL and says whether it may be asked for: https, no credentials, a host on the list by its name, and the
/// port of https. The fragment is dropped, and so is the dot that a host may end with. Host and port of this machine
/// itself are another matter; see [`LocalHost`].
///
/// # Errors
///
/// [`FetchError::BadUrl`], [`FetchError::NotHttps`], [`FetchError::Credentials`], [`FetchError::Host`] or
/// [`FetchError::Port`].
pub fn check_url(url: &str, hosts: &Hosts, local: LocalHost) -> Result<Target, FetchError> {
    let mut parsed = read(url)?;
    if parsed.scheme() != "https" {
        return Err(FetchError::NotHttps);
    }
    // Reading is as lenient as in a browser: a slash more or less is mended, and an empty user name is lost.
    if authority(url).ok_or(FetchError::BadUrl)?.contains('@') {
        return Err(FetchError::Credentials);
    }
    let host = parsed.host_str().unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host).to_owned();
    let is_local = matches!(host.as_str(), "127.0.0.1" | "localhost");
    if is_local && local == LocalHost::Refused {
        return Err(FetchError::Host);
    }
    if !is_local {
        // An address would be connected to without being resolved, and so without the second gate.
        if parsed.domain().is_none() || !hosts.matches(&host) {
            return Err(FetchError::Host);
        }
        if parsed.port().is_some() {
            return Err(FetchError::Port);
        }
    }
    parsed.set_fragment(None);
    parsed.set_host(Some(&host)).map_err(|_| FetchError::BadUrl)?;
    Ok(Target { url: parsed, is_local })
}

/// Reads a URL, without what a reader of URLs mends in silence and no signer writes: blanks, line ends, backslashes.
fn read(url: &str) -> Result<Url, FetchError> {
    let is_mended = |char: char| char.is_whitespace() || char.is_control() || char == '\\';
    if url.len() > MAX_URL || url.contains(is_mended) {
        return Err(FetchError::BadUrl);
    }
    Url::parse(url).map_err(|_| FetchError::BadUrl)
}

/// What stands between the scheme and the path, as it was written.
fn authority(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_at_checked(HTTPS.len())?;
    let authority = rest.split(['/', '?', '#']).next()?;
    (scheme.eq_ignore_ascii_case(HTTPS) && !authority.is_empty()).then_some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(url: &str) -> Result<String, &'static str> {
        check_with(url, LocalHost::Refused)
    }

    fn check_with(url: &str, local: LocalHost) -> Result<String, &'static str> {
        let target = check_url(url, &Hosts::default(), local).map_err(|error| error.reason())?;
        Ok(target.into_url().to_string())
    }

    #[test]
    fn a_signed_url_is_asked_for_as_it_was_signed() {
        let signed = "https://terra-payload-bucket.s3.eu-west-2.amazonaws.com/a%2Fb/%C3%BC%20+c.json?X-Amz-Credential=\
                      AKIA%2F20260701%2Feu-west-2&X-Amz-Signature=0a1b&response-content-type=application%2Fjson&x=a+b(c)~";
        assert_eq!(check(signed).as_deref(), Ok(signed));
        let path = "https://storage.googleapis.com/terra-services-p-bkt-payloads/x?X-Goog-Signature=00";
        assert_eq!(check(path).as_deref(), Ok(path));
    }

    #[test]
    fn spelling_does_not_matter() {
        let plain = "https://bkt.s3.amazonaws.com/k?s=1";
        let spellings = [
            "https://bkt.s3.amazonaws.com/k?s=1#fragment",
            "https://bkt.s3.amazonaws.com./k?s=1",
            "https://bkt.s3.amazonaws.com.:443/k?s=1",
            "HTTPS://BKT.S3.AmazonAWS.COM/k?s=1",
            "https://bkt.s3.amazonaws.com:443/k?s=1",
            "https://bkt.s3.amazonaws.com:/k?s=1",
            "https://bkt.s3%2eamazonaws.com/k?s=1",
            "https://ｂkt.s3.amazonaws。com/k?s=1",
        ];
        for spelling in spellings {
            assert_eq!(check(spelling).as_deref(), Ok(plain), "{spelling}");
        }
    }

    fn assert_refused(reason: &str, urls: &[&str]) {
        for url in urls {
            assert_eq!(check(url), Err(reason), "{url:?}");
        }
    }

    #[test]
    fn another_scheme_is_refused() {
        let urls = [
            "http://s3.amazonaws.com/x",
            "file:///etc/passwd",
            "file://s3.amazonaws.com/x",
            "ftp://s3.amazonaws.com/x",
            "data:text/plain,hello",
            "javascript:alert(1)",
            "s3://bucket/key",
            "gopher://s3.amazonaws.com/",
            "http://127.0.0.1:8787/",
            "httpss://s3.amazonaws.com/",
        ];
        assert_refused("ping_not_https", &urls);
    }

    #[test]
    fn credentials_are_refused() {
        let urls = [
            "https://user@s3.amazonaws.com/x",
            "https://user:password@s3.amazonaws.com/x",
            "https://@s3.amazonaws.com/x",
            "https://:@s3.amazonaws.com/x",
            "https://s3.amazonaws.com@evil.example/x",
            "https://s3.amazonaws.com:443@evil.example/x",
            "https://evil.example@s3.amazonaws.com@evil.example/",
        ];
        assert_refused("ping_credentials", &urls);
    }

    #[test]
    fn what_no_signer_writes_is_refused() {
        let long = format!("https://s3.amazonaws.com/{}", "a".repeat(MAX_URL));
        let urls = [
            "",
            "s3.amazonaws.com/x",
            "/x",
            "https",
            "https:",
            "https://",
            "https:///s3.amazonaws.com/x",
            "https:s3.amazonaws.com/x",
            "https:/s3.amazonaws.com/x",
            "https:\\\\s3.amazonaws.com/x",
            "https://s3.amazonaws.com\\@evil.example/x",
            " https://s3.amazonaws.com/x",
            "https://s3.amazonaws.com/x y",
            "https://s3.amazonaws.com/x\u{a0}",
            "https://s3.amazonaws.com/x\r\nHost: evil",
            "https://s3.amazon\naws.com/x",
            "https://s3.amazonaws.com/\0",
            "https://s3.amazonaws.com:99999/x",
            "https://s3.amazonaws.com:port/x",
            "https://[::1/x",
            "https://exa%20mple.com/",
            &long,
        ];
        assert_refused("ping_bad_url", &urls);
    }

    #[test]
    fn a_host_that_is_not_listed_is_refused() {
        let urls = [
            "https://example.com/x",
            "https://evil-s3.amazonaws.com.example.com/x",
            "https://s3.amazonaws.com.evil.example/x",
            "https://evil.example/s3.amazonaws.com",
            "https://evil.example?s3.amazonaws.com",
            "https://evil.example#s3.amazonaws.com",
            "https://ec2.amazonaws.com/x",
            "https://bucket.s3.evil.amazonaws.com/x",
            "https://s3.amаzonaws.com/x",
            "https://localhost/x",
            "https://localhost.:8443/x",
            "https://127.0.0.1:8443/x",
            "https://2130706433/x",
            "https://0x7f.1/x",
            "https://0177.0.0.1/x",
            "https://[::1]/x",
            "https://[::ffff:169.254.169.254]/x",
            "https://169.254.169.254/latest/meta-data/",
            "https://52.218.0.1/bucket/key",
            "https://evil.example:8443/x",
        ];
        assert_refused("ping_host", &urls);
    }

    #[test]
    fn another_port_is_refused() {
        let urls = ["https://s3.amazonaws.com:80/x", "https://s3.amazonaws.com:8443/x"];
        assert_refused("ping_port", &urls);
    }

    #[test]
    fn this_machine_is_asked_only_where_it_is_trusted() {
        for url in ["https://127.0.0.1:8443/x?y", "https://localhost:1/x", "https://localhost/"] {
            assert_eq!(check(url), Err("ping_host"));
            assert_eq!(check_with(url, LocalHost::Trusted).as_deref(), Ok(url));
        }
        let others = [
            "https://127.0.0.2:8443/",
            "https://[::1]:8443/",
            "https://0.0.0.0:8443/",
            "https://localhost.example.com:8443/",
            "https://a.localhost:8443/",
        ];
        for url in others {
            assert_eq!(check_with(url, LocalHost::Trusted), Err("ping_host"), "{url}");
        }
        assert_eq!(check_with("http://127.0.0.1:8443/", LocalHost::Trusted), Err("ping_not_https"));
        assert_eq!(check_with("https://me@127.0.0.1:8443/", LocalHost::Trusted), Err("ping_credentials"));
    }

    #[test]
    fn a_target_hides_its_url() {
        let target = check_url("https://s3.amazonaws.com/secret", &Hosts::default(), LocalHost::Refused).unwrap();
        assert_eq!(format!("{target:?}"), "Target { is_local: false, .. }");
    }

    /// Texts made of what URLs are made of, in any order.
    fn url_like() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "https://",
            "https:",
            "http://",
            "//",
            "/",
            "@",
            ":",
            ":443",
            ":0",
            "?",
            "#",
            "%",
            "%2e",
            "%00",
            "..",
            ".",
            "s3",
            "bucket",
            "amazonaws.com",
            "storage.googleapis.com",
            "eu-west-2",
            "127.0.0.1",
            "localhost",
            "[",
            "]",
            "::1",
            "xn--",
            "ü",
            "\u{202e}",
            "\\",
            " ",
            "\n",
            "\0",
            "|",
            "\"",
            "<",
            "{",
            "^",
            "`",
            "0x7f",
            "-",
            "_",
            "~",
        ]);
        let piece = prop_oneof![3 => pieces.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
        let prefix = prop::sample::select(vec!["", "https://", "https://s3.amazonaws.com/", "https://localhost:1/"]);
        (prefix, prop::collection::vec(piece, 0..12)).prop_map(|(prefix, pieces)| prefix.to_owned() + &pieces.concat())
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_passes_keeps_the_rules(url in url_like(), local in any::<bool>()) {
            let local = if local { LocalHost::Trusted } else { LocalHost::Refused };
            let hosts = Hosts::default();
            if let Ok(target) = check_url(&url, &hosts, local) {
                let is_local = target.is_local();
                let url = target.into_url();
                let host = url.host_str().unwrap();
                prop_assert_eq!(url.scheme(), "https");
                prop_assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
                if is_local {
                    prop_assert_eq!(local, LocalHost::Trusted);
                    prop_assert!(host == "127.0.0.1" || host == "localhost");
                } else {
                    prop_assert!(hosts.matches(host) && !host.ends_with('.') && url.port().is_none());
                }
                prop_assert!(url.as_str().parse::<http::Uri>().is_ok(), "it can be asked for");
            }
        }

        #[test]
        fn no_list_panics(list in "[ -~ü]{0,40}|([a-z*]{1,3}[.,]){1,6}") {
            if let Ok(hosts) = Hosts::parse(&list) {
                prop_assert!(!hosts.matches("127.0.0.1"));
            }
        }
    }
}
