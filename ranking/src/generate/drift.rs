//! Drift: named changes of the shop from a day on, each with a strength.
//!
//! What is not changed is drawn from the same random numbers, so up to its day a change of prices,
//! tastes or the feed leaves every row as it is without it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::generate::queries::{Intent, Wishes, frequency};
use crate::generate::random::{Stream, cumulative};
use crate::generate::sessions::DAYS;
use crate::generate::world::World;

/// How strongly brands come into fashion, in units of the logistic scale, at full strength.
const FASHION: f64 = 2.5;

/// What changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ChangeKind {
    /// One category is neither shown nor asked for before the day. From then on this share of
    /// shoppers' searches is for it.
    NewCategory,
    /// All prices are higher by this share from the day on; the catalogue has the new ones.
    PriceShift,
    /// From the day on all shoppers prefer other brands.
    TasteShift,
    /// From the day on this share of clicks, carts and purchases names a search that is not recorded.
    BrokenFeed,
}

impl ChangeKind {
    const EVERY: [Self; 4] = [
        Self::NewCategory,
        Self::PriceShift,
        Self::TasteShift,
        Self::BrokenFeed,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::NewCategory => "NewCategory",
            Self::PriceShift => "PriceShift",
            Self::TasteShift => "TasteShift",
            Self::BrokenFeed => "BrokenFeed",
        }
    }
}

/// A change from a day on. As text: `PriceShift:20:30`, the kind, the day and the strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What changes.
    pub kind: ChangeKind,
    /// The first day on which it is so, counted from 1, 2 to 30.
    pub from_day: u32,
    /// How much of a change it is, in percent, 1 to 100.
    pub strength_percent: u32,
}

impl Change {
    fn is_on(self, day: u32) -> bool {
        day + 1 >= self.from_day
    }

    fn strength(self) -> f64 {
        f64::from(self.strength_percent) / 100.0
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, day) = (self.kind.name(), self.from_day);
        write!(formatter, "{kind}:{day}:{}", self.strength_percent)
    }
}

/// Why changes cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DriftError {
    /// The text is no change.
    #[error("drift {0:?} is not KIND:DAY:PERCENT, such as PriceShift:20:30")]
    NotAChange(String),
    /// No such kind.
    #[error("drift {0:?} is of none of the kinds NewCategory, PriceShift, TasteShift, BrokenFeed")]
    UnknownKind(String),
    /// A number is out of its range.
    #[error("drift {change}: the {field} is not between {minimum} and {maximum}")]
    OutOfRange {
        /// The change.
        change: Change,
        /// Day or percent.
        field: &'static str,
        /// Least allowed.
        minimum: u32,
        /// Most allowed.
        maximum: u32,
    },
    /// A kind is there twice.
    #[error("drift {0}: there is an earlier change of this kind")]
    Repeated(Change),
}

impl FromStr for Change {
    type Err = DriftError;

    fn from_str(text: &str) -> Result<Self, DriftError> {
        let not_a_change = || DriftError::NotAChange(text.to_owned());
        let [kind, day, percent]: [&str; 3] = text
            .split(':')
            .collect::<Vec<_>>()
            .try_into()
            .map_err(|_| not_a_change())?;
        let kind = ChangeKind::EVERY
            .into_iter()
            .find(|known| known.name() == kind)
            .ok_or_else(|| DriftError::UnknownKind(text.to_owned()))?;
        let number = |text: &str| text.parse::<u32>().map_err(|_| not_a_change());
        Ok(Self {
            kind,
            from_day: number(day)?,
            strength_percent: number(percent)?,
        })
    }
}

/// Checks days and strengths, and that each kind is there once.
pub(super) fn check(changes: &[Change]) -> Result<(), DriftError> {
    for (place, change) in changes.iter().enumerate() {
        for (field, value, minimum, maximum) in [
            ("day", change.from_day, 2, DAYS),
            ("percent", change.strength_percent, 1, 100),
        ] {
            if !(minimum..=maximum).contains(&value) {
                return Err(DriftError::OutOfRange {
                    change: *change,
                    field,
                    minimum,
                    maximum,
                });
            }
        }
        if changes[..place]
            .iter()
            .any(|earlier| earlier.kind == change.kind)
        {
            return Err(DriftError::Repeated(*change));
        }
    }
    Ok(())
}

/// What of the shop is different on one day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Today {
    /// The day, from 0.
    pub(super) day: u32,
    /// Natural logarithm of the prices relative to those of the first day.
    pub(super) price_shift: f64,
    /// How much better or worse a fashionable brand is liked; 0 is no fashion.
    pub(super) fashion: f64,
    /// Probability that an event names a search that is not recorded.
    pub(super) lost: f64,
}

impl Today {
    pub(super) fn of(day: u32, changes: &[Change]) -> Self {
        let strength = |kind: ChangeKind| {
            changes
                .iter()
                .find(|change| change.kind == kind && change.is_on(day))
                .map_or(0.0, |change| change.strength())
        };
        Self {
            day,
            price_shift: libm::log(1.0 + strength(ChangeKind::PriceShift)),
            fashion: FASHION * strength(ChangeKind::TasteShift),
            lost: strength(ChangeKind::BrokenFeed),
        }
    }

    /// The day that the catalogue and the judgements are of.
    pub(super) fn last(changes: &[Change]) -> Self {
        Self::of(DAYS - 1, changes)
    }
}

/// A category that is sold from a day on, and how often each wish is had without and for it.
pub(super) struct Launch {
    change: Change,
    /// Number of the category.
    leaf: usize,
    /// Running sums of the frequencies of all other wishes.
    others: Vec<f64>,
    /// Running sums of the frequencies of the wishes for it.
    own: Vec<f64>,
}

impl Launch {
    /// The launch among the changes: the category of a wish that is drawn.
    pub(super) fn among(
        changes: &[Change],
        seed: u64,
        wishes: &Wishes,
        world: &World,
    ) -> Option<Self> {
        let change = *changes
            .iter()
            .find(|change| change.kind == ChangeKind::NewCategory)?;
        // A brand that is asked for has products of other categories too.
        let leaf_of = |number: usize| {
            let wish = &wishes.list[number];
            (wish.intent != Intent::Brand).then(|| world.hidden[wish.example].leaf)
        };
        let leaves: Vec<usize> = (0..wishes.list.len()).filter_map(leaf_of).collect();
        let leaf = *leaves.get(Stream::new(seed, "launch", 0).below(leaves.len().max(1)))?;
        let sums = |is_own: bool| {
            cumulative((0..wishes.list.len()).map(|number| {
                if (leaf_of(number) == Some(leaf)) == is_own {
                    frequency(number)
                } else {
                    0.0
                }
            }))
        };
        Some(Self {
            change,
            leaf,
            others: sums(false),
            own: sums(true),
        })
    }

    /// Whether products of a category are sold on a day.
    pub(super) fn sells(&self, leaf: usize, day: u32) -> bool {
        leaf != self.leaf || self.change.is_on(day)
    }

    /// The number of the wish of one search.
    pub(super) fn draw(&self, day: u32, stream: &mut Stream) -> usize {
        let is_own = self.change.is_on(day) && stream.chance(self.change.strength());
        stream.weighted(if is_own { &self.own } else { &self.others })
    }
}
