//! The binary: reads the command line and hands over to the library.

use std::process::ExitCode;

use camera_herald::cli::Cli;
use camera_herald::commands;
use clap::Parser;

fn main() -> ExitCode {
    commands::dispatch(Cli::parse())
}
