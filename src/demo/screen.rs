//! The demo's output. Invariant: a line goes out whole, and holds no colour unless somebody looks at a terminal.

use std::io::{self, IsTerminal, Write};

use tokio::time::Instant;

/// Columns for names and for what happens; longer texts push the rest to the right.
const NAME: usize = 13;
const EVENT: usize = 9;

/// Where the lines go. Cheap to copy; all copies count time from the same moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    started: Instant,
    terminal: bool,
    colours: bool,
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Something is well.
    Good,
    /// Something is not.
    Bad,
    /// Something is new.
    News,
    /// What the demo itself does.
    Stage,
    /// An explanation.
    Faint,
}

impl Tone {
    /// SGR parameters of ECMA-48.
    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "31",
            Self::News => "36",
            Self::Stage => "33",
            Self::Faint => "2",
        }
    }
}

impl Screen {
    /// Standard output, from now on. `plain` forbids colours.
    pub(crate) fn new(plain: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        Self { started: Instant::now(), terminal, colours: terminal && !plain }
    }

    /// Text as it is.
    pub(crate) fn text(&self, text: &str) {
        put(text);
    }

    /// What Home Assistant has learnt: of whom, what, and the details.
    pub(crate) fn seen(&self, name: &str, event: &str, tone: Tone, details: &str) {
        let event = self.paint(tone, &format!("{event:EVENT$}"));
        put(&format!("{}  {name:NAME$}  {event}  {details}", self.clock()));
    }

    /// What the demo does, and a new paragraph with it.
    pub(crate) fn stage(&self, text: &str) {
        put(&format!("\n{}  {}", self.clock(), self.paint(Tone::Stage, &format!("--- {text}"))));
    }

    /// The text in the tone's colour.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        match self.colours {
            true => format!("\x1b[{}m{text}\x1b[0m", tone.code()),
            false => text.to_owned(),
        }
    }

    fn clock(&self) -> String {
        // Over the ^C that a terminal shows: it stands where this has blanks.
        let begin = if self.terminal { "\r" } else { "" };
        let time = format!("{:6.1} s", self.started.elapsed().as_secs_f32());
        format!("{begin}{}", self.paint(Tone::Faint, &time))
    }
}

/// In one write, so that lines of other threads do not get in between.
fn put(line: &str) {
    let _nobody_reads = io::stdout().lock().write_all(format!("{line}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_only_there_when_they_are_wanted() {
        let screen = |colours| Screen { started: Instant::now(), terminal: colours, colours };
        assert_eq!(screen(false).paint(Tone::Bad, "offline"), "offline");
        assert_eq!(screen(true).paint(Tone::Bad, "offline"), "\x1b[31moffline\x1b[0m");
    }
}
