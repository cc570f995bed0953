//! What a call reads of a circuit without taking its lock.

use crate::clock::Source;

/// A circuit's state as far as most calls need it, in one word that is replaced as a whole:
/// `epoch 54 │ flags 6 │ not calm 1 │ state 3`, where zero is what a healthy call likes best.
///
/// The *epoch* counts the states of all circuits that a slot has had. It never comes back, so a permit that carries one
/// tells for good whether its state is over. It is written only by whoever holds the slot's lock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gate(u64);

/// What a call meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GateState {
    /// Every call passes and counts.
    Passes = 0,
    /// It depends: ask under the lock.
    Ask = 1,
    /// Every call is refused until a time that stands beside the gate.
    Open = 2,
    /// Every call is refused.
    Isolated = 3,
    /// There is no circuit.
    Vacant = 4,
    /// Every call is refused by the operator, until a time that stands beside the gate.
    IsolatedUntil = 5,
}

/// What a circuit's settings and observers want, of which each call is to know: the bits of a gate that say so.
#[derive(Clone, Copy, Default)]
pub(crate) struct Flags(u64);

impl Flags {
    pub(crate) fn of(clock: Source) -> Self {
        Self(clock.to_bits() << Gate::CLOCK)
    }

    /// Calls are timed.
    pub(crate) const fn timed(self, is_timed: bool) -> Self {
        self.with(Gate::TIMED, is_timed)
    }

    /// Admissions are counted.
    pub(crate) const fn counted(self, is_counted: bool) -> Self {
        self.with(Gate::COUNTED, is_counted)
    }

    /// A success is recorded whatever the circuit is like.
    pub(crate) const fn recorded(self, is_recorded: bool) -> Self {
        self.with(Gate::RECORDED, is_recorded)
    }

    /// Some observer wants to be told of rejections.
    pub(crate) const fn tells_rejections(self, tells: bool) -> Self {
        self.with(Gate::TELLS, tells)
    }

    const fn with(self, flag: u64, is_set: bool) -> Self {
        Self(if is_set { self.0 | flag } else { self.0 })
    }

    pub(crate) const fn are_timed(self) -> bool {
        self.0 & Gate::TIMED != 0
    }
}

impl Gate {
    const STATE: u64 = 0b111;
    const NOT_CALM: u64 = 1 << 3;
    const TIMED: u64 = 1 << 4;
    const COUNTED: u64 = 1 << 5;
    const RECORDED: u64 = 1 << 6;
    const TELLS: u64 = 1 << 7;
    const CLOCK: u32 = 8;
    /// The lowest bit of the epoch.
    pub(crate) const EPOCH: u32 = 10;

    /// Of a circuit in this state; *calm* is one that nothing speaks against.
    #[inline]
    pub(crate) const fn new(epoch: u64, state: GateState, is_calm: bool, flags: Flags) -> Self {
        let not_calm = if is_calm { 0 } else { Self::NOT_CALM };
        Self(epoch << Self::EPOCH | flags.0 | not_calm | state as u64)
    }

    /// That of a circuit which lets every call pass and against whose downstream nothing speaks.
    #[cfg(feature = "keyed")]
    pub(crate) const fn calm(epoch: u64) -> Self {
        Self(epoch << Self::EPOCH)
    }

    /// That of a slot without a circuit.
    pub(crate) const fn vacant(epoch: u64) -> Self {
        Self(epoch << Self::EPOCH | Self::NOT_CALM | GateState::Vacant as u64)
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) const fn to_bits(self) -> u64 {
        self.0
    }

    pub(crate) const fn epoch(self) -> u64 {
        self.0 >> Self::EPOCH
    }

    pub(crate) const fn state(self) -> GateState {
        match self.0 & Self::STATE {
            0 => GateState::Passes,
            2 => GateState::Open,
            3 => GateState::Isolated,
            4 => GateState::Vacant,
            5 => GateState::IsolatedUntil,
            _ => GateState::Ask,
        }
    }

    /// Whether a call passes, counts, and nothing else is to be done for it.
    #[inline]
    pub(crate) const fn passes_plainly(self) -> bool {
        self.0 & (Self::STATE | Self::TIMED | Self::COUNTED) == 0
    }

    /// Whether a call passes, counts, and is to be timed and nothing else.
    #[inline]
    pub(crate) const fn passes_timed(self) -> bool {
        self.0 & (Self::STATE | Self::TIMED | Self::COUNTED) == Self::TIMED
    }

    /// Whether a success of this moment changes nothing, if it was fast.
    #[inline]
    pub(crate) const fn skips_a_success(self) -> bool {
        self.0 & (Self::NOT_CALM | Self::RECORDED) == 0
    }

    #[inline]
    pub(crate) const fn passes(self) -> bool {
        self.0 & Self::STATE == 0
    }

    /// Whether nothing speaks against the downstream.
    #[inline]
    pub(crate) const fn is_calm(self) -> bool {
        self.0 & Self::NOT_CALM == 0
    }

    #[inline]
    pub(crate) const fn tells_rejections(self) -> bool {
        self.0 & Self::TELLS != 0
    }

    #[inline]
    pub(crate) const fn clock(self) -> Source {
        Source::from_bits(self.0 >> Self::CLOCK & 3)
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_goes_into_a_gate_comes_out() {
        let states = [
            GateState::Ask,
            GateState::Passes,
            GateState::Open,
            GateState::Isolated,
            GateState::IsolatedUntil,
        ];
        for (state, flags) in states
            .into_iter()
            .flat_map(|state| (0..32).map(move |flags| (state, flags)))
        {
            let (is_calm, is_timed) = (flags & 1 != 0, flags & 2 != 0);
            let (is_counted, is_recorded, tells) =
                (flags & 4 != 0, flags & 8 != 0, flags & 16 != 0);
            let flags = Flags::of(Source::User)
                .timed(is_timed)
                .counted(is_counted)
                .recorded(is_recorded)
                .tells_rejections(tells);
            let gate = Gate::new(1 << 53, state, is_calm, flags);
            assert_eq!(gate.epoch(), 1 << 53);
            assert_eq!(gate.state(), state);
            let passes = state == GateState::Passes && !is_counted;
            assert_eq!(gate.passes_plainly(), passes && !is_timed);
            assert_eq!(gate.passes_timed(), passes && is_timed);
            assert_eq!(gate.is_calm(), is_calm);
            assert_eq!(gate.skips_a_success(), is_calm && !is_recorded);
            assert_eq!(gate.tells_rejections(), tells);
            assert!(gate.clock() == Source::User);
        }
    }

    #[test]
    fn where_there_is_no_circuit_nothing_passes_plainly_and_nothing_is_calm() {
        let gate = Gate::vacant(7);
        assert_eq!((gate.epoch(), gate.state()), (7, GateState::Vacant));
        assert!(!gate.passes_plainly() && !gate.is_calm() && !gate.passes());
    }
}
