//! Where the times of a log lie in a picture.

use super::model::Moment;
use crate::input::show;

/// Where the time begins and ends.
pub(crate) const LEFT: f64 = 130.0;
pub(crate) const RIGHT: f64 = 948.0;
/// Where the lines of the times begin.
pub(crate) const TOP: f64 = 14.0;

/// Where a time lies.
pub(crate) struct Scale {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl Scale {
    pub(crate) fn x(&self, Moment(at): Moment) -> f64 {
        let whole = (self.to - self.from).max(1) as f64;
        let part = at.clamp(self.from, self.to) - self.from;
        LEFT + (RIGHT - LEFT) * part as f64 / whole
    }

    /// A period at least so wide that it can be seen.
    pub(crate) fn bar(&self, from: Moment, to: Option<Moment>) -> (f64, f64) {
        let start = self.x(from);
        let end = to.map_or(RIGHT, |to| self.x(to));
        (start, (end - start).max(0.8))
    }

    /// Where a column of so many nanoseconds begins, and how wide it is.
    pub(crate) fn column(&self, from: Moment, width: u64) -> (f64, f64) {
        let start = self.x(from);
        let end = self.x(Moment(from.0.saturating_add(width)));
        (start, (end - start).max(0.5))
    }

    /// The times below it all, at this height.
    pub(crate) fn axis(&self, y: f64) -> String {
        let whole = self.to - self.from;
        let step = STEPS
            .map(|seconds| seconds * 1_000_000_000)
            .into_iter()
            .find(|step| whole / step <= 8)
            .unwrap_or(u64::MAX);
        let mut text = format!("<path class=\"line\" d=\"M{LEFT} {y}H{RIGHT}\"/>");
        let mut at = self.from.div_ceil(step).saturating_mul(step);
        // The date that the first time has: a call may have begun before midnight.
        let date = if at <= self.to { at } else { self.from };
        while at <= self.to {
            let x = self.x(Moment(at));
            let time = show(at);
            let label = match &time[11..19] {
                "00:00:00" => &time[..10],
                clock if step < 60_000_000_000 => clock,
                clock => &clock[..5],
            };
            text += &format!("<path class=\"line\" d=\"M{x:.2} {TOP}V{}\"/>", y + 5.0);
            // Where the date stands, or the picture ends, there is no room.
            if x > LEFT + 30.0 && x < RIGHT - 24.0 {
                text += &format!(
                    "<text class=\"middle soft\" x=\"{x:.2}\" y=\"{}\">{label}</text>",
                    y + 18.0
                );
            }
            let Some(next) = at.checked_add(step) else {
                break;
            };
            at = next;
        }
        text + &format!(
            "<text class=\"right soft\" x=\"{}\" y=\"{}\">{} UTC</text>",
            LEFT - 10.0,
            y + 18.0,
            &show(date)[..10]
        )
    }
}

/// Steps of the axis in seconds.
const STEPS: [u64; 20] = [
    1,
    2,
    5,
    10,
    30,
    60,
    120,
    300,
    600,
    1800,
    3600,
    7200,
    21600,
    43200,
    86400,
    172_800,
    864_000,
    8_640_000,
    86_400_000,
    1_000_000_000,
];
