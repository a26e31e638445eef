//! What a person did lately, as the caller tells it with a request: tastes in brand, category and
//! price, and which items are known already. Training replays it from the log.

use std::collections::HashMap;

use crate::catalogue::{Catalogue, ItemIndex};
use crate::events::Action;
use crate::features::definitions::Column;

/// Most recent events of one request.
pub const MAXIMUM_RECENT_EVENTS: usize = 50;
/// Age of the oldest recent event, in seconds: 30 days.
pub const MAXIMUM_RECENT_SECONDS: u32 = 30 * 24 * 60 * 60;

/// Something that who searches did before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentEvent {
    /// With what.
    pub item: ItemIndex,
    /// What; an impression says nothing.
    pub action: Action,
    /// How long ago, in whole seconds.
    pub seconds_ago: u32,
}

/// What a recent event says of a taste: a purchase as much as three clicks.
fn strength(action: Action) -> u32 {
    match action {
        Action::Impression => 0,
        Action::Click => 1,
        Action::AddToCart => 2,
        Action::Purchase => 3,
    }
}

/// The brand and the category of each item, as numbers.
pub(super) struct ItemGroups {
    brands: Vec<Option<u32>>,
    categories: Vec<Option<u32>>,
}

impl ItemGroups {
    pub(super) fn of(catalogue: &Catalogue) -> Self {
        let products = catalogue.products();
        let brands = products.iter().map(|product| product.brand.as_deref());
        let categories = products.iter().map(|product| product.category.as_slice());
        Self {
            brands: numbers(brands.map(|brand| brand.filter(|brand| !brand.trim().is_empty()))),
            categories: numbers(categories.map(|path| (!path.is_empty()).then_some(path))),
        }
    }
}

/// Equal names have equal numbers.
fn numbers<N: Eq + std::hash::Hash>(names: impl Iterator<Item = Option<N>>) -> Vec<Option<u32>> {
    let mut known: HashMap<N, u32> = HashMap::new();
    names
        .map(|name| {
            let next = u32::try_from(known.len()).expect("a catalogue has fewer than 2^32 items");
            name.map(|name| *known.entry(name).or_insert(next))
        })
        .collect()
}

/// Recent events, summed up once for all candidates.
pub(super) struct RecentActivity<'a> {
    groups: &'a ItemGroups,
    events: u32,
    /// Logarithm of the seconds since the newest.
    newest: f64,
    brands: Shares,
    categories: Shares,
    /// Mean of the items' log prices; NaN without any.
    log_price: f64,
    /// The strongest action on each item, and the seconds since the newest.
    items: HashMap<ItemIndex, (u32, u32)>,
}

impl<'a> RecentActivity<'a> {
    /// `None` if nothing is known: all columns are missing then.
    pub(super) fn of(
        events: &[RecentEvent],
        groups: &'a ItemGroups,
        log_price: impl Fn(ItemIndex) -> f64,
    ) -> Option<Self> {
        let newest = events.iter().map(|event| event.seconds_ago).min()?;
        let mut activity = Self {
            groups,
            events: 0,
            newest: logarithm(newest),
            brands: Shares::default(),
            categories: Shares::default(),
            log_price: f64::NAN,
            items: HashMap::new(),
        };
        let (mut sum, mut priced) = (0.0, 0_u32);
        for event in events {
            let strength = strength(event.action);
            activity.events += 1;
            let place = event.item.as_usize();
            activity.brands.add(groups.brands[place], strength);
            activity.categories.add(groups.categories[place], strength);
            let price = log_price(event.item);
            if !price.is_nan() {
                sum += price;
                priced += 1;
            }
            let entry = activity.items.entry(event.item);
            let known = entry.or_insert((strength, event.seconds_ago));
            *known = (known.0.max(strength), known.1.min(event.seconds_ago));
        }
        if priced > 0 {
            activity.log_price = sum / f64::from(priced);
        }
        Some(activity)
    }

    /// Writes the columns of one candidate.
    pub(super) fn write(&self, row: &mut [f64], item: ItemIndex, log_price: f64) {
        let place = item.as_usize();
        let known = self.items.get(&item);
        let mut set = |column: Column, value: f64| row[column as usize] = value;
        set(Column::RecentEvents, f64::from(self.events));
        set(Column::RecentSeconds, self.newest);
        set(
            Column::RecentBrandAffinity,
            self.brands.share(self.groups.brands[place]),
        );
        set(
            Column::RecentCategoryAffinity,
            self.categories.share(self.groups.categories[place]),
        );
        // NaN if either price is missing.
        set(Column::RecentPriceDifference, log_price - self.log_price);
        set(
            Column::RecentItemAction,
            known.map_or(0.0, |known| f64::from(known.0)),
        );
        if let Some((_, seconds)) = known {
            set(Column::RecentItemSeconds, logarithm(*seconds));
        }
    }
}

fn logarithm(seconds: u32) -> f64 {
    libm::log1p(f64::from(seconds))
}

/// How a sum of strengths is shared out.
#[derive(Default)]
struct Shares {
    total: u32,
    by_group: HashMap<u32, u32>,
}

impl Shares {
    fn add(&mut self, group: Option<u32>, strength: u32) {
        self.total += strength;
        if let Some(group) = group {
            *self.by_group.entry(group).or_default() += strength;
        }
    }

    /// NaN for an item of no group, and if nothing was shared out.
    fn share(&self, group: Option<u32>) -> f64 {
        match group {
            Some(group) if self.total > 0 => {
                let part = self.by_group.get(&group).copied().unwrap_or(0);
                f64::from(part) / f64::from(self.total)
            }
            _ => f64::NAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::definitions::FEATURE_COUNT;

    fn catalogue() -> Catalogue {
        let lines = [
            r#"{"item_id":"a","title":"x","brand":"Lumora","category":["Home","Lamps"],"price":9}"#,
            r#"{"item_id":"b","title":"x","brand":"Halvik","category":["Home","Lamps"],"price":99}"#,
            r#"{"item_id":"c","title":"x","brand":"Lumora","category":["Home","Chairs"]}"#,
            r#"{"item_id":"d","title":"x"}"#,
        ];
        Catalogue::read(lines.join("\n").as_bytes()).expect("a catalogue")
    }

    fn event(item: u32, action: Action, seconds_ago: u32) -> RecentEvent {
        RecentEvent {
            item: ItemIndex(item),
            action,
            seconds_ago,
        }
    }

    /// The columns of all items.
    fn rows(events: &[RecentEvent]) -> Vec<Vec<f64>> {
        let catalogue = catalogue();
        let groups = ItemGroups::of(&catalogue);
        let price = |item: ItemIndex| {
            let price = catalogue.product(item).price;
            price.map_or(f64::NAN, libm::log1p)
        };
        let activity = RecentActivity::of(events, &groups, price);
        let row = |item: ItemIndex| {
            let mut row = vec![f64::NAN; FEATURE_COUNT];
            if let Some(activity) = &activity {
                activity.write(&mut row, item, price(item));
            }
            row
        };
        catalogue.places().map(row).collect()
    }

    #[test]
    fn tastes_are_shares_of_what_was_done() {
        let rows = rows(&[
            event(1, Action::Click, 20),
            event(0, Action::Purchase, 60),
            event(0, Action::Click, 90),
        ]);
        let of =
            |column: Column| -> Vec<f64> { rows.iter().map(|row| row[column as usize]).collect() };
        let brand = of(Column::RecentBrandAffinity);
        assert_eq!(brand[..3], [0.8, 0.2, 0.8]);
        assert!(brand[3].is_nan(), "it has no brand");
        assert_eq!(of(Column::RecentCategoryAffinity)[..3], [1.0, 1.0, 0.0]);
        assert_eq!(of(Column::RecentItemAction), [3.0, 1.0, 0.0, 0.0]);
        let seconds = of(Column::RecentItemSeconds);
        assert_eq!(seconds[..2], [libm::log1p(60.0), libm::log1p(20.0)]);
        assert!(seconds[2].is_nan());
        assert_eq!(of(Column::RecentEvents), [3.0; 4]);
        assert_eq!(of(Column::RecentSeconds), [libm::log1p(20.0); 4]);
        let mean = (2.0 * libm::log1p(9.0) + libm::log1p(99.0)) / 3.0;
        let price = of(Column::RecentPriceDifference);
        assert!((price[0] - (libm::log1p(9.0) - mean)).abs() < 1e-12);
        assert!(price[2].is_nan());
    }

    #[test]
    fn without_recent_events_all_columns_are_missing() {
        for row in rows(&[]) {
            assert!(row.iter().all(|value| value.is_nan()));
        }
    }
}
