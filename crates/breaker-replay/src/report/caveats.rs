//! What a replay cannot know: what of it concerns this log.

use crate::input::Seen;

const SPARED: &str = "The log shows what happened without this breaker: a rejected call would have spared its downstream some \
                      load, and the outage might have been shorter.";
const OTHERS: &str = "If another breaker or a retry stood before the downstream, its doings are in the log, and are taken for \
                      the traffic.";
const ONE_CLIENT: &str = "Every call counts as made by one client with one circuit; a fleet has a circuit each, and each sees \
                          a part of this (--clients).";
const DIVIDED: &str = "The calls are dealt out to the clients at random, where the log does not say who made them (--client).";
const COARSE: &str = "The log has whole seconds alone: the calls of a second are spread over it, and everything here is good \
                      to a second.";
const UNTIMED: &str = "The log does not say how long calls took: each ends as it begins, so that probes never overlap, and slow \
                       calls are not seen.";

pub(crate) fn caveats(seen: &Seen, is_timed: bool, clients: u16) -> Vec<&'static str> {
    let mut all = vec![SPARED, OTHERS];
    if clients == 1 {
        all.push(ONE_CLIENT);
    } else if !seen.names_clients {
        all.push(DIVIDED);
    }
    if seen.is_coarse {
        all.push(COARSE);
    }
    if !is_timed {
        all.push(UNTIMED);
    }
    all
}
