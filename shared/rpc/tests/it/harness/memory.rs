//! What this process holds.

/// The most memory that this process ever had, in MB.
pub fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kilobytes.parse::<u64>().unwrap() / 1024
}

/// Whether no other test runs in this process, as under cargo nextest; said on standard error if not.
pub fn process_of_its_own() -> bool {
    let own = std::env::var_os("NEXTEST").is_some();
    if !own {
        eprintln!("memory is not measured: needs a process of its own, as cargo nextest gives it");
    }
    own
}
