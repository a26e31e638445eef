//! From measured rankings to what a report tells of them. Pure; what is measured is the caller's.

use std::sync::Arc;

use super::choice::{MOST_CHANGED, most_changed};
use super::verdict::against_strongest;
use super::{
    ChangedQueries, Lift, MetricFigures, PositionClicks, QueryCase, RankedItem, Report, SliceRow,
};
use crate::metrics::slices::{Slice, Slicing};
use crate::metrics::statistics::Bootstrap;
use crate::metrics::{
    ComparisonError, Figure, Metric, MetricResult, Proportion, QueryValue, Ties, compare, ranking,
};

/// The positions whose clicks are shown.
const POSITIONS_SHOWN: u32 = 10;

/// The items of each list that are shown.
const ITEMS_SHOWN: usize = 10;

/// Rankings of the same test queries, measured by the same metrics.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    /// What tells each query from every other, in the order of every result's queries.
    pub queries: &'a [String],
    /// What each searched for: queries of one text are drawn together.
    pub texts: &'a [String],
    /// The model's results, one for each metric.
    pub model: &'a [MetricResult],
    /// Those of the rankings beside it, by name, in the order in which they are shown.
    pub others: &'a [(String, Vec<MetricResult>)],
    /// Groupings of the queries.
    pub slicings: &'a [Slicing],
    /// The metric that decides; one of the model's.
    pub headline: Metric,
    /// How intervals and the test are drawn.
    pub bootstrap: Bootstrap,
}

/// The lists that were ranked, with what people call what is in them.
#[derive(Debug, Clone, Copy)]
pub struct RankedLists<'a> {
    /// What was typed, for each query.
    pub queries: &'a [String],
    /// Query `i` has the rows `boundaries[i]..boundaries[i + 1]`.
    pub boundaries: &'a [usize],
    /// The item's name, for each row.
    pub titles: &'a [Arc<str>],
    /// The label, for each row.
    pub labels: &'a [u8],
    /// The position at which it was shown, from 1, for each row.
    pub positions: &'a [u32],
    /// The model's score, for each row.
    pub scores: &'a [f64],
}

impl Measured<'_> {
    fn of_headline<'r>(&self, results: &'r [MetricResult]) -> &'r [Option<f64>] {
        results
            .iter()
            .find(|result| result.metric == self.headline)
            .map_or(&[], |result| &result.per_query)
    }

    fn figure(&self, result: &MetricResult) -> Option<Figure> {
        let texts = self.texts.iter().map(String::as_str);
        Figure::of(texts.zip(result.per_query.iter().copied()), &self.bootstrap)
    }

    /// The values of some queries, as they are compared.
    fn values<'v>(&'v self, of: &[Option<f64>], queries: &[usize]) -> Vec<QueryValue<'v>> {
        let value = |query: &usize| QueryValue {
            query: &self.queries[*query],
            text: &self.texts[*query],
            value: of[*query],
        };
        queries.iter().map(value).collect()
    }

    /// The model against another ranking in some queries; `None` where none has a value in both.
    fn lift(
        &self,
        against: &str,
        other: &[MetricResult],
        queries: &[usize],
    ) -> Result<Option<Lift>, ComparisonError> {
        let (model, other) = (self.of_headline(self.model), self.of_headline(other));
        if model.len() != self.queries.len() || other.len() != self.queries.len() {
            return Ok(None);
        }
        let model = self.values(model, queries);
        let other = self.values(other, queries);
        match compare(&model, &other, &self.bootstrap) {
            Ok(comparison) => Ok(Some(Lift {
                against: against.to_owned(),
                comparison,
            })),
            Err(ComparisonError::NothingInCommon) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn metric_figures(&self) -> Vec<MetricFigures> {
        let figures = |result: &MetricResult| {
            let other = |(name, results): &(String, Vec<MetricResult>)| {
                let same = results.iter().find(|other| other.metric == result.metric);
                (name.clone(), same.and_then(|same| self.figure(same)))
            };
            Some(MetricFigures {
                name: result.metric.to_string(),
                model: self.figure(result)?,
                others: self.others.iter().map(other).collect(),
            })
        };
        self.model.iter().filter_map(figures).collect()
    }

    fn slice_rows(&self, strongest: Option<&str>) -> Result<Vec<SliceRow>, ComparisonError> {
        let strongest = self
            .others
            .iter()
            .find(|(name, _)| Some(name.as_str()) == strongest);
        let model = self.of_headline(self.model);
        let row = |slicing: &Slicing, slice: Slice| {
            let values = slice
                .queries
                .iter()
                .map(|query| (self.texts[*query].as_str(), model[*query]));
            let Some(figure) = Figure::of(values, &self.bootstrap) else {
                return Ok(None);
            };
            let lift = match strongest {
                Some((name, results)) => self.lift(name, results, &slice.queries)?,
                None => None,
            };
            Ok(Some(SliceRow {
                slicing: slicing.name.clone(),
                slice: slice.name,
                model: figure,
                lift,
            }))
        };
        let of_slicing = |slicing: &'_ Slicing| {
            let slices = slicing.slices().into_iter();
            slices
                .filter_map(|slice| row(slicing, slice).transpose())
                .collect::<Result<Vec<_>, _>>()
        };
        let rows: Result<Vec<_>, _> = self.slicings.iter().map(of_slicing).collect();
        Ok(rows?.concat())
    }
}

impl Report {
    /// The report with what was measured: metrics, lifts and slices.
    ///
    /// # Errors
    /// Two queries that cannot be told from each other.
    ///
    /// # Panics
    /// When there is not one text for each query, or one slice for each in a slicing.
    pub fn with_measured(mut self, measured: &Measured<'_>) -> Result<Self, ComparisonError> {
        let every: Vec<usize> = (0..measured.queries.len()).collect();
        self.headline_metric = measured.headline.to_string();
        self.metrics = measured.metric_figures();
        let lifts = measured
            .others
            .iter()
            .filter_map(|(name, results)| measured.lift(name, results, &every).transpose());
        self.lifts = lifts.collect::<Result<_, _>>()?;
        let strongest = against_strongest(&self.lifts).map(|lift| lift.against.as_str());
        self.slices = measured.slice_rows(strongest)?;
        Ok(self)
    }

    /// The name of the strongest ranking beside the model, if one was measured.
    #[must_use]
    pub fn strongest(&self) -> Option<&str> {
        against_strongest(&self.lifts).map(|lift| lift.against.as_str())
    }

    /// The report with the lists themselves: clicks by position, and the queries that changed most
    /// against another ranking, which is given by its name and its score for each row.
    ///
    /// # Panics
    /// When the parts have different lengths.
    #[must_use]
    pub fn with_lists(
        mut self,
        measured: &Measured<'_>,
        lists: &RankedLists<'_>,
        against: (&str, &[f64]),
    ) -> Self {
        self.positions = position_clicks(lists);
        let (name, other_scores) = against;
        let Some((_, other)) = measured.others.iter().find(|other| other.0 == name) else {
            return self;
        };
        let model = measured.of_headline(measured.model);
        let other = measured.of_headline(other);
        let case = |query: usize| QueryCase {
            query: lists.queries[query].clone(),
            model_value: model[query].unwrap_or_default(),
            other_value: other[query].unwrap_or_default(),
            model: first_items(lists, query, lists.scores),
            other: first_items(lists, query, other_scores),
        };
        let (improved, hurt) = most_changed(model, other, measured.texts, MOST_CHANGED);
        self.queries = Some(ChangedQueries {
            against: name.to_owned(),
            improved: improved.into_iter().map(case).collect(),
            hurt: hurt.into_iter().map(case).collect(),
        });
        self
    }
}

fn first_items(lists: &RankedLists<'_>, query: usize, scores: &[f64]) -> Vec<RankedItem> {
    let rows = lists.boundaries[query]..lists.boundaries[query + 1];
    let start = rows.start;
    ranking(&scores[rows], Ties::InputOrder, None)
        .into_iter()
        .take(ITEMS_SHOWN)
        .map(|place| RankedItem {
            title: lists.titles[start + place].to_string(),
            label: lists.labels[start + place],
        })
        .collect()
}

/// Clicks by position as shown, and by the model's rank in the same lists. What is bought or put in
/// the cart was clicked.
fn position_clicks(lists: &RankedLists<'_>) -> Vec<PositionClicks> {
    let mut clicks: Vec<PositionClicks> = (1..=POSITIONS_SHOWN)
        .map(|position| PositionClicks {
            position,
            shown: Proportion::default(),
            by_model: Proportion::default(),
        })
        .collect();
    let count = |proportion: &mut Proportion, row: usize| {
        proportion.of += 1;
        proportion.hits += u64::from(lists.labels[row] > 0);
    };
    for query in lists.boundaries.windows(2) {
        for row in query[0]..query[1] {
            let place = (lists.positions[row] as usize).wrapping_sub(1);
            if let Some(at) = clicks.get_mut(place) {
                count(&mut at.shown, row);
            }
        }
        let order = ranking(&lists.scores[query[0]..query[1]], Ties::InputOrder, None);
        for (at, place) in clicks.iter_mut().zip(order) {
            count(&mut at.by_model, query[0] + place);
        }
    }
    clicks.retain(|at| at.shown.of + at.by_model.of > 0);
    clicks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Conventions, ScoredRows, evaluate};
    use crate::report::VerdictKind;
    use crate::report::verdict;

    /// 60 searches for 30 texts, three items each; the model puts the relevant one first in all
    /// but every tenth, the retrieval order last.
    struct Shop {
        names: Vec<String>,
        texts: Vec<String>,
        titles: Vec<Arc<str>>,
        labels: Vec<u8>,
        positions: Vec<u32>,
        boundaries: Vec<usize>,
        model: Vec<f64>,
        retrieval: Vec<f64>,
    }

    fn shop() -> Shop {
        let queries = 60;
        let by_row = |value: fn(usize, usize) -> f64| -> Vec<f64> {
            (0..queries * 3)
                .map(|row| value(row / 3, row % 3))
                .collect()
        };
        Shop {
            names: (0..queries).map(|query| query.to_string()).collect(),
            texts: (0..queries)
                .map(|query| format!("text {}", query % 30))
                .collect(),
            titles: (0..queries * 3)
                .map(|row| format!("item {row}").into())
                .collect(),
            labels: (0..queries * 3).map(|row| u8::from(row % 3 == 2)).collect(),
            positions: (0..queries * 3).map(|row| 1 + (row % 3) as u32).collect(),
            boundaries: (0..=queries).map(|query| query * 3).collect(),
            model: by_row(|query, place| if query % 10 == 9 { 0.0 } else { place as f64 }),
            retrieval: by_row(|_, place| -(place as f64)),
        }
    }

    fn results(shop: &Shop, scores: &[f64]) -> Vec<MetricResult> {
        let rows = ScoredRows {
            labels: &shop.labels,
            scores,
            boundaries: &shop.boundaries,
            identifiers: None,
        };
        let metrics = ["ndcg@10", "mrr"].map(|name| name.parse().unwrap());
        evaluate(&metrics, &Conventions::default(), &rows).unwrap()
    }

    #[test]
    fn what_was_measured_becomes_a_report() {
        let shop = shop();
        let flat = vec![0.0; shop.labels.len()];
        let others = [("random", &flat), ("retrieval", &shop.retrieval)]
            .map(|(name, scores)| (name.to_owned(), results(&shop, scores)));
        let model = results(&shop, &shop.model);
        let slicing = Slicing {
            name: "parity".into(),
            of_query: (0..60)
                .map(|query| Some(["even", "odd"][query % 2].to_owned()))
                .collect(),
            first: Vec::new(),
        };
        let measured = Measured {
            queries: &shop.names,
            texts: &shop.texts,
            model: &model,
            others: &others,
            slicings: &[slicing],
            headline: "ndcg@10".parse().unwrap(),
            bootstrap: Bootstrap::seeded(1),
        };
        let lists = RankedLists {
            queries: &shop.texts,
            boundaries: &shop.boundaries,
            titles: &shop.titles,
            labels: &shop.labels,
            positions: &shop.positions,
            scores: &shop.model,
        };
        let report = Report::default().with_measured(&measured).unwrap();
        // Both order the relevant item last.
        assert_eq!(report.strongest(), Some("random"));
        let report = report.with_lists(&measured, &lists, ("retrieval", &shop.retrieval));
        assert_eq!(report.headline_metric, "ndcg@10");
        let names: Vec<_> = report.metrics.iter().map(|metric| &metric.name).collect();
        assert_eq!(names, ["ndcg@10", "mrr"]);
        assert!((report.metrics[1].model.value - (54.0 + 6.0 / 3.0) / 60.0).abs() < 1e-12);
        assert_eq!(report.metrics[1].model.texts, 30);
        let verdict = verdict(&report.headline_metric, &report.lifts);
        assert_eq!(verdict.kind, VerdictKind::Better);
        let slices: Vec<_> = report.slices.iter().map(|row| row.slice.as_str()).collect();
        assert_eq!(slices, ["even", "odd"]);
        assert_eq!(report.slices[0].model.value, 1.0);
        assert!(report.slices[1].lift.is_some());
        let changed = report.queries.as_ref().unwrap();
        assert_eq!((changed.improved.len(), changed.hurt.len()), (20, 0));
        let first = &changed.improved[0];
        assert_eq!((first.query.as_str(), first.model_value), ("text 0", 1.0));
        assert_eq!(first.model[0].title, "item 2");
        assert_eq!(
            (first.other[0].title.as_str(), first.other[2].label),
            ("item 0", 1)
        );
        let by_position: Vec<_> = report
            .positions
            .iter()
            .map(|at| (at.position, at.shown.hits, at.by_model.hits, at.by_model.of))
            .collect();
        assert_eq!(by_position, [(1, 0, 54, 60), (2, 0, 0, 60), (3, 60, 6, 60)]);
    }

    #[test]
    fn queries_that_cannot_be_told_apart_are_an_error() {
        let mut shop = shop();
        shop.names[1] = "0".into();
        let model = results(&shop, &shop.model);
        let others = [("retrieval".to_owned(), model.clone())];
        let measured = Measured {
            queries: &shop.names,
            texts: &shop.texts,
            model: &model,
            others: &others,
            slicings: &[],
            headline: "mrr".parse().unwrap(),
            bootstrap: Bootstrap::seeded(1),
        };
        assert!(matches!(
            Report::default().with_measured(&measured),
            Err(ComparisonError::QueryTwice { .. })
        ));
    }
}
