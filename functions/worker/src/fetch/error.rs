//! Why a ping's data was not fetched.

/// Why one attempt brought nothing. The texts tell no URL, no host and nothing that a host said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The text is no URL, or is one that no honest signer writes.
    #[error("the ping's URL cannot be read")]
    BadUrl,
    /// The URL's scheme is another than https.
    #[error("the ping's URL is not https")]
    NotHttps,
    /// The URL has a user name or a password, or leaves room for them.
    #[error("the ping's URL has credentials before its host")]
    Credentials,
    /// The URL's host is not on the list, or is an address.
    #[error("the ping's host is not on the list of hosts; if Terra uses it, add it to the list")]
    Host,
    /// The URL's port is another than 443.
    #[error("the ping's URL names a port other than 443")]
    Port,
    /// The host's name leads to addresses of private or special networks alone.
    #[error("the ping's host has no public address; nothing was asked of it")]
    Address,
    /// The host's certificate does not hold.
    #[error("the ping's host shows a certificate that is not trusted")]
    Certificate,
    /// The host sends elsewhere.
    #[error("the ping's host answers with a redirect, and none is followed")]
    Redirect,
    /// What the URL leads to is gone, or may no longer be read: S3 and Google answer an expired URL with a 400 or 403.
    #[error("the ping's URL has expired or its data is gone (status {status})")]
    Expired {
        /// The status of the answer: 400, 403, 404 or 410.
        status: u16,
    },
    /// The host answers with another status.
    #[error("the ping's host answers with status {status}")]
    Status {
        /// The status of the answer.
        status: u16,
    },
    /// The data is encoded, though that was not asked for.
    #[error("the ping's data has a content encoding, and none is undone")]
    Encoding,
    /// The data is longer than the limit.
    #[error("the ping's data is longer than the limit; raise the limit and the memory if it is honest")]
    TooLarge,
    /// There is no memory for the data.
    #[error("there is no memory for the ping's data; give more, or lower the limit")]
    Memory,
    /// Nobody answers at the host's addresses, or its name has none.
    #[error("the ping's host was not reached; try again")]
    Unreachable,
    /// The host went away in the middle of its answer.
    #[error("the ping's host broke off before the end of its answer; try again")]
    BrokenOff,
    /// The time was up, or nothing came for too long.
    #[error("the ping's data did not come in time; try again")]
    Timeout,
    /// Nothing can be fetched here at all.
    #[error("nothing can be fetched: {0}")]
    Setup(#[from] FetchSetupError),
}

impl FetchError {
    /// The word for it that marks a delivery for quarantine.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::BadUrl => "ping_bad_url",
            Self::NotHttps => "ping_not_https",
            Self::Credentials => "ping_credentials",
            Self::Host => "ping_host",
            Self::Port => "ping_port",
            Self::Address => "ping_address",
            Self::Certificate => "ping_certificate",
            Self::Redirect => "ping_redirect",
            Self::Expired { .. } => "ping_expired",
            Self::Status { .. } => "ping_status",
            Self::Encoding => "ping_encoding",
            Self::TooLarge => "ping_too_large",
            Self::Memory => "ping_memory",
            Self::Unreachable => "ping_unreachable",
            Self::BrokenOff => "ping_broken_off",
            Self::Timeout => "ping_timeout",
            Self::Setup(_) => "ping_setup",
        }
    }

    /// Whether another attempt at the same URL may bring the data.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Status { status } => *status == 429 || *status >= 500,
            Self::Memory | Self::Unreachable | Self::BrokenOff | Self::Timeout | Self::Setup(_) => true,
            _ => false,
        }
    }

    /// What an answer with this status comes to; nothing is wrong with a 200.
    pub(super) fn of_status(status: u16) -> Result<(), Self> {
        match status {
            200 => Ok(()),
            300..=399 => Err(Self::Redirect),
            400 | 403 | 404 | 410 => Err(Self::Expired { status }),
            _ => Err(Self::Status { status }),
        }
    }
}

/// Why there is nothing to fetch with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchSetupError {
    /// The certificate for the local host is not one certificate.
    #[error("the local host's certificate is not one certificate in PEM")]
    LocalCertificate,
    /// There is no TLS.
    #[error("TLS could not be set up; does this system have CA certificates? SSL_CERT_FILE names them")]
    Tls,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        assert_eq!(FetchError::of_status(200), Ok(()));
        let table = [
            (&[301, 302, 303, 304, 307, 308][..], "ping_redirect", false),
            (&[400, 403, 404, 410], "ping_expired", false),
            (&[201, 204, 206, 401, 405, 416, 418], "ping_status", false),
            (&[429, 500, 502, 503, 504, 599], "ping_status", true),
        ];
        for (statuses, reason, transient) in table {
            for status in statuses {
                let error = FetchError::of_status(*status).unwrap_err();
                assert_eq!((error.reason(), error.is_transient()), (reason, transient), "{status}");
            }
        }
    }
}
