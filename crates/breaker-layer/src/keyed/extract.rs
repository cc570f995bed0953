//! Which key a request is for.

/// Says which key a request is for; `None` if for none.
///
/// Implemented for closures; a layer knows no types, so their argument is annotated: `|request: &Request| …`. It runs on
/// every call, so it should not allocate: [`Key`](super::Key) names types that are cheap to clone. The feature `http` has
/// some that are ready-made.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not give a `{K}` for requests of `{Request}`",
    label = "gives no such key",
    note = "a closure gives an `Option`, and its argument is annotated: `|request: &Request| Some(key)`",
    note = "`keyed::ByAuthority` and the others by name need an `http::Request`"
)]
pub trait ExtractKey<Request, K> {
    /// The key of this request.
    fn key(&self, request: &Request) -> Option<K>;
}

impl<F: Fn(&Request) -> Option<K>, Request, K> ExtractKey<Request, K> for F {
    fn key(&self, request: &Request) -> Option<K> {
        self(request)
    }
}
