//! Whether Terra is to be asked, where, and as whom.

use reqwest::Url;
use reqwest::header::HeaderValue;
use serde_json::Value;
use std::fmt;
use zeroize::Zeroizing;

/// The present API. The one before it is `https://api.tryterra.co/v2`.
pub const DEFAULT_API_URL: &str = "https://access.tryterra.co/api/v2";

/// The hosts that Terra has, and the path that their API lies under.
const HOSTS: [(&str, &str); 2] = [("access.tryterra.co", "/api/v2"), ("api.tryterra.co", "/v2")];

/// A setting that is missing or wrong. The texts never quote the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// One of the two is set, the other is not.
    #[error("{0} is not set; Terra's API needs both TERRA_DEV_ID and TERRA_API_KEY")]
    Missing(&'static str),
    /// It cannot be sent in a header.
    #[error("{0} has characters that no header carries; copy it from the Terra dashboard again")]
    NotSendable(&'static str),
    /// It is no URL to ask at.
    #[error(
        "TERRA_API_URL is no https URL (http is only for this machine); leave it out, or write {DEFAULT_API_URL} or \
         https://api.tryterra.co/v2"
    )]
    Url,
    /// What should hold both is something else.
    #[error("the developer id and the API key are to be a JSON object, {{\"dev_id\":\"…\",\"api_key\":\"…\"}}")]
    NotAnObject,
    /// There is nothing to make TLS connections with.
    #[error("TLS cannot be set up")]
    Tls,
}

/// An API key. Nothing prints it.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// Takes the key as the Terra dashboard shows it; white space around it is dropped. `None` if there is nothing.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The header that carries it.
    pub(crate) fn header(&self) -> Result<HeaderValue, SettingError> {
        sendable(&self.0, "TERRA_API_KEY")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

/// Where Terra's API is asked, and as whom.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The environment's developer id.
    pub dev_id: String,
    /// Its key.
    pub key: ApiKey,
    /// The URL that the paths of the API lie below.
    pub url: Url,
}

impl Settings {
    /// Reads `TERRA_DEV_ID`, `TERRA_API_KEY` and `TERRA_API_URL`. `None` where neither id nor key is there: Terra is not
    /// to be asked.
    ///
    /// # Errors
    ///
    /// When one of the two is missing, or one is wrong.
    pub fn read(environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, SettingError> {
        let key = environment("TERRA_API_KEY").map(Zeroizing::new);
        Self::of(environment("TERRA_DEV_ID"), key, || api_url(environment))
    }

    /// Reads the id and the key from a JSON object, `{"dev_id":"…","api_key":"…"}`. `None` where it has neither: nobody has
    /// put them there yet.
    ///
    /// # Errors
    ///
    /// When it is no such object, or one of the two is missing.
    pub fn from_json(text: &str, url: &Url) -> Result<Option<Self>, SettingError> {
        let object: Value = serde_json::from_str(text).map_err(|_| SettingError::NotAnObject)?;
        let Value::Object(mut object) = object else { return Err(SettingError::NotAnObject) };
        let mut text = |name: &str| match object.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(SettingError::NotAnObject),
        };
        let key = text("api_key")?.map(Zeroizing::new);
        Self::of(text("dev_id")?, key, || Ok(url.clone()))
    }

    fn of(
        dev_id: Option<String>,
        key: Option<Zeroizing<String>>,
        url: impl FnOnce() -> Result<Url, SettingError>,
    ) -> Result<Option<Self>, SettingError> {
        let dev_id = dev_id.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        match (dev_id, key.as_ref().and_then(|key| ApiKey::new(key))) {
            (Some(dev_id), Some(key)) => Ok(Some(Self { dev_id, key, url: url()? })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(SettingError::Missing("TERRA_DEV_ID")),
            (Some(_), None) => Err(SettingError::Missing("TERRA_API_KEY")),
        }
    }

    /// The header that carries the developer id.
    pub(crate) fn dev_id_header(&self) -> Result<HeaderValue, SettingError> {
        sendable(&self.dev_id, "TERRA_DEV_ID")
    }
}

fn sendable(text: &str, name: &'static str) -> Result<HeaderValue, SettingError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| SettingError::NotSendable(name))?;
    // Not to be printed.
    value.set_sensitive(true);
    Ok(value)
}

/// Whether a URL leads to this machine, by a name of its own.
pub(crate) fn is_local(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
}

/// The URL that `TERRA_API_URL` gives, or the default one.
///
/// # Errors
///
/// When it is none to send a key to.
pub fn api_url(environment: &dyn Fn(&str) -> Option<String>) -> Result<Url, SettingError> {
    let given = environment("TERRA_API_URL").map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    url(given.as_deref().unwrap_or(DEFAULT_API_URL))
}

fn url(text: &str) -> Result<Url, SettingError> {
    let mut url = Url::parse(text).map_err(|_| SettingError::Url)?;
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_local(&url));
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !safe || !plain || url.password().is_some() {
        return Err(SettingError::Url);
    }
    let path = url.path().trim_end_matches('/').to_owned();
    let known = HOSTS.iter().find(|(host, _)| path.is_empty() && url.host_str() == Some(*host));
    url.set_path(known.map_or(&path, |(_, path)| *path));
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<Settings>, SettingError> {
        Settings::read(&|name| pairs.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn terra_is_asked_only_with_both_an_id_and_a_key() {
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&[("TERRA_DEV_ID", " "), ("TERRA_API_URL", "x")]).unwrap().is_none());
        assert_eq!(read(&[("TERRA_DEV_ID", "d")]).unwrap_err(), SettingError::Missing("TERRA_API_KEY"));
        assert_eq!(read(&[("TERRA_API_KEY", "k")]).unwrap_err(), SettingError::Missing("TERRA_DEV_ID"));
        let settings = read(&[("TERRA_DEV_ID", "d"), ("TERRA_API_KEY", " k\n")]).unwrap().unwrap();
        assert_eq!((settings.dev_id.as_str(), settings.url.as_str()), ("d", DEFAULT_API_URL));
        assert_eq!(settings.key.header().unwrap(), "k");
    }

    #[test]
    fn both_hosts_are_known_and_the_key_goes_nowhere_unsafe() {
        let at = |url: &str| {
            read(&[("TERRA_DEV_ID", "d"), ("TERRA_API_KEY", "k"), ("TERRA_API_URL", url)])
                .map(|settings| settings.unwrap().url.to_string())
        };
        assert_eq!(at("https://api.tryterra.co").unwrap(), "https://api.tryterra.co/v2");
        assert_eq!(at("https://access.tryterra.co/").unwrap(), "https://access.tryterra.co/api/v2");
        assert_eq!(at("https://api.tryterra.co/v2/").unwrap(), "https://api.tryterra.co/v2");
        assert_eq!(at("http://127.0.0.1:4010").unwrap(), "http://127.0.0.1:4010/");
        for unsafe_url in [
            "http://api.tryterra.co/v2",
            "http://127.0.0.1.example.com",
            "ftp://api.tryterra.co",
            "https://api.tryterra.co/v2?a=1",
            "https://u:p@api.tryterra.co/v2",
            "api.tryterra.co",
        ] {
            assert_eq!(at(unsafe_url).unwrap_err(), SettingError::Url, "{unsafe_url}");
        }
    }

    #[test]
    fn a_parameter_holds_both_or_nothing() {
        let at = url(DEFAULT_API_URL).unwrap();
        let read = |text: &str| Settings::from_json(text, &at);
        for nothing in ["{}", r#"{"dev_id":"","api_key":" "}"#] {
            assert!(read(nothing).unwrap().is_none(), "{nothing}");
        }
        for wrong in ["", "null", "[]", "a-key", r#"{"dev_id":"d","api_key":7}"#] {
            assert_eq!(read(wrong).unwrap_err(), SettingError::NotAnObject, "{wrong}");
        }
        assert_eq!(read(r#"{"dev_id":"d"}"#).unwrap_err(), SettingError::Missing("TERRA_API_KEY"));
        assert_eq!(read(r#"{"api_key":"k"}"#).unwrap_err(), SettingError::Missing("TERRA_DEV_ID"));
        let settings = read(r#"{"dev_id":"d","api_key":" k\n"}"#).unwrap().unwrap();
        assert_eq!((settings.dev_id.as_str(), settings.key.header().unwrap()), ("d", HeaderValue::from_static("k")));
    }

    #[test]
    fn nothing_prints_the_key() {
        let pairs =
            [("TERRA_DEV_ID", "d"), ("TERRA_API_KEY", "a-key-of-the-tests"), ("TERRA_API_URL", "https://x.test")];
        let settings = read(&pairs).unwrap().unwrap();
        assert!(!format!("{settings:?}").contains("a-key"));
        let client = crate::TerraApi::new(&settings, crate::Limits::default()).unwrap();
        assert!(!format!("{client:?}").contains("a-key"));
        assert_eq!(ApiKey::new("a\u{1}b").unwrap().header().unwrap_err(), SettingError::NotSendable("TERRA_API_KEY"));
    }
}
