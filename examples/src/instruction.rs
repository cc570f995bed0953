//! What a request asks of the downstream. Told apart from the server, so that it can be read in one place.

use hyper::{Request, StatusCode};

/// How the downstream treats a request that asks for nothing of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// Answers 200.
    #[default]
    Healthy,
    /// Answers 503.
    Failing,
    /// Takes the request and never answers.
    Hanging,
    /// Takes the request and resets the connection.
    Resetting,
    /// Answers 200 and closes the connection half-way through the body.
    Cutting,
}

impl Mood {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "healthy" => Some(Self::Healthy),
            "failing" => Some(Self::Failing),
            "hanging" => Some(Self::Hanging),
            "resetting" => Some(Self::Resetting),
            "cutting" => Some(Self::Cutting),
            _ => None,
        }
    }
}

impl From<Mood> for Treatment {
    fn from(mood: Mood) -> Self {
        match mood {
            Mood::Healthy => Self::Answer(StatusCode::OK),
            Mood::Failing => Self::Answer(StatusCode::SERVICE_UNAVAILABLE),
            Mood::Hanging => Self::Hang,
            Mood::Resetting => Self::Reset,
            Mood::Cutting => Self::Cut,
        }
    }
}

/// How one request is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Treatment {
    Answer(StatusCode),
    Hang,
    Reset,
    Cut,
}

/// What a request says, about itself or about those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instruction {
    ThisOne(Treatment),
    FailNext(u32),
    FromNowOn(Mood),
    /// A word that is known with a value that is not.
    Unclear,
    Nothing,
}

impl Instruction {
    /// The first instruction in the query, else the first in the headers.
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let query = request.uri().query().unwrap_or_default().split('&');
        let query = query.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let headers = request.headers().iter().filter_map(|(name, value)| {
            let key = name.as_str().strip_prefix("x-mock-")?;
            Some((key, value.to_str().unwrap_or_default()))
        });
        query
            .chain(headers)
            .map(|(key, value)| Self::parse(key, value))
            .find(|instruction| *instruction != Self::Nothing)
            .unwrap_or(Self::Nothing)
    }

    fn parse(key: &str, value: &str) -> Self {
        let parsed = match key {
            "status" => value.parse().ok().map(Treatment::Answer).map(Self::ThisOne),
            "hang" => (value == "1").then_some(Self::ThisOne(Treatment::Hang)),
            "reset" => (value == "1").then_some(Self::ThisOne(Treatment::Reset)),
            "cut" => (value == "1").then_some(Self::ThisOne(Treatment::Cut)),
            "fail_next" | "fail-next" => value.parse().ok().map(Self::FailNext),
            "mood" => Mood::parse(value).map(Self::FromNowOn),
            _ => Some(Self::Nothing),
        };
        parsed.unwrap_or(Self::Unclear)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str, header: Option<(&str, &str)>) -> Instruction {
        let mut request = Request::builder().uri(uri);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        Instruction::of(&request.body(()).unwrap())
    }

    #[test]
    fn a_query_and_a_header_say_the_same() {
        let hang = Instruction::ThisOne(Treatment::Hang);
        assert_eq!(of("/?hang=1", None), hang);
        assert_eq!(of("/", Some(("x-mock-hang", "1"))), hang);
        let five = Instruction::FailNext(5);
        assert_eq!(of("/?fail_next=5", None), five);
        assert_eq!(of("/", Some(("x-mock-fail-next", "5"))), five);
    }

    #[test]
    fn the_query_wins_over_a_header() {
        let healthy = Instruction::FromNowOn(Mood::Healthy);
        let header = Some(("x-mock-status", "500"));
        assert_eq!(of("/?mood=healthy", header), healthy);
    }

    #[test]
    fn foreign_words_ask_for_nothing_and_bad_values_are_unclear() {
        let host = Some(("host", "localhost"));
        assert_eq!(of("/?colour=red&debug", host), Instruction::Nothing);
        assert_eq!(of("/?status=abc", None), Instruction::Unclear);
        assert_eq!(of("/?mood=cheerful", None), Instruction::Unclear);
        assert_eq!(of("/?fail_next=-1", None), Instruction::Unclear);
    }
}
