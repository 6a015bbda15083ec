//! Charts of curves: their points, their orders of growth, and their tables.

use std::fmt::Write as _;
use std::time::Instant;

use super::median::median;

/// Rounds in which all points of a curve take turns.
const ROUNDS: usize = 7;

/// Curves over the same horizontal axis.
pub(crate) struct Chart {
    pub(crate) title: &'static str,
    /// The meaning of the horizontal axis.
    pub(crate) axis: &'static str,
    pub(crate) unit: Unit,
    pub(crate) curves: Vec<Curve>,
}

pub(crate) struct Curve {
    pub(crate) name: &'static str,
    pub(crate) order: Order,
    pub(crate) points: Vec<Point>,
}

#[derive(Clone, Copy)]
pub(crate) struct Point {
    pub(crate) x: u32,
    pub(crate) y: f64,
}

#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Seconds,
    CallsPerSecond,
    Bytes,
}

/// The order of growth that the documentation states.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    Constant,
    Logarithmic,
    Linear,
}

/// One point of a curve, which is measured several times.
pub(crate) struct Probe<'a> {
    x: u32,
    measure: Box<dyn FnMut() -> f64 + 'a>,
}

impl<'a> Probe<'a> {
    pub(crate) fn new(x: u32, measure: impl FnMut() -> f64 + 'a) -> Self {
        Self { x, measure: Box::new(measure) }
    }
}

impl Curve {
    /// Measures all probes in several rounds, and keeps the median of each.
    pub(crate) fn measure(name: &'static str, order: Order, probes: Vec<Probe<'_>>) -> Self {
        Self::measure_in(ROUNDS, name, order, probes)
    }

    /// Measures all probes in this number of rounds.
    pub(crate) fn measure_in(
        rounds: usize,
        name: &'static str,
        order: Order,
        mut probes: Vec<Probe<'_>>,
    ) -> Self {
        let mut figures = vec![Vec::new(); probes.len()];
        for _ in 0..rounds {
            for (probe, figures) in probes.iter_mut().zip(&mut figures) {
                figures.push((probe.measure)());
            }
        }
        let points =
            probes.iter().zip(figures).map(|(probe, figures)| Point { x: probe.x, y: median(figures) });
        Self { name, order, points: points.collect() }
    }

    /// Returns the slope of a straight line through the last three decades, with both axes logarithmic. A linear curve
    /// is measured above its lowest point, because it begins with costs that do not grow: those of the first circuit or
    /// listener, and of cold caches.
    pub(crate) fn exponent(&self) -> f64 {
        let last = self.points.last().map_or(0, |point| point.x);
        let origin = match self.order {
            Order::Constant | Order::Logarithmic => Point { x: 0, y: 0.0 },
            Order::Linear => self.lowest().unwrap_or(Point { x: 0, y: 0.0 }),
        };
        let points = self.points.iter().filter(|point| point.x > origin.x && point.x >= last / 1000);
        let points = points.map(|point| [f64::from(point.x - origin.x).ln(), (point.y - origin.y).ln()]);
        let logarithms: Vec<[f64; 2]> = points.filter(|[_, y]| y.is_finite()).collect();
        let mean = |index: usize| {
            let sum: f64 = logarithms.iter().filter_map(|pair| pair.get(index)).sum();
            sum / f64::from(u32::try_from(logarithms.len()).unwrap_or(u32::MAX))
        };
        let [x_mean, y_mean] = [mean(0), mean(1)];
        let covariance: f64 = logarithms.iter().map(|[x, y]| (x - x_mean) * (y - y_mean)).sum();
        let variance: f64 = logarithms.iter().map(|[x, _]| (x - x_mean).powi(2)).sum();
        covariance / variance
    }

    fn lowest(&self) -> Option<Point> {
        self.points.iter().filter(|point| point.x > 0).min_by(|one, other| one.y.total_cmp(&other.y)).copied()
    }
}

impl Order {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Logarithmic => "logarithmic",
            Self::Linear => "linear",
        }
    }
}

impl Chart {
    /// Returns a table with one row for each curve.
    pub(crate) fn table(&self) -> String {
        let xs: Vec<u32> = self
            .curves
            .first()
            .into_iter()
            .flat_map(|curve| curve.points.iter().map(|point| point.x))
            .collect();
        let mut table = format!("| {}; {}: | stated | measured |", self.title, self.axis);
        for x in &xs {
            _ = write!(table, " {} |", grouped(*x));
        }
        _ = write!(table, "\n|---|---|---|{}\n", "---|".repeat(xs.len()));
        for curve in &self.curves {
            _ = write!(table, "| {} | {} | {:.2} |", curve.name, curve.order.name(), curve.exponent());
            for point in &curve.points {
                _ = write!(table, " {} |", self.unit.text(point.y));
            }
            table.push('\n');
        }
        table
    }
}

impl Unit {
    /// Returns the figure with three digits and its unit.
    pub(crate) fn text(self, figure: f64) -> String {
        let (units, base): (&[&str], f64) = match self {
            Self::Seconds => (&["ns", "µs", "ms", "s"], 1e-9),
            Self::CallsPerSecond => (&["/s", "k/s", "M/s"], 1.0),
            Self::Bytes => (&["B", "kB", "MB"], 1.0),
        };
        let mut scaled = figure / base;
        let mut units = units.iter();
        let mut unit = units.next();
        while scaled >= 999.5 && units.len() > 0 {
            scaled /= 1000.0;
            unit = units.next();
        }
        let decimals = if scaled < 9.95 { 2 } else { usize::from(scaled < 99.5) };
        format!("{scaled:.decimals$} {}", unit.copied().unwrap_or_default())
    }
}

/// Returns the number with a comma between thousands.
pub(crate) fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns the seconds that `work` takes.
pub(crate) fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    let value = std::hint::black_box(work());
    let seconds = start.elapsed().as_secs_f64();
    drop(value);
    seconds
}

/// Returns the seconds of one of this number of calls, which get the numbers 0, 1, 2 ..
pub(crate) fn seconds_per_call(calls: u32, mut call: impl FnMut(u32)) -> f64 {
    seconds(|| (0..calls).for_each(|number| call(std::hint::black_box(number)))) / f64::from(calls)
}
