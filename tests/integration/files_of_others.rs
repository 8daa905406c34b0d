//! Files of others, changed at random: whatever comes of it, there is no panic and an end.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::small_files;

/// The corpus of the fuzzer: the first byte of each file says of which kind it is.
fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/files");
    let files = fs::read_dir(folder).expect("the corpus is there");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| fs::read(path).expect("it can be read"))
        .collect()
}

#[test]
fn no_change_of_a_small_file_makes_the_program_panic() {
    let corpus = corpus();
    let kinds: std::collections::HashSet<u8> = corpus.iter().map(|file| file[0]).collect();
    assert_eq!(kinds.len(), usize::from(small_files::KINDS));
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 33).unwrap_or_default() % below.max(1)
    };
    let rounds = if crate::common::everything() {
        20_000
    } else {
        1_500
    };
    for file in &corpus {
        let (kind, original) = file.split_first().expect("it is not empty");
        for _ in 0..rounds {
            let mut data = original.to_vec();
            for _ in 0..=random(4) {
                let (from, length) = (random(data.len()), random(20));
                let to = (from + length).min(data.len());
                match random(5) {
                    0 => data.truncate(from),
                    1 => drop(data.drain(from..to)),
                    2 => {
                        let piece = data[from..to].to_vec();
                        let at = random(data.len() + 1);
                        data.splice(at..at, piece);
                    }
                    3 => {
                        let other = &corpus[random(corpus.len())];
                        let start = random(other.len());
                        let end = (start + length).min(other.len());
                        data.splice(from..to, other[start..end].iter().copied());
                    }
                    _ => {
                        if let Some(byte) = data.get_mut(from) {
                            *byte = u8::try_from(random(256)).expect("a byte");
                        }
                    }
                }
            }
            let begun = Instant::now();
            small_files::read(*kind, &data);
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{kind}: {:?}",
                String::from_utf8_lossy(&data)
            );
        }
    }
}
