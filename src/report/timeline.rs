//! Where on the line of CiviCRM's releases a schema is.

use crate::case::Case;

/// What a picture of the detected release is made of. Places count the states of the catalogue from 0, the oldest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The names of all states.
    pub states: Vec<String>,
    /// The places of the states that the schema was compared with exactly, best first, and the number of differences from
    /// each.
    pub compared: Vec<(usize, usize)>,
    /// The places of the states that fit best, the one that the report names first.
    pub fits: Vec<usize>,
    /// The place of the state of the version that stands in the database, where it is known.
    pub declared: Option<usize>,
}

impl Timeline {
    /// That of a case; `None` where its release cannot be told.
    pub(super) fn of(case: &Case) -> Option<Self> {
        let detection = case.detection()?;
        let declared = case.declared_version();
        let declared = declared.and_then(|version| case.catalogue.state_for(&version));
        let also = detection.also.iter().map(|state| state.place());
        let compared = detection.candidates.iter();
        Some(Self {
            states: case
                .catalogue
                .states()
                .iter()
                .map(|it| it.name.clone())
                .collect(),
            compared: compared
                .map(|(state, number)| (state.place(), *number))
                .collect(),
            fits: std::iter::once(detection.state.place())
                .chain(also)
                .collect(),
            declared: declared.map(|state| state.place()),
        })
    }
}
