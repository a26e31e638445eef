//! How often an item was shown, clicked and bought, as rates drawn to a mean.

use crate::catalogue::ItemIndex;
use crate::features::behaviour::{BehaviourTable, Counts};
use crate::features::definitions::Column;

/// Impressions that the mean of all items weighs in an item's click rate.
const ITEM_PRIOR_IMPRESSIONS: f64 = 20.0;
/// Clicks that the mean of all items weighs in an item's purchase rate.
const ITEM_PRIOR_CLICKS: f64 = 10.0;
/// Impressions that the item's click rate weighs in its click rate for one query.
const PAIR_PRIOR_IMPRESSIONS: f64 = 10.0;

/// Writes the behaviour columns of one candidate; `pairs` are those of its query.
pub(super) fn write_behaviour(
    row: &mut [f64],
    behaviour: &BehaviourTable,
    item: ItemIndex,
    pairs: &[(ItemIndex, Counts)],
) {
    let Some(counts) = behaviour.item(item) else {
        return;
    };
    let totals = behaviour.totals();
    let click_rate = smoothed(
        counts.clicks,
        counts.impressions,
        ratio(totals.clicks, totals.impressions),
        ITEM_PRIOR_IMPRESSIONS,
    );
    let mut set = |column: Column, value: f64| row[column as usize] = value;
    set(Column::ItemImpressions, logarithm(counts.impressions));
    set(Column::ItemClicks, logarithm(counts.clicks));
    set(Column::ItemClickRate, click_rate);
    let purchase_prior = ratio(totals.purchases, totals.clicks);
    set(
        Column::ItemPurchaseRate,
        smoothed(
            counts.purchases,
            counts.clicks,
            purchase_prior,
            ITEM_PRIOR_CLICKS,
        ),
    );
    if let Ok(place) = pairs.binary_search_by_key(&item, |pair| pair.0) {
        let pair = &pairs[place].1;
        set(Column::QueryItemClicks, logarithm(pair.clicks));
        let rate = smoothed(
            pair.clicks,
            pair.impressions,
            click_rate,
            PAIR_PRIOR_IMPRESSIONS,
        );
        set(Column::QueryItemClickRate, rate);
    }
}

fn ratio(part: u32, whole: u32) -> f64 {
    if whole == 0 {
        0.0
    } else {
        f64::from(part) / f64::from(whole)
    }
}

fn smoothed(part: u32, whole: u32, prior: f64, weight: f64) -> f64 {
    (f64::from(part) + weight * prior) / (f64::from(whole) + weight)
}

fn logarithm(count: u32) -> f64 {
    libm::log1p(f64::from(count))
}
