//! The list of features of a query and an item: names, order and meaning. The values are computed in `kernel`.

use serde::{Deserialize, Serialize};

/// What the values of a column are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FeatureType {
    /// Amounts: more is more.
    #[default]
    Numeric,
    /// Names as whole numbers from 0, whose order means nothing.
    Categorical,
}

/// How scores must follow a feature, everything else being equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MonotoneConstraint {
    /// More never lowers a score.
    Increasing,
    /// More never raises a score.
    Decreasing,
}

/// One column of the feature matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureDefinition {
    /// Name in the feature schema, in reports and in requests.
    pub name: &'static str,
    /// What its values are.
    pub feature_type: FeatureType,
    /// Value where the data says nothing; `None` is "missing", which is NaN in the matrix.
    pub default: Option<f64>,
    /// What it measures, with its unit.
    pub description: &'static str,
}

/// Declares the columns once: their numbers for the kernel and their definitions for everybody else.
macro_rules! features {
    ($($constant:ident $name:literal $default:expr, $description:literal;)*) => {
        /// Numbers of the columns.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[derive(Clone, Copy)]
        pub(crate) enum Column { $($constant),* }
        const DEFINITIONS: &[FeatureDefinition] = &[
            $(FeatureDefinition {
                name: $name,
                feature_type: FeatureType::Numeric,
                default: $default,
                description: $description,
            }),*
        ];
    };
}

features! {
    Bm25Title "bm25_title" Some(0.0), "BM25 of the query's terms in the title";
    Bm25Description "bm25_description" Some(0.0), "BM25 of the query's terms in the description";
    Bm25All "bm25_all" Some(0.0), "BM25 of the query's terms in title, description, brand, category and attributes as one text";
    TitleCoverage "title_coverage" None, "share of the query's distinct terms that the title has; missing for a query without terms";
    AllCoverage "all_coverage" None, "share of the query's distinct terms that any text of the item has; missing for a query without terms";
    TitleExact "title_exact" Some(0.0), "1 if the query's terms are the title's terms in the same order";
    TitlePrefix "title_prefix" Some(0.0), "1 if the title begins with the query's terms";
    BrandMatch "brand_match" None, "1 if the query has all terms of the brand; missing without a brand";
    CategoryMatch "category_match" None, "share of the terms of the narrowest category that the query has; missing without a category";
    QueryTerms "query_terms" Some(0.0), "number of distinct terms in the query";
    LogPrice "log_price" None, "natural logarithm of 1 + price; missing without a price";
    PriceInCategory "price_in_category" None, "log_price less its mean over the item's narrowest category in the catalogue";
    PriceRank "price_rank" None, "share of the other priced items among the list's first 16 candidates that are cheaper, 0 to 1; missing without a price or others";
    PriceZScore "price_z_score" None, "log_price in standard deviations from the mean of the list's first 16 candidates; missing without a price or if all are equal";
    InStock "in_stock" None, "1 if the item can be had, 0 if not; missing if not said";
    Popularity "popularity" None, "natural logarithm of 1 + the catalogue's popularity; missing if not said";
    ItemImpressions "item_impressions" None, "natural logarithm of 1 + how often the item was shown before the snapshot; missing if never";
    ItemClicks "item_clicks" None, "natural logarithm of 1 + clicks on the item before the snapshot; missing if never shown";
    ItemClickRate "item_click_rate" None, "clicks of the item by impression before the snapshot, drawn to the mean of all items; missing if never shown";
    ItemPurchaseRate "item_purchase_rate" None, "purchases of the item by click before the snapshot, drawn to the mean of all items; missing if never shown";
    QueryItemClicks "query_item_clicks" None, "natural logarithm of 1 + clicks on the item after this query before the snapshot; missing if too rarely shown for it";
    QueryItemClickRate "query_item_click_rate" None, "clicks of the item by impression after this query before the snapshot, drawn to item_click_rate; missing if too rarely shown for it";
    // Behaviour that decays: an event weighs half after 7 days.
    ItemDecayedClicks "item_decayed_clicks" None, "natural logarithm of 1 + decayed clicks on the item before the snapshot, half-life 7 days; missing if never shown";
    ItemDecayedCarts "item_decayed_carts" None, "natural logarithm of 1 + decayed times the item was put in the cart before the snapshot, half-life 7 days; missing if never shown";
    ItemDecayedPurchases "item_decayed_purchases" None, "natural logarithm of 1 + decayed purchases of the item before the snapshot, half-life 7 days; missing if never shown";
    ItemDecayedClickRate "item_decayed_click_rate" None, "decayed clicks of the item by decayed impression before the snapshot, half-life 7 days, drawn to the mean of all items; missing if never shown";
    QueryItemDecayedClicks "query_item_decayed_clicks" None, "natural logarithm of 1 + decayed clicks on the item after this query before the snapshot, half-life 7 days; missing if too rarely shown for it";
    QueryItemDecayedCarts "query_item_decayed_carts" None, "natural logarithm of 1 + decayed times the item was put in the cart after this query before the snapshot, half-life 7 days; missing if too rarely shown for it";
    QueryItemDecayedPurchases "query_item_decayed_purchases" None, "natural logarithm of 1 + decayed purchases of the item after this query before the snapshot, half-life 7 days; missing if too rarely shown for it";
    QueryItemDecayedClickRate "query_item_decayed_click_rate" None, "decayed clicks of the item by decayed impression after this query before the snapshot, half-life 7 days, drawn to item_decayed_click_rate; missing if too rarely shown for it";
    // Recent events of who searches, as the caller sends them; all are missing without any.
    RecentEvents "recent_events" None, "number of recent events of who searches; missing without any";
    RecentSeconds "recent_seconds" None, "natural logarithm of 1 + seconds since the newest recent event; missing without any";
    RecentBrandAffinity "recent_brand_affinity" None, "share of the recent events that are with items of this brand, a purchase counting 3, a cart 2, a click 1; missing without a brand";
    RecentCategoryAffinity "recent_category_affinity" None, "share of the recent events that are with items of this category path, a purchase counting 3, a cart 2, a click 1; missing without a category";
    RecentPriceDifference "recent_price_difference" None, "log_price less its mean over the items of the recent events; missing without prices";
    RecentItemAction "recent_item_action" None, "the furthest that a recent event went with this very item: 3 bought, 2 put in the cart, 1 clicked, 0 none; missing without recent events";
    RecentItemSeconds "recent_item_seconds" None, "natural logarithm of 1 + seconds since the newest recent event with this very item; missing without one";

    // Text and item.
    Bm25Brand "bm25_brand" Some(0.0), "BM25 of the query's terms in the brand";
    Bm25Category "bm25_category" Some(0.0), "BM25 of the query's terms in the category path";
    Bm25Attributes "bm25_attributes" Some(0.0), "BM25 of the query's terms in the words of the attributes";
    Bm25f "bm25f" Some(0.0), "BM25F of the query's terms: title, brand, category, attributes and description weigh 3, 2, 1.5, 1 and 0.5";
    TitleIdfCoverage "title_idf_coverage" None, "share of the known query terms' inverse document frequency that the title has; missing without a known term";
    AllIdfCoverage "all_idf_coverage" None, "share of the known query terms' inverse document frequency that any text of the item has; missing without a known term";
    TitleBigrams "title_bigrams" None, "share of the query's pairs of neighbouring terms that stand so in the title; missing for fewer than two terms";
    CorrectedTitleCoverage "corrected_title_coverage" None, "title_coverage, where a term that no item has counts if the title has one within edit distance 1, 2 from 8 letters on; missing for a query without terms";
    CorrectedAllCoverage "corrected_all_coverage" None, "all_coverage, where a term that no item has counts if any text of the item has one within edit distance 1, 2 from 8 letters on; missing for a query without terms";
    CorrectionBm25f "correction_bm25f" Some(0.0), "BM25F of the corrections of the query's terms that no item has: half for one edit, a quarter for two";
    IdfSum "idf_sum" Some(0.0), "sum of the known query terms' inverse document frequencies";
    IdfMax "idf_max" Some(0.0), "greatest inverse document frequency of a known query term";
    UnknownTerms "unknown_terms" Some(0.0), "number of distinct query terms that no item has";
    Discount "discount" None, "1 - price / list price; missing without both";
    Age "age" None, "natural logarithm of 1 + days from the listing to the snapshot; missing without a listing or a snapshot";
    PopularityZScore "popularity_z_score" None, "popularity in standard deviations from the mean of the list's first 16 candidates; missing if not said or all equal";
    Bm25fZScore "bm25f_z_score" None, "bm25f in standard deviations from the mean of the list's first 16 candidates; missing if all equal";
}

/// Number of columns.
pub const FEATURE_COUNT: usize = DEFINITIONS.len();

/// All columns, in the order of the matrix.
#[must_use]
pub fn definitions() -> &'static [FeatureDefinition] {
    DEFINITIONS
}

/// The number of the column of that name.
#[must_use]
pub fn column(name: &str) -> Option<usize> {
    DEFINITIONS
        .iter()
        .position(|definition| definition.name == name)
}

/// Starts the name of the column of a catalogue's attribute.
pub const ATTRIBUTE_PREFIX: &str = "attribute:";
/// What such a column measures. It is numeric and has no default.
pub const ATTRIBUTE_DESCRIPTION: &str = "the item's attribute of that name, as the catalogue has it, true as 1 and false as 0; missing if not a number";
