//! Where is looked: the memory of a process that runs, as the kernel shows it to root (proc(5)), or a dump.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// A stretch of memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// What the kernel calls it.
    pub(crate) name: String,
    pub(crate) start: u64,
    /// Locked in memory, and left out of dumps: where the sealing key may be.
    pub(crate) is_shut_away: bool,
}

/// Everything that the process has mapped and that can be read. It should be stopped, or its map may change meanwhile.
pub(crate) fn of_process(process: &str, mut look: impl FnMut(&Place, &[u8])) -> Result<(), String> {
    let failed = |error| format!("the memory of process {process} cannot be read: {error}");
    let smaps = std::fs::read_to_string(format!("/proc/{process}/smaps")).map_err(failed)?;
    let mut memory = File::open(format!("/proc/{process}/mem")).map_err(failed)?;
    for (place, length) in mapped(&smaps) {
        let mut bytes = vec![0; length];
        // What cannot be read is a device's, or the kernel's own page.
        let read = memory.seek(SeekFrom::Start(place.start)).and_then(|_| memory.read_exact(&mut bytes));
        if read.is_ok() {
            look(&place, &bytes);
        } else if !place.name.starts_with("[v") {
            return Err(format!("{} at {:#x} cannot be read", place.name, place.start));
        }
    }
    Ok(())
}

/// A dump is looked through as it is: the process's memory, its registers and what the kernel says of it.
pub(crate) fn of_dump(dump: &Path, mut look: impl FnMut(&Place, &[u8])) -> Result<(), String> {
    let bytes = std::fs::read(dump).map_err(|error| format!("{}: {error}", dump.display()))?;
    look(&Place { name: "the dump".to_owned(), ..Place::default() }, &bytes);
    Ok(())
}

/// The readable mappings and their lengths (proc(5), /proc/pid/smaps).
fn mapped(smaps: &str) -> Vec<(Place, usize)> {
    let mut found: Vec<(Place, usize)> = Vec::new();
    let mut is_readable = false;
    for line in smaps.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let range = words.first().and_then(|word| word.split_once('-'));
        let range = range.and_then(|(start, end)| {
            Some((u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?))
        });
        if let (Some((start, end)), Some(rights)) = (range, words.get(1)) {
            is_readable = rights.starts_with('r');
            let name = words.get(5).copied().unwrap_or("memory without a name").to_owned();
            if is_readable {
                let length = usize::try_from(end - start).unwrap_or(usize::MAX);
                found.push((Place { name, start, is_shut_away: false }, length));
            }
        } else if let (true, Some(("VmFlags:", flags)), Some((place, _))) =
            (is_readable, words.split_first().map(|(first, rest)| (*first, rest)), found.last_mut())
        {
            place.is_shut_away = ["lo", "dd"].iter().all(|flag| flags.contains(flag));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMAPS: &str = "\
7f00-8f00 rw-p 00000000 00:00 0
Rss: 4 kB
VmFlags: rd wr mr mw me lo ac dd sd
9000-a000 ---p 00000000 00:00 0
VmFlags: mr lo dd
b000-b800 rw-p 00000000 00:00 0                          [heap]
VmFlags: rd wr
";

    #[test]
    fn mappings_are_read_with_what_they_are_kept_from() {
        let mapped = mapped(SMAPS);
        let told: Vec<_> =
            mapped.iter().map(|(place, length)| (place.start, *length, place.is_shut_away)).collect();
        assert_eq!(told, [(0x7f00, 0x1000, true), (0xb000, 0x800, false)]);
        assert_eq!(mapped[1].0.name, "[heap]");
    }
}
