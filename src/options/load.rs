//! From the layers to checked options, or to the whole list of what is wrong with them.

use std::path::PathBuf;

use super::environment::Environment;
use super::faults::{Findings, OptionsError, Warning};
use super::{Options, layers, validate};

/// Options that can be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The options.
    pub options: Options,
    /// What is odd, but does no harm.
    pub warnings: Vec<Warning>,
    /// The options file, when there is one.
    pub file: Option<PathBuf>,
}

/// Reads the options: the file, over it the environment, over it `overrides` (`mqtt.host`, text) of the command line.
///
/// # Errors
/// Every fault of every layer at once.
pub fn load(environment: &Environment, overrides: &[(String, String)]) -> Result<Loaded, OptionsError> {
    let layers = layers::read(environment, overrides);
    let mut findings = Findings::new(&layers.figment);
    findings.faults.extend(environment.faults.iter().cloned());
    findings.faults.extend(layers.faults.iter().cloned());
    findings.warnings.extend(environment.warnings.iter().cloned());
    let options = validate::options(&layers.merged(), &mut findings);
    let Findings { faults, warnings, .. } = findings;
    if faults.is_empty() {
        Ok(Loaded { options, warnings, file: layers.file })
    } else {
        Err(OptionsError { faults, warnings, file: layers.file })
    }
}
