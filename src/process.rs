//! What the system says of this process.

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
}
