//! How often an item was shown, clicked and bought, as rates drawn to a mean.

use crate::features::definitions::Column;
use crate::features::tally::Tally;

/// Impressions that the mean of all items weighs in an item's click rate.
const ITEM_PRIOR_IMPRESSIONS: f64 = 20.0;
/// Clicks that the mean of all items weighs in an item's purchase rate.
const ITEM_PRIOR_CLICKS: f64 = 10.0;
/// Impressions that the item's click rate weighs in its click rate for one query.
const PAIR_PRIOR_IMPRESSIONS: f64 = 10.0;

/// The behaviour columns of an item, whatever the query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ItemBehaviour {
    impressions: f64,
    clicks: f64,
    click_rate: f64,
    purchase_rate: f64,
    decayed_clicks: f64,
    decayed_carts: f64,
    decayed_purchases: f64,
    decayed_click_rate: f64,
}

impl ItemBehaviour {
    /// Of an item with this tally, where that of all items is `totals`.
    pub(super) fn new(tally: &Tally, totals: &Tally) -> Self {
        let Tally { counts, decayed } = tally;
        let (all, recent) = (totals.counts, totals.decayed);
        let count = f64::from;
        Self {
            impressions: log1p(count(counts.impressions)),
            clicks: log1p(count(counts.clicks)),
            click_rate: smoothed(
                count(counts.clicks),
                count(counts.impressions),
                ratio(count(all.clicks), count(all.impressions)),
                ITEM_PRIOR_IMPRESSIONS,
            ),
            purchase_rate: smoothed(
                count(counts.purchases),
                count(counts.clicks),
                ratio(count(all.purchases), count(all.clicks)),
                ITEM_PRIOR_CLICKS,
            ),
            decayed_clicks: log1p(decayed.clicks),
            decayed_carts: log1p(decayed.carts),
            decayed_purchases: log1p(decayed.purchases),
            decayed_click_rate: smoothed(
                decayed.clicks,
                decayed.impressions,
                ratio(recent.clicks, recent.impressions),
                ITEM_PRIOR_IMPRESSIONS,
            ),
        }
    }

    /// Writes the behaviour columns of one candidate; `pair` is its tally for the query, if it was
    /// shown often enough for it.
    pub(super) fn write(&self, pair: Option<&Tally>, row: &mut [f64]) {
        let mut set = |column: Column, value: f64| row[column as usize] = value;
        set(Column::ItemImpressions, self.impressions);
        set(Column::ItemClicks, self.clicks);
        set(Column::ItemClickRate, self.click_rate);
        set(Column::ItemPurchaseRate, self.purchase_rate);
        set(Column::ItemDecayedClicks, self.decayed_clicks);
        set(Column::ItemDecayedCarts, self.decayed_carts);
        set(Column::ItemDecayedPurchases, self.decayed_purchases);
        set(Column::ItemDecayedClickRate, self.decayed_click_rate);
        let Some(Tally { counts, decayed }) = pair else {
            return;
        };
        let count = f64::from;
        let rate = smoothed(
            count(counts.clicks),
            count(counts.impressions),
            self.click_rate,
            PAIR_PRIOR_IMPRESSIONS,
        );
        let decayed_rate = smoothed(
            decayed.clicks,
            decayed.impressions,
            self.decayed_click_rate,
            PAIR_PRIOR_IMPRESSIONS,
        );
        set(Column::QueryItemClicks, log1p(count(counts.clicks)));
        set(Column::QueryItemClickRate, rate);
        set(Column::QueryItemDecayedClicks, log1p(decayed.clicks));
        set(Column::QueryItemDecayedCarts, log1p(decayed.carts));
        set(Column::QueryItemDecayedPurchases, log1p(decayed.purchases));
        set(Column::QueryItemDecayedClickRate, decayed_rate);
    }
}

/// Most counts are 0, and the logarithm of 1 is no work then.
fn log1p(count: f64) -> f64 {
    if count == 0.0 {
        0.0
    } else {
        libm::log1p(count)
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn smoothed(part: f64, whole: f64, prior: f64, weight: f64) -> f64 {
    (part + weight * prior) / (whole + weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::definitions::{FEATURE_COUNT, column};
    use crate::features::tally::{Counts, DecayedCounts};

    /// Every count another one.
    fn tally(impressions: u32) -> Tally {
        let part = |share: f64| f64::from(impressions) * share;
        Tally {
            counts: Counts {
                impressions,
                clicks: impressions / 4,
                carts: impressions / 8,
                purchases: impressions / 10,
            },
            decayed: DecayedCounts {
                impressions: part(0.9),
                clicks: part(0.2),
                carts: part(0.11),
                purchases: part(0.07),
            },
        }
    }

    #[test]
    fn each_column_is_of_its_own_counts() {
        let (item, totals, pair) = (tally(40), tally(1_000), tally(20));
        let mut row = vec![f64::NAN; FEATURE_COUNT];
        ItemBehaviour::new(&item, &totals).write(Some(&pair), &mut row);
        let click_rate = (10.0 + 20.0 * 0.25) / (40.0 + 20.0);
        let decayed_click_rate = (8.0 + 20.0 * (200.0 / 900.0)) / (36.0 + 20.0);
        let expected = [
            ("item_impressions", 41_f64.ln()),
            ("item_clicks", 11_f64.ln()),
            ("item_click_rate", click_rate),
            ("item_purchase_rate", (4.0 + 10.0 * 0.4) / (10.0 + 10.0)),
            ("item_decayed_clicks", 9_f64.ln()),
            ("item_decayed_carts", 5.4_f64.ln()),
            ("item_decayed_purchases", 3.8_f64.ln()),
            ("item_decayed_click_rate", decayed_click_rate),
            ("query_item_clicks", 6_f64.ln()),
            ("query_item_click_rate", (5.0 + 10.0 * click_rate) / 30.0),
            ("query_item_decayed_clicks", 5_f64.ln()),
            ("query_item_decayed_carts", 3.2_f64.ln()),
            ("query_item_decayed_purchases", 2.4_f64.ln()),
            (
                "query_item_decayed_click_rate",
                (4.0 + 10.0 * decayed_click_rate) / 28.0,
            ),
        ];
        for (name, value) in expected {
            let cell = &mut row[column(name).expect(name)];
            assert!((*cell - value).abs() < 1e-12, "{name}: {cell} {value}");
            *cell = f64::NAN;
        }
        assert!(
            row.iter().all(|cell| cell.is_nan()),
            "no other one is written"
        );
    }

    #[test]
    fn an_item_without_a_pair_has_no_pair_columns() {
        let mut row = vec![f64::NAN; FEATURE_COUNT];
        ItemBehaviour::new(&tally(40), &tally(1_000)).write(None, &mut row);
        assert_eq!(row.iter().filter(|cell| !cell.is_nan()).count(), 8);
    }
}
