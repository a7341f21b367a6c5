//! What the system says of this process, and what it is asked for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files and connections that may be open at once, when the system lets us choose: every camera, sender and page has one.
const OPEN_FILES: u64 = 8_192;

/// Asks the system for more open files than it gives unasked. Home Assistant's gives 1,024, which a house full of open pages and
/// senders would use up, and then no camera could be reached (`docs/decisions/0011-open-files.md`).
pub fn raise_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(OPEN_FILES, |maximum| maximum.min(OPEN_FILES));
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
        tracing::warn!(%error, "The system gives no more open files; hundreds of open pages may keep cameras from being reached");
    }
}

/// Resident memory in bytes (`proc_pid_status(5)`, `VmRSS`: in kilobytes whatever the size of a page). `None` where the system does not
/// tell.
#[must_use]
pub fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_taken_is_seen() {
        let before = resident_memory().unwrap();
        let taken = vec![1_u8; 64 << 20];
        let grown = resident_memory().unwrap().saturating_sub(before);
        assert!((60 << 20..200 << 20).contains(&grown), "{grown} for {}", taken.len());
    }

    #[test]
    fn more_open_files_are_asked_for_and_never_fewer() {
        let maximum = getrlimit(Resource::Nofile).maximum;
        setrlimit(Resource::Nofile, Rlimit { current: Some(300), maximum }).unwrap();
        raise_open_files();
        let raised = getrlimit(Resource::Nofile);
        assert_eq!(raised.maximum, maximum);
        assert_eq!(raised.current, Some(maximum.map_or(OPEN_FILES, |maximum| maximum.min(OPEN_FILES))));
        if maximum.is_none_or(|maximum| maximum > OPEN_FILES) {
            let more = Rlimit { current: Some(OPEN_FILES + 1), maximum };
            setrlimit(Resource::Nofile, more).unwrap();
            raise_open_files();
            assert_eq!(getrlimit(Resource::Nofile).current, Some(OPEN_FILES + 1));
        }
    }
}
