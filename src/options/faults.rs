//! What is wrong with the options, in words for the user. Values are never printed: any of them could be a secret.

use std::fmt;
use std::path::PathBuf;

use figment::Figment;
use figment::value::Tag;

use super::layers;

/// One wrong option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: `cameras[1].stream`, or the name of a variable of the environment.
    pub path: String,
    /// What is wrong and what is allowed.
    pub problem: String,
    /// The name of the camera that it is about, because `[1]` is hard to find in a form.
    pub camera: Option<String>,
    /// Where the value was set, when it was not in the options file.
    pub origin: Option<String>,
}

impl Fault {
    /// A fault that is about no camera and no layer.
    pub(super) fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into(), camera: None, origin: None }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let Some(camera) = &self.camera {
            write!(f, " (camera {camera:?})")?;
        }
        write!(f, ": {}", self.problem)?;
        match &self.origin {
            Some(origin) => write!(f, " (set by {origin})"),
            None => Ok(()),
        }
    }
}

/// Something in the options that does no harm, but is probably not what the user meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where: `cameras[1].strem`.
    pub path: String,
    /// What is odd about it.
    pub problem: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)
    }
}

/// The options cannot be used. Displays as one line per fault, and one per warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionsError {
    /// Everything that is wrong; never empty.
    pub faults: Vec<Fault>,
    /// What is odd besides: a misspelt key is often the cause of a missing one.
    pub warnings: Vec<Warning>,
    /// The options file that was read, if one was.
    pub file: Option<PathBuf>,
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.faults.len() {
            1 => f.write_str("the options have a fault")?,
            count => write!(f, "the options have {count} faults")?,
        }
        if let Some(file) = &self.file {
            write!(f, " (file {})", file.display())?;
        }
        f.write_str("; nothing was started, correct this first:")?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))?;
        self.warnings.iter().try_for_each(|warning| write!(f, "\n  note: {warning}"))
    }
}

impl std::error::Error for OptionsError {}

/// Collects faults and warnings while the options are read.
pub(super) struct Findings<'a> {
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<Warning>,
    /// The camera that is being read, for the faults.
    pub(super) camera: Option<String>,
    layers: &'a Figment,
}

impl<'a> Findings<'a> {
    pub(super) fn new(layers: &'a Figment) -> Self {
        Self { faults: Vec::new(), warnings: Vec::new(), camera: None, layers }
    }

    /// Notes a fault; the tag tells which layer set the value.
    pub(super) fn fault(&mut self, path: impl Into<String>, problem: impl Into<String>, tag: Option<Tag>) {
        let origin = tag.and_then(|tag| layers::origin(self.layers, tag));
        let (path, problem) = (path.into(), problem.into());
        self.faults.push(Fault { path, problem, camera: self.camera.clone(), origin });
    }

    pub(super) fn warning(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.warnings.push(Warning { path: path.into(), problem: problem.into() });
    }
}
