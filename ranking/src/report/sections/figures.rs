//! Sections on how good the model is: metrics, lifts, slices.

use std::fmt::Write as _;

use super::{figure_cell, section, table};
use crate::report::Report;
use crate::report::charts::{self, Whisker};
use crate::report::html::{Text, count, probability, range, signed};

pub(in crate::report) fn metrics(report: &Report) -> Option<String> {
    let first = report.metrics.first()?;
    let mut head = vec!["metric", "model"];
    head.extend(first.others.iter().map(|(name, _)| name.as_str()));
    head.push("queries");
    let mut rows = String::new();
    for metric in &report.metrics {
        let _ = write!(
            rows,
            "<tr><th scope=\"row\">{}</th>{}",
            Text(&metric.name),
            figure_cell(Some(&metric.model)).replacen("number", "number model", 1)
        );
        for (_, figure) in &metric.others {
            rows.push_str(&figure_cell(figure.as_ref()));
        }
        let _ = writeln!(
            rows,
            "<td class=\"number\">{}</td></tr>",
            count(metric.model.queries as u64)
        );
    }
    let shown = report
        .metrics
        .iter()
        .find(|metric| metric.name == report.headline_metric)
        .unwrap_or(first);
    let model = Whisker {
        name: "model",
        value: shown.model.value,
        interval: shown.model.interval,
        is_model: true,
    };
    let others = shown.others.iter().filter_map(|(name, figure)| {
        figure.map(|figure| Whisker {
            name,
            value: figure.value,
            interval: figure.interval,
            is_model: false,
        })
    });
    let whiskers: Vec<Whisker<'_>> = std::iter::once(model).chain(others).collect();
    let plot = charts::whiskers(
        &format!("{} of each ranking with its interval", shown.name),
        &whiskers,
        None,
    );
    Some(section(
        "Metrics",
        &format!(
            "Measured on: {}. Below each mean its 95 % interval, a bootstrap over distinct texts. \
             The plot shows {}. Conventions: {}. auc leaves out queries without a pair to order.",
            report.split, shown.name, report.conventions
        ),
        &format!("<figure>{plot}</figure>\n{}", table(&head, &rows)),
    ))
}

pub(in crate::report) fn lifts(report: &Report) -> Option<String> {
    if report.lifts.is_empty() {
        return None;
    }
    let mut rows = String::new();
    for lift in &report.lifts {
        let comparison = &lift.comparison;
        let relative = if comparison.second > 0.0 {
            format!(
                "{:+.1}\u{a0}%",
                100.0 * comparison.difference / comparison.second
            )
            .replace('-', "\u{2212}")
        } else {
            "\u{2013}".to_owned()
        };
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\">{}</th><td class=\"number\">{}<small>{}</small></td><td class=\"number\">{relative}</td><td class=\"number\">{}</td><td class=\"number\">{} / {}</td><td class=\"number\">{}</td></tr>",
            Text(&lift.against),
            signed(comparison.difference),
            range(comparison.interval, signed),
            Text(&probability(comparison.p_value)),
            count(comparison.better as u64),
            count(comparison.worse as u64),
            count(comparison.queries as u64),
        );
    }
    let whiskers: Vec<Whisker<'_>> = report
        .lifts
        .iter()
        .map(|lift| Whisker {
            name: &lift.against,
            value: lift.comparison.difference,
            interval: lift.comparison.interval,
            is_model: true,
        })
        .collect();
    let label = format!(
        "difference in {} against each other ranking",
        report.headline_metric
    );
    let plot = charts::whiskers(&label, &whiskers, Some(0.0));
    let head = [
        "against",
        "difference",
        "relative",
        "randomisation test",
        "better / worse",
        "queries",
    ];
    Some(section(
        "Lift",
        &format!(
            "The model's {} less that of each other ranking, on the same queries. Texts are drawn \
             whole; the test flips the sign of each text's difference.",
            report.headline_metric
        ),
        &format!("<figure>{plot}</figure>\n{}", table(&head, &rows)),
    ))
}

pub(in crate::report) fn slices(report: &Report) -> Option<String> {
    if report.slices.is_empty() {
        return None;
    }
    let mut rows = String::new();
    let mut slicing = "";
    for row in &report.slices {
        if row.slicing != slicing {
            slicing = &row.slicing;
            let _ = writeln!(
                rows,
                "<tr class=\"group\"><th colspan=\"5\" scope=\"colgroup\">by {}</th></tr>",
                Text(slicing)
            );
        }
        let lift = row.lift.as_ref().map_or_else(
            || "<td class=\"number faint\">not applicable</td>".to_owned(),
            |lift| {
                format!(
                    "<td class=\"number\">{}<small>{}</small></td>",
                    signed(lift.comparison.difference),
                    range(lift.comparison.interval, signed)
                )
            },
        );
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\"><bdi>{}</bdi></th>{}{lift}<td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
            Text(&row.slice),
            figure_cell(Some(&row.model)),
            count(row.model.queries as u64),
            count(row.model.texts as u64),
        );
    }
    let against = report
        .slices
        .iter()
        .find_map(|row| row.lift.as_ref())
        .map_or("the strongest other ranking", |lift| lift.against.as_str());
    let difference = format!("against {against}");
    let head = ["slice", "model", &difference, "queries", "texts"];
    Some(section(
        "Slices",
        &format!(
            "{} by slice. Head are the most frequent texts that make up a third of all searches, \
             torso those of the next third, tail the rest and all that were searched for once. A \
             slice of few texts says little, whatever its mean; one without test queries is not there.",
            report.headline_metric
        ),
        &table(&head, &rows),
    ))
}
