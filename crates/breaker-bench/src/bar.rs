//! What must hold, and whether it does.

use std::process::ExitCode;

/// Something that must hold.
#[derive(Clone, Debug)]
pub struct Bar {
    what: String,
    holds: bool,
    figures: String,
}

impl Bar {
    /// What must hold, whether it does, and the figures that say so.
    pub fn new(what: impl Into<String>, holds: bool, figures: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            holds,
            figures: figures.into(),
        }
    }

    /// `figure` must be at most `limit`.
    pub fn at_most(what: impl Into<String>, figure: f64, limit: f64) -> Self {
        Self::new(
            what,
            figure <= limit,
            format!("{figure:.2}, at most {limit:.2}"),
        )
    }

    /// Whether it holds.
    pub const fn holds(&self) -> bool {
        self.holds
    }
}

impl std::fmt::Display for Bar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = if self.holds { "PASS" } else { "FAIL" };
        write!(f, "{verdict}  {}: {}", self.what, self.figures)
    }
}

/// Prints them all; a failure if one does not hold.
pub fn report(bars: &[Bar]) -> ExitCode {
    println!("\n## Bars\n");
    for bar in bars {
        println!("- {bar}");
    }
    let failed = bars.iter().filter(|bar| !bar.holds).count();
    println!("\n{} hold, {failed} do not", bars.len() - failed);
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
