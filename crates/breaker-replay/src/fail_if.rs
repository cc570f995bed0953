//! Conditions for scripts: when what came out is to be a failure.

use std::str::FromStr;

use crate::report::{CircuitPart, Report};

/// A figure, held against a number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    text: String,
    figure: Figure,
    relation: Relation,
    number: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    Harm,
    Saved,
    Waste,
    Rejected,
    Trips,
    Missed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Less,
    LessOrSame,
    More,
    MoreOrSame,
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "a condition is a figure (harm, saved, waste, rejected, trips or missed), <, <=, > or >=, and a number: 'harm>0'".to_owned()
        };
        // The longer ones first.
        let relations = [
            (">=", Relation::MoreOrSame),
            ("<=", Relation::LessOrSame),
            (">", Relation::More),
            ("<", Relation::Less),
        ];
        let (figure, relation, number) = relations
            .into_iter()
            .find_map(|(sign, relation)| {
                let (figure, number) = text.split_once(sign)?;
                Some((figure.trim(), relation, number.trim()))
            })
            .ok_or_else(wrong)?;
        let figure = match figure {
            "harm" => Figure::Harm,
            "saved" => Figure::Saved,
            "waste" => Figure::Waste,
            "rejected" => Figure::Rejected,
            "trips" => Figure::Trips,
            "missed" => Figure::Missed,
            _ => return Err(wrong()),
        };
        let number = number
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite());
        Ok(Self {
            text: text.to_owned(),
            figure,
            relation,
            number: number.ok_or_else(wrong)?,
        })
    }
}

impl Condition {
    /// Says for which configuration it holds; `None` if for none.
    pub(crate) fn holds(&self, report: &Report) -> Option<String> {
        report
            .configurations
            .iter()
            .enumerate()
            .find_map(|(lane, name)| {
                let circuits = report
                    .services
                    .iter()
                    .filter_map(|service| service.circuits.get(lane));
                let sum = circuits.map(|circuit| self.figure.of(circuit)).sum::<u64>();
                let is_so = match self.relation {
                    Relation::Less => (sum as f64) < self.number,
                    Relation::LessOrSame => sum as f64 <= self.number,
                    Relation::More => sum as f64 > self.number,
                    Relation::MoreOrSame => sum as f64 >= self.number,
                };
                is_so.then(|| format!("--fail-if {} holds of {name}: it is {sum}", self.text))
            })
    }
}

impl Figure {
    fn of(self, circuit: &CircuitPart) -> u64 {
        match self {
            Self::Harm => circuit.harm,
            Self::Saved => circuit.saved,
            Self::Waste => circuit.waste,
            Self::Rejected => circuit.rejected,
            Self::Trips => circuit.trips,
            Self::Missed => circuit.missed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_a_figure_a_relation_and_a_number() {
        let condition: Condition = "harm >= 1.5".parse().unwrap();
        assert_eq!(
            (condition.figure, condition.relation, condition.number),
            (Figure::Harm, Relation::MoreOrSame, 1.5)
        );
        for wrong in ["", "harm", "harm>", "ham>1", "harm=1", "harm>NaN", "1<harm"] {
            assert!(wrong.parse::<Condition>().is_err(), "{wrong}");
        }
    }
}
