//! Rejections as gRPC callers expect them.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use ::tonic::{Status, metadata::MetadataValue};

use crate::{
    error::Rejected,
    shape::{PassError, Shape},
};

/// Answers rejected calls by a trailers-only gRPC response. Made by [`BreakerLayer::grpc`](crate::BreakerLayer::grpc).
#[derive(Clone, Copy, Debug, Default)]
pub struct Grpc;

impl<InnerError> PassError<InnerError> for Grpc {
    type Error = InnerError;

    fn pass(error: InnerError) -> Self::Error {
        error
    }
}

impl<Request, Body: Default, InnerError> Shape<Request, ::http::Response<Body>, InnerError>
    for Grpc
{
    type Future = Ready<Result<::http::Response<Body>, InnerError>>;

    fn reject(&mut self, rejected: Rejected, _: Request) -> Self::Future {
        ready(Ok(Status::from(rejected).into_http()))
    }
}

/// `Unavailable`. `grpc-retry-pushback-ms` says how long it is not worth trying again, 1 ms at least, and −1, which forbids to
/// retry, while isolated. [`Rejected::of`] finds the rejection in it.
impl From<Rejected> for Status {
    fn from(rejected: Rejected) -> Self {
        let mut status = Self::unavailable(rejected.to_string());
        let pushback = rejected.retry_after().map_or(-1, |wait| {
            i64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
        });
        let metadata = status.metadata_mut();
        metadata.insert("grpc-retry-pushback-ms", MetadataValue::from(pushback));
        status.set_source(Arc::new(rejected));
        status
    }
}
