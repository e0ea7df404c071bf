//! The configuration file, which names environments; and `terrace profiles`, which lists them.

use crate::client::address::Address;
use crate::connect::PROFILE_VARIABLE;
use crate::error::CommandError;
use crate::terminal;
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

/// How the configuration file is written.
const FILE: &str = r#"The file is $XDG_CONFIG_HOME/terrace/config.toml, else ~/.config/terrace/config.toml. It holds addresses and no secrets:

    [profile.prod]
    url = "https://ab12cd34.execute-api.eu-west-1.amazonaws.com"
    region = "eu-west-1"      # only where the host's name does not say it
    aws_profile = "health"    # only where the usual AWS chain would find somebody else"#;

/// List the environments that the configuration file names.
///
/// Each with its address, and the region and AWS profile that its requests are signed with. None is asked.
///
/// Exit status: 0 they are listed, 2 the file is no configuration.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = FILE)]
pub struct ProfilesArgs {
    /// JSON Lines in place of a table.
    #[arg(long)]
    pub json: bool,
}

/// What the configuration file says.
#[derive(Debug)]
pub struct Profiles {
    path: PathBuf,
    named: BTreeMap<String, Profile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    profile: BTreeMap<String, Profile>,
}

/// An environment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    url: String,
    region: Option<String>,
    aws_profile: Option<String>,
}

impl Profiles {
    /// Reads the configuration file. None is as good as an empty one.
    ///
    /// # Errors
    ///
    /// When it is there and cannot be read.
    pub fn read() -> Result<Self, CommandError> {
        let path = path().ok_or_else(|| {
            CommandError::Usage("neither XDG_CONFIG_HOME nor HOME says where the configuration file lies".to_owned())
        })?;
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, path),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self { path, named: BTreeMap::new() }),
            Err(error) => Err(CommandError::Usage(format!("cannot read {}: {error}", path.display()))),
        }
    }

    /// Reads the text of a configuration file.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(text: &str, path: PathBuf) -> Result<Self, CommandError> {
        let file: File = toml::from_str(text).map_err(|error| {
            // Not the line itself: somebody may have written a secret there.
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map(|before| format!(" line {}", before.matches('\n').count() + 1));
            let (path, line, message) = (path.display(), line.unwrap_or_default(), error.message());
            CommandError::Usage(format!(
                "{path}{line}: {message}. It holds [profile.NAME] with url, and region and aws_profile where they are \
                 needed; credentials are AWS's to keep"
            ))
        })?;
        Ok(Self { path, named: file.profile })
    }

    /// The address of a profile.
    ///
    /// # Errors
    ///
    /// When there is none of this name.
    pub fn address(&self, name: &str) -> Result<Address, CommandError> {
        let Some(Profile { url, region, aws_profile }) = self.named.get(name).cloned() else {
            let known: Vec<&str> = self.named.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let path = self.path.display();
            return Err(CommandError::Usage(format!(
                "there is no profile {name:?} in {path}; there are: {known}. Write [profile.{name}] with a url there, or \
                 use --url"
            )));
        };
        Ok(Address { url, region, aws_profile })
    }
}

/// Where the configuration file lies.
fn path() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(config.join("terrace").join("config.toml"))
}

/// Lists profiles.
///
/// # Errors
///
/// When the file cannot be read.
pub fn run(args: &ProfilesArgs) -> Result<ExitCode, CommandError> {
    let profiles = Profiles::read()?;
    let used = std::env::var(PROFILE_VARIABLE).unwrap_or_default();
    let mut table = terminal::table(&["profile", "url", "region", "AWS profile"]);
    for (name, profile) in &profiles.named {
        let address = profiles.address(name)?;
        let Profile { url, region: _, aws_profile } = profile;
        let region = address.signing_region();
        if args.json {
            let line = json!({"profile": name, "url": url, "region": region, "aws_profile": aws_profile,
                              "selected": *name == used});
            terminal::say(&line.to_string())?;
            continue;
        }
        let mark = if *name == used { " (TERRACE_PROFILE)" } else { "" };
        let region = region.unwrap_or_else(|| "not signed".to_owned());
        let aws_profile = aws_profile.as_deref().unwrap_or_default();
        table.add_row([format!("{name}{mark}").as_str(), url, &region, aws_profile]);
    }
    if !args.json {
        let said = format!("{table}\n{} profiles in {}", profiles.named.len(), profiles.path.display());
        terminal::say(&said)?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Profiles, CommandError> {
        Profiles::parse(text, "/c.toml".into())
    }

    #[test]
    fn a_file_that_is_none_is_refused_with_the_line_and_without_what_is_on_it() {
        for (text, said) in [
            ("[profile.a]\nurl = 'https://x'\naws_secret_access_key = 'hush'\n", "line 3"),
            ("[profile.a]\nregion = 'hush'\n", "url"),
            ("[profile.a]\nurl = 'hush\n", "line 2"),
            ("[profiles.a]\nurl = 'hush'\n", "profiles"),
        ] {
            let error = parse(text).unwrap_err();
            let message = error.to_string();
            assert!(message.starts_with("/c.toml") && message.contains(said), "{message}");
            assert!(!message.contains("hush"), "{message}");
            assert_eq!(error.exit_status(), 2);
        }
    }

    #[test]
    fn an_unknown_profile_is_told_which_there_are() {
        let profiles = parse("[profile.b]\nurl = 'https://b'\n[profile.a]\nurl = 'https://a'\n").unwrap();
        let message = profiles.address("c").unwrap_err().to_string();
        assert!(message.contains("\"c\"") && message.contains("a, b"), "{message}");
        assert!(parse("").unwrap().address("c").unwrap_err().to_string().contains("none"));
    }
}
