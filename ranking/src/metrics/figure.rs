//! A metric's mean over queries with its interval, where searches for one text are drawn together.

use serde::{Deserialize, Serialize};

use super::statistics::{Bootstrap, Interval, clusters_of, gather, mean};

/// The mean of a metric over queries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    /// The mean over queries.
    pub value: f64,
    /// Its bootstrap interval over distinct texts; `None` with fewer than two texts, of which no
    /// interval can be drawn.
    pub interval: Option<Interval>,
    /// How many queries count.
    pub queries: usize,
    /// How many distinct texts they have.
    pub texts: usize,
}

impl Figure {
    /// The figure of a metric's values for each query, beside each query's text; `None` when no
    /// query counts. Searches for one text are not independent, so texts are drawn whole, and the
    /// mean of a resample is over its queries.
    #[must_use]
    pub fn of<'a>(
        values: impl IntoIterator<Item = (&'a str, Option<f64>)>,
        bootstrap: &Bootstrap,
    ) -> Option<Self> {
        let (texts, values): (Vec<&str>, Vec<f64>) = values
            .into_iter()
            .filter_map(|(text, value)| Some((text, value?)))
            .unzip();
        let units = gather(&values, &clusters_of(&texts));
        Some(Self {
            value: mean(&values)?,
            interval: interval_of_mean(&units, bootstrap),
            queries: values.len(),
            texts: units.len(),
        })
    }
}

/// The interval of the mean over the values of units, each a text's sum and count; `None` with
/// fewer than two, of which every resample is the same.
pub(super) fn interval_of_mean(units: &[[f64; 2]], bootstrap: &Bootstrap) -> Option<Interval> {
    (units.len() > 1)
        .then(|| bootstrap.interval_of_units(units))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_for_one_text_are_drawn_together() {
        // Ten texts with twenty searches each, all searches of a text alike: 200 values that say
        // no more than ten.
        let texts: Vec<String> = (0..10).map(|text| format!("text {text}")).collect();
        let values = || {
            texts.iter().enumerate().flat_map(|(text, name)| {
                (0..20).map(move |_| (name.as_str(), Some(f64::from(u8::from(text % 2 == 0)))))
            })
        };
        let together = Figure::of(values(), &Bootstrap::seeded(1)).expect("values");
        assert_eq!(
            (together.value, together.queries, together.texts),
            (0.5, 200, 10)
        );
        let apart: Vec<String> = (0..200).map(|search| search.to_string()).collect();
        let apart = apart
            .iter()
            .map(String::as_str)
            .zip(values().map(|(_, value)| value));
        let apart = Figure::of(apart, &Bootstrap::seeded(1)).expect("values");
        let width = |figure: &Figure| figure.interval.map_or(0.0, |it| it.high - it.low);
        assert!(
            width(&together) > 3.0 * width(&apart),
            "{together:?} {apart:?}"
        );
    }

    #[test]
    fn queries_that_do_not_count_are_left_out_and_one_text_has_no_interval() {
        let bootstrap = Bootstrap::seeded(1);
        let figure = Figure::of(
            [("a", Some(0.5)), ("a", Some(1.0)), ("b", None)],
            &bootstrap,
        );
        let expected = Figure {
            value: 0.75,
            interval: None,
            queries: 2,
            texts: 1,
        };
        assert_eq!(figure, Some(expected));
        assert_eq!(Figure::of([("a", None)], &bootstrap), None);
        assert_eq!(Figure::of([], &bootstrap), None);
    }
}
