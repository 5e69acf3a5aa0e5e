//! What an interrupted run has done already.

use std::fs;
use std::path::PathBuf;

/// Lines of a file: the seed, then one line per thing done.
pub struct Progress {
    file: Option<PathBuf>,
    lines: Vec<String>,
}

impl Progress {
    /// What the file of a run of the same seed tells; a run of another seed begins anew.
    pub fn load(kind: &str, seed: u64) -> Self {
        let file = std::env::var_os("GEOCUBE_CHAOS_STATE")
            .map(|path| PathBuf::from(path).with_extension(kind));
        let text = file.as_ref().and_then(|file| fs::read_to_string(file).ok());
        let mut lines: Vec<String> = text
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect();
        if lines.first() != Some(&seed.to_string()) {
            lines = vec![seed.to_string()];
        }
        Self { file, lines }
    }

    pub fn is_done(&self, number: usize) -> bool {
        self.lines[1..].contains(&number.to_string())
    }

    pub fn done(&mut self, number: usize) {
        self.add(number.to_string());
    }

    /// Number of lines after the seed.
    pub fn rounds(&self) -> u64 {
        self.lines.len() as u64 - 1
    }

    /// Sum of the lines after the seed.
    pub fn count(&self) -> u32 {
        let numbers = self.lines[1..].iter();
        numbers.filter_map(|line| line.parse::<u32>().ok()).sum()
    }

    pub fn round(&mut self, count: u32) {
        self.add(count.to_string());
    }

    fn add(&mut self, line: String) {
        self.lines.push(line);
        if let Some(file) = &self.file {
            fs::write(file, self.lines.join("\n") + "\n").unwrap();
        }
    }
}
