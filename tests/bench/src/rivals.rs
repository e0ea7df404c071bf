//! The receivers to compare with: a plain one in Node and one in Python, installed when they are first needed.

use crate::bundle;
use crate::error::{BenchError, Doing};
use crate::function::Program;
use crate::measure::Candidate;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A language to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rival {
    /// `rivals/node`.
    Node,
    /// `rivals/python`.
    Python,
}

impl Rival {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Node, Self::Python];

    /// What the table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Python => "python",
        }
    }

    /// Installs it below `folder`, unless that has been done.
    ///
    /// # Errors
    ///
    /// [`BenchError::NoRival`] when the language is not here or its registry cannot be reached.
    pub fn install(self, folder: &Path) -> Result<Candidate, BenchError> {
        match self {
            Self::Node => node(&folder.join("node")),
            Self::Python => python(&folder.join("venv")),
        }
    }
}

fn source(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rivals").join(language)
}

fn candidate(name: &'static str, command: PathBuf, script: PathBuf, bundle: u64) -> Candidate {
    let program = Program { command, arguments: vec![script.into_os_string()] };
    Candidate { name, program, bundle, trouble: false }
}

fn node(folder: &Path) -> Result<Candidate, BenchError> {
    succeed("node is not installed", Command::new("node").arg("--version"))?;
    let (from, modules, script) = (source("node"), folder.join("node_modules"), folder.join("index.mjs"));
    fs::create_dir_all(folder).doing("make a folder for node")?;
    fs::copy(from.join("index.mjs"), &script).doing("copy the receiver in Node")?;
    installed(&from.join("package.json"), &folder.join("package.json"), || {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--no-package-lock", "--omit=dev"]).current_dir(folder);
        succeed("npm could not install the packages", &mut npm)
    })?;
    let bundle = bundle::zipped(&[(&script, "index.mjs"), (&modules, "node_modules")])?;
    Ok(candidate("node", PathBuf::from("node"), script, bundle))
}

fn python(folder: &Path) -> Result<Candidate, BenchError> {
    succeed("python3 is not installed", Command::new("python3").arg("--version"))?;
    let (from, interpreter, script) = (source("python"), folder.join("bin/python"), folder.join("receiver.py"));
    installed(&from.join("requirements.txt"), &folder.join("requirements.txt"), || {
        succeed("python3 -m venv failed", Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
        let mut pip = Command::new(&interpreter);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
        succeed("pip could not install the packages", pip.arg(from.join("requirements.txt")))
    })?;
    fs::copy(from.join("receiver.py"), &script).doing("copy the receiver in Python")?;
    let mut where_to = Command::new(&interpreter);
    let packages = succeed(
        "python did not say where packages lie",
        where_to.args(["-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]),
    )?;
    let packages = PathBuf::from(String::from_utf8_lossy(&packages.stdout).trim());
    let bundle = bundle::zipped(&[(&script, "receiver.py"), (&packages, "python")])?;
    Ok(candidate("python", interpreter, script, bundle))
}

/// Installs when what is wanted is not what was installed last; the list is copied once that has succeeded.
fn installed(
    wanted: &Path,
    done: &Path,
    install: impl FnOnce() -> Result<Output, BenchError>,
) -> Result<(), BenchError> {
    let list = fs::read(wanted).doing("read what the rival needs")?;
    let stamp = done.with_extension("installed");
    if fs::read(&stamp).is_ok_and(|installed| installed == list) {
        return Ok(());
    }
    if done.parent().is_some_and(Path::exists) {
        fs::write(done, &list).doing("say what the rival needs")?;
    }
    install()?;
    fs::write(stamp, &list).doing("note that the rival is installed")
}

fn succeed(otherwise: &str, command: &mut Command) -> Result<Output, BenchError> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| BenchError::NoRival(format!("{otherwise} ({error})")))?;
    if output.status.success() {
        return Ok(output);
    }
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    // What comes first is the cause; what comes last is where to read about it.
    let mut lines = words.lines().map(str::trim).filter(|line| !line.is_empty());
    let cause = lines.clone().find(|line| line.to_ascii_lowercase().contains("error")).or_else(|| lines.next());
    Err(BenchError::NoRival(format!("{otherwise} ({})", cause.unwrap_or_default())))
}
