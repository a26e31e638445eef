//! Sections on the model and what it is made from.

use std::fmt::Write as _;

use super::{section, table};
use crate::report::Report;
use crate::report::charts;
use crate::report::html::{Text, count, decimal, percent};

/// The features that are shown; a model may have thousands.
const FEATURES_SHOWN: usize = 30;

/// The lines of notes that are shown.
const NOTES_SHOWN: usize = 100;

pub(in crate::report) fn learning_curve(report: &Report) -> Option<String> {
    let curve = report.learning_curve.as_ref()?;
    if curve.values.is_empty() {
        return None;
    }
    let plot = charts::curve(
        &format!("{} after each tree", curve.name),
        &curve.values,
        curve.trees,
    );
    Some(section(
        "Learning curve",
        &format!(
            "{} after each of {} trees; the model has {}.",
            curve.name,
            count(curve.values.len() as u64),
            count(curve.trees as u64)
        ),
        &format!("<figure>{plot}</figure>"),
    ))
}

pub(in crate::report) fn importance(report: &Report) -> Option<String> {
    if report.importance.is_empty() {
        return None;
    }
    let contributions = report.importance.iter().map(|feature| feature.contribution);
    let has_contributions = contributions.clone().any(|it| it.is_some());
    let highest_contribution = highest(contributions.flatten());
    let highest_gain = highest(report.importance.iter().map(|feature| feature.gain));
    let mut rows = String::new();
    for feature in report.importance.iter().take(FEATURES_SHOWN) {
        let _ = write!(
            rows,
            "<tr><th scope=\"row\"><code>{}</code></th>{}<td class=\"number\">{}</td><td class=\"number\">{}</td>",
            Text(&feature.feature),
            bar("gain", feature.gain / highest_gain),
            percent(feature.gain),
            count(feature.splits),
        );
        if has_contributions {
            let contribution = feature.contribution;
            let _ = write!(
                rows,
                "{}<td class=\"number\">{}</td>",
                bar("shap", contribution.unwrap_or(0.0) / highest_contribution),
                contribution.map_or("\u{2013}".to_owned(), decimal)
            );
        }
        rows.push_str("</tr>\n");
    }
    let mut head = vec!["feature", "", "gain", "splits"];
    if has_contributions {
        head.extend(["", "mean |SHAP|"]);
    }
    let left_out = report.importance.len().saturating_sub(FEATURES_SHOWN);
    let mut lead =
        "The share of all gain that splits on a feature bring; a feature that others can \
                    replace may have little."
            .to_owned();
    if let (true, Some(over)) = (has_contributions, &report.contributions_over) {
        let _ = write!(
            lead,
            " Beside it by how much the feature moves a score up or down, the mean over {}.",
            Text(over)
        );
    }
    if left_out > 0 {
        let _ = write!(
            lead,
            " {} features with less gain are not shown.",
            count(left_out as u64)
        );
    }
    Some(section("Importance", &lead, &table(&head, &rows)))
}

/// Above 0, to divide by.
fn highest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::MIN_POSITIVE, f64::max)
}

/// A cell with a bar of a share of its width.
fn bar(class: &str, share: f64) -> String {
    let width = (100.0 * share).clamp(0.0, 100.0);
    format!("<td class=\"bar {class}\"><span style=\"width:{width:.1}%\"></span></td>")
}

pub(in crate::report) fn data_card(report: &Report) -> Option<String> {
    if report.data_card.is_empty() && report.notes.is_empty() {
        return None;
    }
    let mut body = String::from("<dl>\n");
    for (name, value) in &report.data_card {
        let _ = writeln!(
            body,
            "<div><dt>{}</dt><dd><bdi>{}</bdi></dd></div>",
            Text(name),
            Text(value)
        );
    }
    body.push_str("</dl>\n<h3>What was found in the data</h3>\n");
    if report.notes.is_empty() {
        body.push_str("<p>Nothing was left out and nothing looks wrong.</p>");
    } else {
        body.push_str("<ul class=\"notes\">\n");
        for note in report.notes.iter().take(NOTES_SHOWN) {
            let _ = writeln!(body, "<li>{}</li>", Text(note));
        }
        body.push_str("</ul>");
        let left_out = report.notes.len().saturating_sub(NOTES_SHOWN);
        if left_out > 0 {
            let _ = write!(body, "<p>and {} more</p>", count(left_out as u64));
        }
    }
    Some(section(
        "Data card",
        "What the model is made from and what was measured on.",
        &body,
    ))
}
