//! The drawing of the charts: one SVG that is readable on light and dark pages.

use std::fmt::Write as _;

use super::curves::{Chart, Curve, Order, grouped};

/// Size of one chart with its legend, and of its plot, in pixels.
const CHART: [f64; 2] = [430.0, 380.0];
const PLOT: [f64; 4] = [62.0, 40.0, 350.0, 190.0];
const COLUMNS: usize = 2;
const LEGEND_LINE: f64 = 15.0;

/// Colors of the curves, each with enough contrast on both backgrounds.
const COLORS: [&str; 7] = ["#2f7ed8", "#d9622b", "#2e9e5b", "#b0489f", "#b8860b", "#7a6ff0", "#d04060"];

/// A browser that prefers dark pages gets a dark drawing. It has a background of its own, since a page may be dark
/// although the browser is not.
const STYLE: &str = "\
<style>
svg { background: #ffffff; font: 12px sans-serif; }
text { fill: #24292f; }
.title { font-weight: bold; font-size: 13px; }
.small { font-size: 10.5px; }
.grid { stroke: #d8dee4; stroke-width: 1; }
.stated { stroke-dasharray: 2 3; stroke-width: 1.2; fill: none; opacity: 0.75; }
.curve { stroke-width: 2; fill: none; }
@media (prefers-color-scheme: dark) {
svg { background: #161b22; }
text { fill: #e6edf3; }
.grid { stroke: #30363d; }
}
</style>
";

/// The vertical axis of a chart, in decades.
struct Decades {
    low: f64,
    high: f64,
}

/// Returns the drawing of all charts.
pub(crate) fn draw(charts: &[Chart]) -> String {
    let rows = charts.len().div_ceil(COLUMNS);
    let [width, height] = [CHART[0] * number(COLUMNS), CHART[1] * number(rows)];
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <title>Growth of cost: measured curves, and dotted the order of growth that is stated</title>\n{STYLE}"
    );
    for (index, chart) in charts.iter().enumerate() {
        let [x, y] = [CHART[0] * number(index % COLUMNS), CHART[1] * number(index / COLUMNS)];
        _ = writeln!(svg, "<g transform=\"translate({x} {y})\">");
        draw_chart(&mut svg, chart);
        svg += "</g>\n";
    }
    svg + "</svg>\n"
}

/// Returns the definition of the link `growth` with the drawing as its target, because the documentation that rustdoc
/// builds contains no files.
pub(crate) fn link(svg: &str) -> String {
    let mut uri = String::new();
    for byte in svg.replace('\n', " ").bytes() {
        if byte.is_ascii_alphanumeric() || b"-./:=,;".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            _ = write!(uri, "%{byte:02X}");
        }
    }
    format!("[growth]: data:image/svg+xml,{uri}\n")
}

fn draw_chart(svg: &mut String, chart: &Chart) {
    let [left, top, width, height] = PLOT;
    let (bottom, middle) = (top + height, left + width / 2.0);
    let decades = Decades::of(chart);
    _ = writeln!(svg, "<text class=\"title\" x=\"{left}\" y=\"20\">{}</text>", escaped(chart.title));
    for decade in decades.all() {
        let y = decades.position(10_f64.powi(decade));
        let label = chart.unit.text(10_f64.powi(decade));
        _ = writeln!(svg, "<path class=\"grid\" d=\"M{left} {y:.1}h{width}\"/>");
        _ = writeln!(
            svg,
            "<text class=\"small\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            left - 6.0,
            y + 4.0
        );
    }
    let points = chart.curves.first().map(|curve| curve.points.as_slice()).unwrap_or_default();
    for (index, point) in points.iter().enumerate() {
        let x = column(index, points.len());
        _ = writeln!(
            svg,
            "<text class=\"small\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            bottom + 15.0,
            grouped(point.x)
        );
    }
    _ = writeln!(
        svg,
        "<text class=\"small\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        bottom + 30.0,
        escaped(chart.axis)
    );
    for (index, (curve, color)) in chart.curves.iter().zip(COLORS.iter().cycle()).enumerate() {
        draw_curve(svg, curve, &decades, color);
        let y = bottom + 48.0 + LEGEND_LINE * number(index);
        _ = writeln!(svg, "<path class=\"curve\" stroke=\"{color}\" d=\"M{left} {}h18\"/>", y - 4.0);
        _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{y}\">{}: {}, measured {:.2}</text>",
            left + 26.0,
            escaped(curve.name),
            curve.order.name(),
            curve.exponent()
        );
    }
}

/// Draws the measured curve, and dotted a linear one through its first and last point if that is the stated order.
fn draw_curve(svg: &mut String, curve: &Curve, decades: &Decades, color: &str) {
    let count = curve.points.len();
    let mut path = String::new();
    for (index, point) in curve.points.iter().enumerate() {
        let (x, y) = (column(index, count), decades.position(point.y));
        _ = write!(path, "{}{x:.1} {y:.1}", if index == 0 { "M" } else { "L" });
        _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{color}\"/>");
    }
    _ = writeln!(svg, "<path class=\"curve\" stroke=\"{color}\" d=\"{path}\"/>");
    if let (Order::Linear, Some(first), Some(last)) = (curve.order, curve.points.first(), curve.points.last())
    {
        let slope = (last.y - first.y) / f64::from(last.x - first.x);
        let stated = curve.points.iter().enumerate().map(|(index, point)| {
            let y = decades.position(first.y + slope * f64::from(point.x - first.x));
            format!("{:.1} {y:.1}", column(index, count))
        });
        let points: Vec<String> = stated.collect();
        _ = writeln!(svg, "<path class=\"stated\" stroke=\"{color}\" d=\"M{}\"/>", points.join("L"));
    }
}

/// Returns the horizontal position of the point at `index`: points are equally far apart.
fn column(index: usize, count: usize) -> f64 {
    let [left, _, width, _] = PLOT;
    let gap = width / number(count.max(1));
    left + gap * (number(index) + 0.5)
}

impl Decades {
    fn of(chart: &Chart) -> Self {
        let figures = || chart.curves.iter().flat_map(|curve| &curve.points).map(|point| point.y.log10());
        let low = figures().fold(f64::INFINITY, f64::min).floor();
        let high = figures().fold(f64::NEG_INFINITY, f64::max).ceil();
        Self { low, high: high.max(low + 1.0) }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a decade is a small whole number")]
    fn all(&self) -> impl Iterator<Item = i32> {
        self.low as i32..=self.high as i32
    }

    fn position(&self, figure: f64) -> f64 {
        let [_, top, _, height] = PLOT;
        top + height * (self.high - figure.log10()) / (self.high - self.low)
    }
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::NAN, f64::from)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
