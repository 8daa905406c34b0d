//! Files of others, changed at random: whatever comes of it, there is no panic and an end.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::{packets, small_files, whole_way};

/// The seeds of one target of the fuzzer, by their names.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let files = fs::read_dir(folder.join(target)).expect("the seeds are there");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    let name = |path: &Path| {
        path.file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned()
    };
    paths
        .into_iter()
        .map(|path| (name(&path), fs::read(path).expect("it can be read")))
        .collect()
}

/// Numbers that look random, the same in each run.
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit.max(1)
    }

    /// The bytes with up to five changes, in some of which a piece of another comes in.
    fn changed(&mut self, original: &[u8], other: &[u8]) -> Vec<u8> {
        let mut data = original.to_vec();
        for _ in 0..=self.below(4) {
            let (from, length) = (self.below(data.len()), self.below(20));
            let to = (from + length).min(data.len());
            match self.below(5) {
                0 => data.truncate(from),
                1 => drop(data.drain(from..to)),
                2 => {
                    let piece = data[from..to].to_vec();
                    let at = self.below(data.len() + 1);
                    data.splice(at..at, piece);
                }
                3 => {
                    let start = self.below(other.len());
                    let end = (start + length).min(other.len());
                    data.splice(from..to, other[start..end].iter().copied());
                }
                _ => {
                    if let Some(byte) = data.get_mut(from) {
                        *byte = u8::try_from(self.below(256)).expect("a byte");
                    }
                }
            }
        }
        data
    }
}

/// Reads changed seeds; each has to come to an end soon.
fn read_changed(corpus: &[Vec<u8>], rounds: usize, read: impl Fn(&[u8])) {
    let mut random = Random::new();
    for original in corpus {
        for _ in 0..rounds {
            let other = &corpus[random.below(corpus.len())];
            let data = random.changed(original, other);
            let begun = Instant::now();
            read(&data);
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{:?}",
                String::from_utf8_lossy(&data)
            );
        }
    }
}

#[test]
fn no_change_of_a_small_file_makes_the_program_panic() {
    let corpus: Vec<Vec<u8>> = seeds("files").into_iter().map(|(_, seed)| seed).collect();
    let kinds: std::collections::HashSet<u8> = corpus.iter().map(|file| file[0]).collect();
    assert_eq!(kinds.len(), usize::from(small_files::KINDS));
    let rounds = if crate::common::everything() {
        20_000
    } else {
        1_500
    };
    // The first byte says of which kind a file is.
    for file in &corpus {
        let (kind, original) = file.split_first().expect("it is not empty");
        let others = [original.to_vec()];
        read_changed(&others, rounds, |data| small_files::read(*kind, data));
    }
}

#[test]
fn the_seeds_of_packets_are_read_to_the_end() {
    for (name, seed) in seeds("packets") {
        // This one begins with the greeting, and ends in the middle.
        assert_eq!(packets::read_whole(&seed), name != "at-once", "{name}");
    }
}

#[test]
fn no_change_of_what_a_server_sends_makes_the_program_panic() {
    let corpus: Vec<Vec<u8>> = seeds("packets").into_iter().map(|(_, seed)| seed).collect();
    let rounds = if crate::common::everything() {
        5_000
    } else {
        30
    };
    read_changed(&corpus, rounds, packets::read);
}

#[test]
fn no_change_of_a_dump_makes_the_upgrade_on_paper_panic() {
    let corpus: Vec<Vec<u8>> = seeds("upgrade").into_iter().map(|(_, seed)| seed).collect();
    let rounds = if crate::common::everything() {
        5_000
    } else {
        20
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("dump.sql");
    read_changed(&corpus, rounds, |data| {
        fs::write(&file, data).expect("it is written");
        whole_way::of_dump(&file);
    });
}
