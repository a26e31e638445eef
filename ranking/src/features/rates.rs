//! How often an item was shown, clicked and bought, as rates drawn to a mean.

use crate::catalogue::ItemIndex;
use crate::features::behaviour::BehaviourTable;
use crate::features::definitions::Column;
use crate::features::tally::Tally;

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
    pairs: &[(ItemIndex, Tally)],
) {
    let Some(Tally { counts, decayed }) = behaviour.item(item) else {
        return;
    };
    let totals = behaviour.totals();
    let (all, recent) = (totals.counts, totals.decayed);
    let count = f64::from;
    let click_rate = smoothed(
        count(counts.clicks),
        count(counts.impressions),
        ratio(count(all.clicks), count(all.impressions)),
        ITEM_PRIOR_IMPRESSIONS,
    );
    let decayed_click_rate = smoothed(
        decayed.clicks,
        decayed.impressions,
        ratio(recent.clicks, recent.impressions),
        ITEM_PRIOR_IMPRESSIONS,
    );
    let purchase_rate = smoothed(
        count(counts.purchases),
        count(counts.clicks),
        ratio(count(all.purchases), count(all.clicks)),
        ITEM_PRIOR_CLICKS,
    );
    let mut set = |column: Column, value: f64| row[column as usize] = value;
    set(Column::ItemImpressions, log1p(count(counts.impressions)));
    set(Column::ItemClicks, log1p(count(counts.clicks)));
    set(Column::ItemClickRate, click_rate);
    set(Column::ItemPurchaseRate, purchase_rate);
    set(Column::ItemDecayedClicks, log1p(decayed.clicks));
    set(Column::ItemDecayedCarts, log1p(decayed.carts));
    set(Column::ItemDecayedPurchases, log1p(decayed.purchases));
    set(Column::ItemDecayedClickRate, decayed_click_rate);
    let Ok(place) = pairs.binary_search_by_key(&item, |pair| pair.0) else {
        return;
    };
    let Tally { counts, decayed } = &pairs[place].1;
    let rate = smoothed(
        count(counts.clicks),
        count(counts.impressions),
        click_rate,
        PAIR_PRIOR_IMPRESSIONS,
    );
    let decayed_rate = smoothed(
        decayed.clicks,
        decayed.impressions,
        decayed_click_rate,
        PAIR_PRIOR_IMPRESSIONS,
    );
    set(Column::QueryItemClicks, log1p(count(counts.clicks)));
    set(Column::QueryItemClickRate, rate);
    set(Column::QueryItemDecayedClicks, log1p(decayed.clicks));
    set(Column::QueryItemDecayedCarts, log1p(decayed.carts));
    set(Column::QueryItemDecayedPurchases, log1p(decayed.purchases));
    set(Column::QueryItemDecayedClickRate, decayed_rate);
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
