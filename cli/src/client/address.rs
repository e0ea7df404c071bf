//! Where a Terrace answers, and whether it has to be asked by somebody that IAM knows.

use crate::error::CommandError;
use std::net::IpAddr;

/// Where a Terrace answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// Its URL; that of the webhook is understood too.
    pub url: String,
    /// The region to sign for, where the host's name does not say it.
    pub region: Option<String>,
    /// A profile of the AWS configuration to sign with, in place of the whole chain.
    pub aws_profile: Option<String>,
}

impl Address {
    /// This URL, signed for only if its host says so.
    pub fn of(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }

    /// The URL that paths are added to.
    ///
    /// # Errors
    ///
    /// When the text is no http or https URL.
    pub fn base(&self) -> Result<String, CommandError> {
        let url = &self.url;
        let parsed = reqwest::Url::parse(url).ok().filter(|parsed| matches!(parsed.scheme(), "http" | "https"));
        if parsed.is_none_or(|parsed| parsed.query().is_some() || parsed.fragment().is_some()) {
            return Err(CommandError::Usage(format!("{url} is no URL; write one such as http://127.0.0.1:8787")));
        }
        Ok(url.trim_end_matches('/').trim_end_matches("/webhook").trim_end_matches('/').to_owned())
    }

    /// The region to sign for; `None` where nothing is signed. This machine is never asked with a signature.
    pub fn signing_region(&self) -> Option<String> {
        let host = host(&self.url)?;
        if is_loopback(&host) {
            return None;
        }
        self.region.clone().or_else(|| region_of(&host))
    }
}

/// The host of a URL.
fn host(url: &str) -> Option<String> {
    reqwest::Url::parse(url).ok()?.host_str().map(str::to_ascii_lowercase)
}

/// Whether a URL leads to this machine.
pub fn is_local(url: &str) -> bool {
    host(url).is_some_and(|host| is_loopback(&host))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match address {
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
        }
        Ok(IpAddr::V4(address)) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// `<id>.execute-api.<region>.amazonaws.com`, in China with `.cn` at its end.
fn region_of(host: &str) -> Option<String> {
    let host = host.strip_suffix(".cn").unwrap_or(host).strip_suffix(".amazonaws.com")?;
    let mut parts = host.rsplit('.');
    let (region, service, id) = (parts.next()?, parts.next()?, parts.next()?);
    (service == "execute-api" && !region.is_empty() && !id.is_empty()).then(|| region.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_the_webhook_is_understood() {
        for url in ["https://x.example/a", "https://x.example/a/", "https://x.example/a/webhook"] {
            assert_eq!(Address::of(url).base().unwrap(), "https://x.example/a");
        }
        for wrong in ["127.0.0.1:8787", "ftp://x", "http://x/?a=1", ""] {
            assert_eq!(Address::of(wrong).base().unwrap_err().exit_status(), 2, "{wrong}");
        }
    }

    #[test]
    fn the_host_says_which_region_to_sign_for() {
        let signed = |url: &str| Address::of(url).signing_region();
        assert_eq!(signed("https://ab1.execute-api.eu-west-1.amazonaws.com").as_deref(), Some("eu-west-1"));
        assert_eq!(signed("https://AB1.execute-api.us-east-1.amazonaws.com/prod").as_deref(), Some("us-east-1"));
        assert_eq!(signed("https://a.execute-api.cn-north-1.amazonaws.com.cn/webhook").as_deref(), Some("cn-north-1"));
        for unsigned in [
            "https://health.example.com",
            "https://execute-api.eu-west-1.amazonaws.com.evil.example",
            "https://x.s3.eu-west-1.amazonaws.com",
            "http://127.0.0.1:8787",
        ] {
            assert_eq!(signed(unsigned), None, "{unsigned}");
        }
        let named = Address { region: Some("eu-west-1".to_owned()), ..Address::of("https://health.example.com") };
        assert_eq!(named.signing_region().as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn this_machine_is_never_asked_with_a_signature() {
        for url in [
            "http://127.0.0.1:8787",
            "http://127.9.9.9",
            "http://localhost:1",
            "http://LOCALHOST",
            "http://api.localhost/x",
            "http://[::1]:8787",
            "http://[::ffff:127.0.0.1]",
        ] {
            let address = Address { region: Some("eu-west-1".to_owned()), ..Address::of(url) };
            assert_eq!((address.signing_region(), is_local(url)), (None, true), "{url}");
        }
        for url in ["http://localhost.example", "http://128.0.0.1", "http://0.0.0.0:1"] {
            assert!(!is_local(url), "{url}");
        }
    }
}
