//! Plots as inline SVG, coloured by the page's style sheet. Each has a text that says what it shows.

use std::fmt::Write as _;

use super::html::Text;
use crate::metrics::statistics::Interval;

const WIDTH: f64 = 640.0;

/// One line of a plot of intervals.
pub(super) struct Whisker<'a> {
    pub(super) name: &'a str,
    pub(super) value: f64,
    pub(super) interval: Option<Interval>,
    pub(super) is_model: bool,
}

/// One point of a plot of rates.
pub(super) struct RatePoint {
    pub(super) position: u32,
    pub(super) rate: f64,
    pub(super) interval: Interval,
}

/// Values with their intervals below each other on one scale. `reference` is drawn as a line.
pub(super) fn whiskers(label: &str, rows: &[Whisker<'_>], reference: Option<f64>) -> String {
    const ROW: f64 = 30.0;
    const LEFT: f64 = 150.0;
    const RIGHT: f64 = 20.0;
    let ends = rows.iter().flat_map(|row| {
        let interval = row.interval.unwrap_or(Interval {
            low: row.value,
            high: row.value,
        });
        [interval.low, row.value, interval.high]
    });
    let scale = Scale::over(ends.chain(reference), LEFT, WIDTH - RIGHT);
    let height = ROW * rows.len() as f64 + 34.0;
    let bottom = ROW * rows.len() as f64 + 6.0;
    let mut svg = open(label, height);
    for tick in scale.ticks() {
        let x = scale.at(tick);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="4" y2="{bottom:.1}"/><text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            bottom + 18.0,
            scale.label(tick),
        );
    }
    if let Some(reference) = reference {
        let x = scale.at(reference);
        let _ = write!(
            svg,
            r#"<line class="axis" x1="{x:.1}" x2="{x:.1}" y1="4" y2="{bottom:.1}"/>"#
        );
    }
    for (place, row) in rows.iter().enumerate() {
        let y = ROW * (place as f64 + 0.5) + 4.0;
        let class = if row.is_model { "model" } else { "other" };
        let _ = write!(
            svg,
            r#"<text class="name" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            LEFT - 12.0,
            y + 4.5,
            Text(&shortened(row.name, 20)),
        );
        if let Some(interval) = row.interval {
            let (low, high) = (scale.at(interval.low), scale.at(interval.high));
            let _ = write!(
                svg,
                r#"<line class="whisker {class}" x1="{low:.1}" x2="{high:.1}" y1="{y:.1}" y2="{y:.1}"/>"#
            );
        }
        let _ = write!(
            svg,
            r#"<circle class="dot {class}" cx="{:.1}" cy="{y:.1}" r="5"/>"#,
            scale.at(row.value)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// A curve over trees, with a mark where the model stops.
pub(super) fn curve(label: &str, values: &[f64], kept: usize) -> String {
    const HEIGHT: f64 = 250.0;
    let vertical = Scale::over(values.iter().copied(), HEIGHT - 44.0, 12.0);
    let last = values.len().max(2) as f64;
    let horizontal = Scale {
        low: 1.0,
        high: last,
        from: 56.0,
        to: WIDTH - 16.0,
    };
    let mut svg = open(label, HEIGHT);
    grid(&mut svg, &vertical);
    // No more points than can be seen.
    let step = values.len().div_ceil(WIDTH as usize).max(1);
    let mut points = String::new();
    for (place, value) in values.iter().enumerate() {
        if place % step == 0 || place + 1 == values.len() {
            let x = horizontal.at((place + 1) as f64);
            let _ = write!(points, "{x:.1},{:.1} ", vertical.at(*value));
        }
    }
    let _ = write!(
        svg,
        r#"<polyline class="curve model" points="{}"/>"#,
        points.trim_end()
    );
    for tree in [1, values.len()] {
        let x = horizontal.at(tree as f64);
        let anchor = if tree == 1 { "start" } else { "end" };
        let _ = write!(
            svg,
            r#"<text class="tick" x="{x:.1}" y="{:.1}" text-anchor="{anchor}">{tree}</text>"#,
            HEIGHT - 22.0
        );
    }
    axis_name(&mut svg, HEIGHT, "trees");
    if let Some(value) = kept.checked_sub(1).and_then(|place| values.get(place)) {
        let _ = write!(
            svg,
            r#"<circle class="dot model" cx="{:.1}" cy="{:.1}" r="5"><title>{kept} trees</title></circle>"#,
            horizontal.at(kept as f64),
            vertical.at(*value)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Rates by position of two lists, each rate with its interval.
pub(super) fn rates(label: &str, shown: &[RatePoint], by_model: &[RatePoint]) -> String {
    const HEIGHT: f64 = 270.0;
    let both = || shown.iter().chain(by_model);
    let highest = both().map(|point| point.interval.high).chain([0.0]);
    let vertical = Scale::over(highest, HEIGHT - 44.0, 12.0);
    let last = both().map(|point| point.position).max().unwrap_or(1);
    let horizontal = Scale {
        low: 0.5,
        high: f64::from(last) + 0.5,
        from: 56.0,
        to: WIDTH - 16.0,
    };
    let mut svg = open(label, HEIGHT);
    grid(&mut svg, &vertical);
    for position in 1..=last {
        let _ = write!(
            svg,
            r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="middle">{position}</text>"#,
            horizontal.at(f64::from(position)),
            HEIGHT - 22.0
        );
    }
    axis_name(&mut svg, HEIGHT, "position");
    for (points, class, aside) in [(shown, "other", -4.0), (by_model, "model", 4.0)] {
        for point in points {
            let x = horizontal.at(f64::from(point.position)) + aside;
            let _ = write!(
                svg,
                r#"<line class="whisker {class}" x1="{x:.1}" x2="{x:.1}" y1="{:.1}" y2="{:.1}"/><circle class="dot {class}" cx="{x:.1}" cy="{:.1}" r="4"/>"#,
                vertical.at(point.interval.low),
                vertical.at(point.interval.high),
                vertical.at(point.rate),
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

fn open(label: &str, height: f64) -> String {
    format!(
        r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{}">"#,
        Text(label)
    )
}

fn grid(svg: &mut String, vertical: &Scale) {
    for tick in vertical.ticks() {
        let y = vertical.at(tick);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="56" x2="{:.1}" y1="{y:.1}" y2="{y:.1}"/><text class="tick" x="48" y="{:.1}" text-anchor="end">{}</text>"#,
            WIDTH - 16.0,
            y + 4.0,
            vertical.label(tick),
        );
    }
}

/// Below the ticks, in the middle.
fn axis_name(svg: &mut String, height: f64, name: &str) {
    let _ = write!(
        svg,
        r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="middle">{name}</text>"#,
        f64::midpoint(56.0, WIDTH - 16.0),
        height - 4.0
    );
}

fn shortened(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let mut shortened: String = text.chars().take(characters - 1).collect();
    shortened.push('\u{2026}');
    shortened
}

/// From values to places in the drawing.
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// Over finite values, with a little room; never of width 0.
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let room = ((high - low) * 0.06).max(high.abs().max(1e-3) * 1e-3);
        // What begins at 0, such as a rate, is drawn from 0.
        let low = if low == 0.0 { 0.0 } else { low - room };
        Self {
            low,
            high: high + room,
            from,
            to,
        }
    }

    /// Finite for every finite value; what is not a number is at the low end.
    fn at(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        let share = if share.is_finite() { share } else { 0.0 };
        self.from + (self.to - self.from) * share
    }

    /// The distance between ticks: 1, 2 or 5 times a power of ten, for four to eight of them.
    fn step(&self) -> f64 {
        let rough = (self.high - self.low) / 5.0;
        let power = libm::pow(10.0, libm::floor(libm::log10(rough)));
        match rough / power {
            share if share < 1.5 => power,
            share if share < 3.5 => 2.0 * power,
            share if share < 7.5 => 5.0 * power,
            _ => 10.0 * power,
        }
    }

    fn ticks(&self) -> Vec<f64> {
        let step = self.step();
        let first = libm::ceil(self.low / step);
        (0..12)
            .map(|tick| (first + f64::from(tick)) * step)
            .take_while(|tick| *tick <= self.high)
            .collect()
    }

    /// A tick with as many decimals as tell it from the next.
    fn label(&self, tick: f64) -> String {
        let decimals = (-libm::floor(libm::log10(self.step()) + 1e-9)).clamp(0.0, 8.0) as usize;
        let tick = if tick.abs() < self.step() / 2.0 {
            0.0
        } else {
            tick
        };
        format!("{tick:.decimals$}").replace('-', "\u{2212}")
    }
}
