//! The page: its head, the verdict, and the sections in their order.

use super::Report;
use super::html::Text;
use super::sections;
use super::verdict::{Verdict, VerdictKind, verdict};

/// The report as one HTML document.
#[must_use]
pub fn render(report: &Report) -> String {
    let verdict = verdict(&report.headline_metric, &report.lifts);
    let title = Text(&report.title);
    let mut page = format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>{title} · ranking report</title>
<style>
{style}</style>
</head>
<body>
<header>
<p class="kind">Ranking report</p>
<h1><bdi>{title}</bdi></h1>
{verdict}
</header>
<main>
"#,
        style = include_str!("style.css"),
        verdict = verdict_box(report, &verdict),
    );
    for section in [
        sections::metrics(report),
        sections::lifts(report),
        sections::slices(report),
        sections::positions(report),
        sections::counterfactual(report),
        sections::learning_curve(report),
        sections::importance(report),
        sections::queries(report),
        sections::data_card(report),
    ]
    .into_iter()
    .flatten()
    {
        page.push_str(&section);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn verdict_box(report: &Report, verdict: &Verdict) -> String {
    let (class, word) = match verdict.kind {
        VerdictKind::Better => ("better", "Better"),
        VerdictKind::Worse => ("worse", "Worse"),
        VerdictKind::Unclear => ("unclear", "Unclear"),
        VerdictKind::Unmeasured => ("unclear", "Not measured"),
    };
    let caution = report.caution.as_ref().map_or_else(String::new, |caution| {
        format!("\n<p class=\"caution\">{}</p>", Text(caution))
    });
    format!(
        r#"<div class="verdict {class}"><p class="word">{word}</p><p class="sentence">{}</p><p>{}</p>{caution}</div>"#,
        Text(&verdict.sentence),
        Text(&verdict.grounds),
    )
}
