//! A breaker's load is that of its inner service.

use tower::load::Load;

use crate::stack::service::Breaker;

/// With the feature `load`: that of the inner service.
impl<S: Load, J, A> Load for Breaker<S, J, A> {
    type Metric = S::Metric;

    fn load(&self) -> S::Metric {
        self.get_ref().load()
    }
}

/// With the feature `load`: that of the inner service.
#[cfg(feature = "tokio")]
impl<S: Load, J, A> Load for crate::stack::wait::Wait<S, J, A> {
    type Metric = S::Metric;

    fn load(&self) -> S::Metric {
        self.get_ref().load()
    }
}

/// With the feature `load`: that of the inner service.
#[cfg(feature = "keyed")]
impl<S, K, X, J, A> Load for crate::keyed::KeyedBreaker<S, K, X, J, A>
where
    S: Load,
    K: crate::keyed::Key,
{
    type Metric = S::Metric;

    fn load(&self) -> S::Metric {
        self.get_ref().load()
    }
}
