//! Which Terrace a command asks: what its options say, else a profile, else the one on this machine.

use crate::args::DEFAULT_URL;
use crate::client::Client;
use crate::client::address::Address;
use crate::error::CommandError;
use crate::profiles::Profiles;
use clap::Args;

/// The variable that names a profile.
pub const PROFILE_VARIABLE: &str = "TERRACE_PROFILE";

/// Which Terrace to ask.
///
/// The address is that of --url; else of the profile that --profile names; else of the one that `TERRACE_PROFILE` names;
/// else of `terrace serve` on this machine. --region and --aws-profile win over what the profile says of them. A profile
/// never adds to --url.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which Terrace")]
pub struct Connect {
    /// Where Terrace answers [default: http://127.0.0.1:8787].
    #[arg(long, conflicts_with = "profile")]
    pub url: Option<String>,
    /// A profile of the configuration file (see `terrace profiles`) [env: TERRACE_PROFILE].
    // Read by hand: a variable would conflict with --url as the option does, and it has to yield to it.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The AWS region to sign for, where the host's name does not say it: a domain of your own.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// The AWS profile to sign with, in place of the usual chain (variables, AWS_PROFILE, SSO, roles).
    #[arg(long, value_name = "NAME")]
    pub aws_profile: Option<String>,
}

impl Connect {
    /// A client of the Terrace that is meant.
    ///
    /// # Errors
    ///
    /// When there is no such profile, the configuration file cannot be read, or the URL is none.
    pub fn client(&self) -> Result<Client, CommandError> {
        let variable = std::env::var(PROFILE_VARIABLE).ok();
        Client::at(&self.address(variable, Profiles::read)?)
    }

    /// The address that is meant, where the variable says so and the configuration file holds what `profiles` reads.
    fn address(
        &self,
        variable: Option<String>,
        profiles: impl FnOnce() -> Result<Profiles, CommandError>,
    ) -> Result<Address, CommandError> {
        let named = self.profile.clone().or_else(|| variable.filter(|name| !name.is_empty()));
        let address = match (&self.url, named) {
            (Some(url), _) => Address::of(url),
            (None, Some(name)) => profiles()?.address(&name)?,
            (None, None) => Address::of(DEFAULT_URL),
        };
        Ok(Address {
            region: self.region.clone().or(address.region),
            aws_profile: self.aws_profile.clone().or(address.aws_profile),
            ..address
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[profile.prod]\nurl = 'https://p.example'\nregion = 'eu-west-1'\naws_profile = 'health'\n\
                        [profile.test]\nurl = 'https://t.example'\n";

    fn address(connect: &Connect, variable: Option<&str>) -> Address {
        connect.address(variable.map(str::to_owned), || Profiles::parse(FILE, "c.toml".into())).unwrap()
    }

    #[test]
    fn what_is_said_last_wins() {
        let told = |text: &str| Some(text.to_owned());
        let nothing = Connect::default();
        assert_eq!(address(&nothing, None), Address::of(DEFAULT_URL));
        assert_eq!(address(&nothing, Some("")), Address::of(DEFAULT_URL));
        assert_eq!(address(&nothing, Some("test")), Address::of("https://t.example"));

        let prod = Connect { profile: told("prod"), ..Connect::default() };
        let (region, aws_profile) = (told("eu-west-1"), told("health"));
        let whole = Address { region, aws_profile, ..Address::of("https://p.example") };
        assert_eq!(address(&prod, Some("test")), whole);
        let other = Connect { region: told("us-east-1"), aws_profile: told("me"), ..prod };
        let (region, aws_profile) = (told("us-east-1"), told("me"));
        assert_eq!(address(&other, None), Address { region, aws_profile, ..whole });

        let url = Connect { url: told("https://u.example"), ..Connect::default() };
        assert_eq!(address(&url, Some("prod")), Address::of("https://u.example"), "a profile never adds to --url");
    }

    #[test]
    fn no_file_is_read_that_nobody_asks_for() {
        let unread = || panic!("it is read");
        assert!(Connect::default().address(None, unread).is_ok());
        let url = Connect { url: Some("https://u.example".to_owned()), ..Connect::default() };
        assert!(url.address(Some("prod".to_owned()), unread).is_ok());
    }
}
