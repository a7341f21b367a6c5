//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Makes every camera of a home a Home Assistant device over MQTT, and keeps it true through every restart.
#[derive(Debug, Parser)]
#[command(name = "camera-herald", version, about)]
pub struct Cli {
    /// What to do; `run` when left out.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options file, JSON or TOML by its ending [default: options.json in the data dir].
    #[arg(long, global = true, value_name = "FILE")]
    pub options: Option<PathBuf>,
    /// Where the database and the client id are kept.
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Sets one option over file and environment, for example --set mqtt.host=10.0.0.2. May be repeated.
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
}

/// The commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Serve until asked to stop
    Run,
    /// Try every step from the Supervisor to each camera and say what to do about failures
    Check {
        /// Print JSON for programs
        #[arg(long)]
        json: bool,
    },
    /// Send the discovery messages once and wait for the acknowledgements
    Announce,
    /// Take everything of this installation off the broker
    Retract,
    /// Ask the running service whether it is well, for Docker
    Healthcheck,
    /// Make one whole copy of the database, which a backup may take while the service runs; ends with 0 whatever happens
    Snapshot {
        /// The backup is over: remove the copy
        #[arg(long)]
        done: bool,
    },
    /// Show the whole thing with nothing installed: an embedded broker and two simulated cameras
    #[cfg(feature = "demo")]
    Demo,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE, for example mqtt.host=10.0.0.2".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_option_may_hold_an_equals_sign() {
        assert_eq!(pair("mqtt.password=a=b"), Ok(("mqtt.password".to_owned(), "a=b".to_owned())));
        assert!(pair("mqtt.host").is_err());
    }
}
