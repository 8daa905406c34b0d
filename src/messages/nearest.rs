//! The entries of the table that are most like a message that none of them fits.

use std::collections::{HashMap, HashSet};

use super::mask::words;
use super::table::Message;

/// The most entries that are named.
const MOST: usize = 3;
/// Words that stand in more entries than this say nothing.
const COMMON: usize = 25;

/// The words of all entries.
#[derive(Debug)]
pub(super) struct Index {
    /// For each entry its words.
    entries: Vec<HashSet<String>>,
    /// In how many entries a word stands.
    frequency: HashMap<String, usize>,
}

impl Index {
    pub(super) fn of(messages: &[Message]) -> Self {
        let mut index = Self {
            entries: Vec::with_capacity(messages.len()),
            frequency: HashMap::new(),
        };
        for message in messages {
            let texts = message.patterns.iter().chain([&message.title]);
            let words: HashSet<String> = texts.flat_map(|text| words(text.as_bytes())).collect();
            for word in &words {
                *index.frequency.entry(word.clone()).or_default() += 1;
            }
            index.entries.push(words);
        }
        index
    }

    /// All words of the table, which may be shown.
    pub(super) fn vocabulary(&self) -> HashSet<String> {
        self.frequency.keys().cloned().collect()
    }

    /// The entries that share the most, and the rarest, words with a text; none where they share next to nothing.
    pub(super) fn nearest(&self, text: &[u8]) -> Vec<usize> {
        let wanted: HashSet<String> = words(text).collect();
        let all = self.entries.len() as f64;
        let weight = |word: &String| match self.frequency.get(word) {
            Some(&number) if number <= COMMON => (all / number as f64).ln(),
            _ => 0.0,
        };
        let enough = 2.0 * all.max(2.0).ln() * 0.6;
        let mut scores: Vec<(f64, usize)> = Vec::new();
        for (at, words) in self.entries.iter().enumerate() {
            let score: f64 = words.intersection(&wanted).map(weight).sum();
            if score >= enough {
                scores.push((score / (3.0 + words.len() as f64).sqrt(), at));
            }
        }
        scores.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        scores.into_iter().take(MOST).map(|(_, at)| at).collect()
    }
}
